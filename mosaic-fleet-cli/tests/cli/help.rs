//! The help of every command, in one listing: what people and scripts may rely on.

use std::fmt::Write;

use crate::home::Home;

/// Every command that is not hidden.
pub(crate) const COMMANDS: &[&str] = &[
    "",
    "init",
    "install-systemd",
    "uninstall-systemd",
    "start",
    "stop",
    "restart",
    "drain",
    "status",
    "attach",
    "verify",
    "doctor",
    "demo",
    "agent",
    "agent roster",
    "agent status",
    "agent send",
    "agent reset",
    "agent answer",
    "agent wait",
    "agent tail",
    "agent logs",
    "agent attach",
    "agent run",
    "pane",
    "pane send",
    "lane",
    "lane brief",
    "ci",
    "ci wait",
    "ci status",
    "ci guard",
    "gateway",
    "matrix",
    "matrix provision",
    "roster",
    "roster show",
    "roster add",
    "roster remove",
    "roster schema",
    "runtime",
    "runtime list",
    "runtime explain",
    "runtime install",
    "runtime schema",
    "skills",
    "skills pi-args",
    "install-tools",
    "migrate",
    "cutover",
    "completions",
    "man",
];

#[test]
fn help_of_every_command() {
    let home = Home::new();
    let mut all = String::new();
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let help = home.ok(&arguments).out;
        // The global options and exit codes are the same everywhere: once is enough.
        let own = match (command.is_empty(), help.find("Global options:")) {
            (false, Some(globals)) => &help[..globals],
            _ => help.as_str(),
        };
        let _ = writeln!(all, "==== mosaic-fleet {command}\n{}\n", own.trim_end());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn every_command_is_listed_here() {
    let home = Home::new();
    for group in [
        "", "agent", "pane", "lane", "ci", "roster", "runtime", "skills",
    ] {
        let mut arguments: Vec<&str> = group.split_whitespace().collect();
        arguments.push("--help");
        let help = home.ok(&arguments).out;
        let listed = help.split("Commands:\n").nth(1).unwrap();
        let lines = listed.lines().take_while(|line| line.starts_with("  "));
        // What a line goes on with stands further in.
        for line in lines.filter(|line| !line.starts_with("   ")) {
            let word = line.split_whitespace().next().unwrap();
            let command = format!("{group} {word}");
            assert!(COMMANDS.contains(&command.trim()), "{command}");
        }
    }
}
