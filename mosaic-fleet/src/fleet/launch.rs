//! What it takes to start an agent, once everything about it was found in order: program, folder,
//! environment and first prompt.

use std::path::{Path, PathBuf};

use super::talk::Kickstart;
use super::{Fleet, kickstart};
use crate::error::{Error, Result};
use crate::roster::{AgentSpec, CommandLine};
use crate::runtime::Launch;

impl Fleet {
    /// The first prompt, rendered.
    pub(super) fn first_prompt(
        &self,
        agent: &AgentSpec,
        kickstart: &Kickstart,
    ) -> Result<Option<String>> {
        let template = match kickstart {
            Kickstart::None => return Ok(None),
            Kickstart::Template(template) => template.clone(),
            Kickstart::Roster => match &agent.kickstart_template {
                None => return Ok(None),
                Some(crate::roster::Kickstart::Text(text)) => text.clone(),
                Some(crate::roster::Kickstart::File { file }) => self.read_template(file)?,
            },
        };
        let text = kickstart::render(&template, &self.inner.roster, agent)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn read_template(&self, file: &str) -> Result<String> {
        let path = match file.strip_prefix("~/") {
            Some(rest) => self.inner.user_home.join(rest),
            None => self.inner.home.path.join("fleet").join(file),
        };
        std::fs::read_to_string(&path).map_err(|error| {
            Error::config_invalid(format!(
                "cannot read the kickstart template {}",
                path.display()
            ))
            .with_source(error)
        })
    }

    /// What it takes to start an agent, once everything about it was found in order.
    pub(super) fn launch_of(&self, agent: &AgentSpec) -> Result<Launch> {
        let inner = &self.inner;
        let overrides = inner.overrides.get(&agent.name);
        if let Some((what, fix)) = overrides.and_then(|found| found.broken.as_ref()) {
            return Err(Error::config_invalid(what.as_str()).with_hint(fix.as_str()));
        }
        let runtime = self.runtime_of(agent);
        let manifest = inner.catalog.get(&runtime)?;
        let command = match inner.roster.command(agent) {
            Some(command) => command.argv(),
            None => manifest.launch.clone(),
        };
        let directory = self.directory_of(agent);
        // That of another host is looked at there.
        if inner.host.is_none() && !directory.is_dir() {
            let missing = format!("no working directory {}", directory.display());
            return Err(Error::config_invalid(missing)
                .with_hint("make it, or change `working_directory` in the roster"));
        }
        let own = inner.roster.env(agent);
        let environment = own.iter().map(|(key, value)| (key.clone(), value.clone()));
        Ok(Launch::new(agent.name.clone(), runtime, command, directory)
            .with_environment(environment))
    }

    /// Where an agent starts. `~` stays what it is on another host.
    pub(super) fn directory_of(&self, agent: &AgentSpec) -> PathBuf {
        let inner = &self.inner;
        let home = match inner.host {
            Some(_) => Path::new("~"),
            None => &inner.user_home,
        };
        inner.roster.working_directory(agent, home)
    }

    /// What it takes to start an agent, with its folder and its program found where it is.
    pub(super) async fn launch_found(&self, agent: &AgentSpec) -> Result<Launch> {
        let launch = self.launch_of(agent)?;
        if self.inner.host.is_none() {
            self.check_program(agent, &launch)?;
        }
        let program = self.program_of(agent, &launch);
        self.supervisor()?.found(&launch, program.as_deref()).await
    }

    /// The program that the agent's command begins with is there, where that is plain to see.
    fn check_program(&self, agent: &AgentSpec, launch: &Launch) -> Result<()> {
        match self.program_of(agent, launch) {
            Some(program) if self.find_program(&program, launch).is_none() => Err(
                Error::config_invalid(format!("no program {program} on PATH")).with_hint(
                    "install it, set `command` in the roster, or run `mosaic-fleet install-systemd` \
                     again if it is on the PATH of your shell",
                ),
            ),
            _ => Ok(()),
        }
    }

    /// The program that an agent's command begins with, where that is plain to see.
    pub(super) fn program_of(&self, agent: &AgentSpec, launch: &Launch) -> Option<String> {
        let program = match self.inner.roster.command(agent) {
            // A shell line: its first word.
            Some(CommandLine::Shell(line)) => line.split_whitespace().next().unwrap_or_default(),
            _ => launch.command.first().map_or("", String::as_str),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+".contains(c);
        program.chars().all(plain).then(|| program.to_owned())
    }

    /// Where a program is found on this host, as the agents' own PATH has it.
    pub(super) fn find_program(&self, program: &str, launch: &Launch) -> Option<PathBuf> {
        if self.inner.host.is_some() {
            return None;
        }
        if program.contains('/') {
            let path = launch.directory.join(program);
            return Some(path).filter(|path| path.is_file());
        }
        let path = self.inner.path.as_deref()?;
        std::env::split_paths(path)
            .map(|folder| folder.join(program))
            .find(|candidate| candidate.is_file())
    }
}
