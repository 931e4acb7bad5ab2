//! What the command line looks like: the root of it. Each command's own options are beside the
//! command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::app::family;
use crate::commands::{
    agent, attach, ci, completions, cutover, demo, doctor, gateway, holder, hook, init, lane, life,
    man, matrix, migrate, pane, roster, runtime, skills, start_session, status, tools, tree, units,
    verify,
};
use crate::exit::{self, Family};

/// Run a durable fleet of AI coding agents, and deliver messages to them that you can trust.
#[derive(Debug, Parser)]
#[command(
    name = "mosaic-fleet",
    version,
    after_help = exit::help(),
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Globals {
    /// The roster, instead of $MOSAIC_HOME/fleet/roster.yaml
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub(crate) roster: Option<PathBuf>,
    /// The fleet's tmux socket: a name, or a path with a slash
    #[arg(
        long,
        global = true,
        value_name = "NAME|PATH",
        help_heading = "Global options"
    )]
    pub(crate) socket: Option<String>,
    /// Print exactly one JSON document on stdout (one a line where the command goes on)
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// No progress and no words of success
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Tell what is done, on stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// Colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    pub(crate) color: Colour,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    // On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

impl Colour {
    pub(crate) fn for_clap(self) -> clap::ColorChoice {
        match self {
            Colour::Auto => clap::ColorChoice::Auto,
            Colour::Always => clap::ColorChoice::Always,
            Colour::Never => clap::ColorChoice::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Init),
    #[command(visible_alias = "install")]
    InstallSystemd(units::Install),
    UninstallSystemd(units::Uninstall),
    Start(life::Start),
    Stop(life::Stop),
    Restart(life::Restart),
    Drain(life::Drain),
    Status(status::Status),
    Attach(attach::Attach),
    Verify(verify::Verify),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    #[command(subcommand)]
    Agent(agent::Agent),
    #[command(subcommand)]
    Pane(pane::Pane),
    #[command(subcommand)]
    Lane(lane::Lane),
    #[command(subcommand)]
    Ci(ci::Ci),
    Gateway(gateway::Gateway),
    #[command(subcommand)]
    Matrix(matrix::Matrix),
    #[command(subcommand)]
    Roster(roster::Roster),
    #[command(subcommand)]
    Runtime(runtime::Runtime),
    #[command(subcommand)]
    Skills(skills::Skills),
    InstallTools(tools::InstallTools),
    Migrate(migrate::Migrate),
    Cutover(cutover::Cutover),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(hide = true, name = "commands")]
    Tree(tree::Tree),
    #[command(hide = true)]
    StartSession(start_session::StartSession),
    #[command(hide = true)]
    Hook(hook::Hook),
    #[command(hide = true, subcommand)]
    Holder(holder::Holder),
    #[command(hide = true)]
    AgentLaunch(holder::AgentLaunch),
    #[command(hide = true)]
    DemoAgent(demo::DemoAgent),
}

/// The command line as the help shows it: without the commands and options that are hidden.
pub(crate) fn shown() -> clap::Command {
    without_hidden(&Arguments::command())
}

/// What is not copied matters to the parser alone.
fn without_hidden(command: &clap::Command) -> clap::Command {
    let arguments = command.get_arguments().filter(|one| !one.is_hide_set());
    let arguments: Vec<_> = arguments.cloned().collect();
    let is_there = |id: &clap::Id| arguments.iter().any(|one| one.get_id() == id);
    let groups = command.get_groups();
    let groups: Vec<_> = groups
        .filter(|group| group.get_args().all(is_there))
        .cloned()
        .collect();
    let below = command.get_subcommands().filter(|one| !one.is_hide_set());
    let mut shown = clap::Command::new(command.get_name().to_owned())
        .visible_aliases(command.get_visible_aliases().map(str::to_owned))
        .disable_help_subcommand(true)
        .groups(groups)
        .subcommands(below.map(without_hidden))
        .args(arguments);
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    shown
}

/// What must be known before the arguments are parsed, to say how they are wrong.
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) json: bool,
    pub(crate) colour: Colour,
    pub(crate) family: Family,
}

impl Early {
    /// Reads the process's arguments, the program's name first.
    pub(crate) fn read(arguments: &[OsString]) -> Self {
        let mut json = false;
        let mut colour = Colour::Auto;
        let mut words = Vec::new();
        let mut rest = arguments.iter().skip(1).filter_map(|word| word.to_str());
        while let Some(word) = rest.next() {
            let mut set_colour = |value: Option<&str>| {
                colour = value
                    .and_then(|value| Colour::from_str(value, false).ok())
                    .unwrap_or(colour);
            };
            match word {
                "--" => break,
                "--json" => json = true,
                "--color" => set_colour(rest.next()),
                // The texts of others are not ours to read.
                "--roster" | "--socket" | "-m" | "--message" => drop(rest.next()),
                _ if word.starts_with("--color=") => set_colour(word.split('=').nth(1)),
                _ if word.starts_with('-') => {}
                _ => words.push(word),
            }
        }
        Early {
            json,
            colour,
            family: family(&words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn early(line: &str) -> Early {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        Early::read(&words)
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_wrong_line_still_tells_its_family_and_form() {
        let seen = early("mosaic-fleet --roster agent --json agent send --nonsense");
        assert!(seen.json);
        assert_eq!(seen.family, Family::Send);
        assert_eq!(
            early("mosaic-fleet start --color never").colour,
            Colour::Never
        );
        assert_eq!(
            early("mosaic-fleet agent tail --json").family,
            Family::Other
        );
        assert!(!early("mosaic-fleet agent send a -m --json").json);
    }
}
