//! `commands`: the command tree as JSON, for programs that mount it into theirs.

use clap::{Arg, Args, Command};
use serde::Serialize;

use crate::app::{Answered, Session};
use crate::args;
use crate::exit::Answer;
use crate::output::json::Document;

/// Print the commands, their arguments and options as JSON, for a program that mounts them
#[derive(Debug, Args)]
pub(crate) struct Tree {}

#[derive(Serialize)]
struct Root {
    /// Those that every command takes.
    options: Vec<Flag>,
    commands: Vec<Node>,
}

#[derive(Serialize)]
struct Node {
    name: String,
    aliases: Vec<String>,
    about: String,
    arguments: Vec<Positional>,
    options: Vec<Flag>,
    commands: Vec<Node>,
}

#[derive(Serialize)]
struct Positional {
    name: String,
    required: bool,
    variadic: bool,
    help: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
}

#[derive(Serialize)]
struct Flag {
    /// As in `-r, --repo <OWNER/NAME>`.
    flags: String,
    help: String,
    required: bool,
    /// It may be given more than once.
    repeatable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
}

impl Tree {
    pub(crate) fn run(session: &Session) -> Answered {
        let mut command = args::shown();
        command.build();
        let root = Root {
            options: flags(&command, true),
            commands: commands(&command),
        };
        session.output.pretty(&Document::new(root))?;
        Ok(Answer::Done)
    }
}

fn commands(command: &Command) -> Vec<Node> {
    let below = command.get_subcommands();
    let node = |command: &Command| Node {
        name: command.get_name().to_owned(),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        about: command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default(),
        arguments: command.get_positionals().map(positional).collect(),
        options: flags(command, false),
        commands: commands(command),
    };
    below.map(node).collect()
}

/// A command's options, either those of its own or those that it has from above.
fn flags(command: &Command, global: bool) -> Vec<Flag> {
    let options = command.get_arguments().filter(|arg| !arg.is_positional());
    // A host program has its own help and version.
    let ours = options.filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"));
    ours.filter(|arg| arg.is_global_set() == global)
        .map(flag)
        .collect()
}

fn flag(arg: &Arg) -> Flag {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let value = arg.get_value_names().filter(|_| takes_value(arg));
    let value = value.map(|names| format!(" <{}>", names.join("> <")));
    let default = arg.get_default_values().first();
    Flag {
        flags: format!("{}{}", names.join(", "), value.unwrap_or_default()),
        help: help(arg),
        required: arg.is_required_set(),
        repeatable: matches!(
            arg.get_action(),
            clap::ArgAction::Append | clap::ArgAction::Count
        ),
        choices: choices(arg),
        default: default
            .filter(|_| takes_value(arg))
            .map(|value| value.to_string_lossy().into_owned()),
    }
}

fn positional(arg: &Arg) -> Positional {
    let name = arg.get_value_names().and_then(|names| names.first());
    Positional {
        name: name.map_or_else(|| arg.get_id().to_string(), ToString::to_string),
        required: arg.is_required_set(),
        variadic: arg
            .get_num_args()
            .is_some_and(|count| count.max_values() > 1),
        help: help(arg),
        choices: choices(arg),
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|count| count.takes_values())
}

fn choices(arg: &Arg) -> Vec<String> {
    let values = arg.get_possible_values();
    // A switch takes `true` and `false` for clap alone.
    let values = values
        .iter()
        .filter(|value| takes_value(arg) && !value.is_hide_set());
    values.map(|value| value.get_name().to_owned()).collect()
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}
