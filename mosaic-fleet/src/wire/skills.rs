//! The launcher's three questions about skills, by name. They wait for nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::arguments::read;
use super::asked::Nothing;
use super::{document, unknown_operation};
use crate::error::{Error, Result};
use crate::skills::{
    build_pi_skill_args, discovered_skill_dirs, enumerate_skill_dirs, forced_skill_dirs,
    pi_force_skill_names, pi_native_real_paths,
};

const OPERATIONS: &[&str] = &["skills_enumerate", "skills_force_names", "skills_pi_args"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Building {
    #[serde(default)]
    args: Vec<String>,
    discovered: Option<Vec<PathBuf>>,
    forced: Option<Vec<PathBuf>>,
    native_real_paths: Option<Vec<PathBuf>>,
    folder: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enumerating {
    roots: Vec<PathBuf>,
}

/// Calls `skills_pi_args` (`args`, and `discovered`, `forced`, `native_real_paths` instead of what
/// the launcher would take; `folder` instead of the working directory), `skills_enumerate` (`roots`)
/// or `skills_force_names`. `environment` is the caller's.
///
/// # Errors
/// `InvalidArgument`; `ConfigInvalid` where a working directory is needed and is not there.
pub fn skills(
    environment: &BTreeMap<String, String>,
    operation: &str,
    arguments: Value,
) -> Result<Value> {
    match operation {
        "skills_enumerate" => {
            let asked: Enumerating = read(arguments)?;
            // A path that is not UTF-8 cannot be told, and is left out as in the arguments.
            let mut skills = enumerate_skill_dirs(&asked.roots);
            skills.retain(|skill| skill.to_str().is_some());
            document(&skills)
        }
        "skills_force_names" => {
            let Nothing {} = read(arguments)?;
            document(&pi_force_skill_names(environment))
        }
        "skills_pi_args" => {
            let asked: Building = read(arguments)?;
            let folder = match asked.folder {
                Some(folder) => folder,
                None if asked.discovered.is_some() && asked.native_real_paths.is_some() => {
                    PathBuf::new()
                }
                None => std::env::current_dir().map_err(|error| {
                    Error::config_invalid("the working directory is not there").with_source(error)
                })?,
            };
            let discovered = asked
                .discovered
                .unwrap_or_else(|| discovered_skill_dirs(environment, &folder));
            let forced = asked
                .forced
                .unwrap_or_else(|| forced_skill_dirs(environment));
            let native = asked
                .native_real_paths
                .unwrap_or_else(|| pi_native_real_paths(environment, &folder));
            let args = &asked.args;
            document(&build_pi_skill_args(
                args,
                environment,
                &discovered,
                &forced,
                &native,
            ))
        }
        _ => Err(unknown_operation(operation, OPERATIONS)),
    }
}
