//! Every command of the README is run, in its order, in one home.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::home::{Home, Ran};

/// The lines of the ```sh blocks that run our command.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut commands = Vec::new();
    let mut shell = false;
    let mut whole = String::new();
    for line in text.lines() {
        if let Some(kind) = line.trim().strip_prefix("```") {
            shell = !shell && matches!(kind, "sh" | "bash" | "console");
            continue;
        }
        if !shell {
            continue;
        }
        whole.push_str(line.trim().trim_start_matches("$ "));
        if whole.ends_with('\\') {
            whole.pop();
            continue;
        }
        let command = std::mem::take(&mut whole);
        if command.starts_with("mosaic-fleet ") {
            commands.push(command);
        }
    }
    commands
}

#[test]
fn every_command_of_the_readme_works() {
    let home = Home::new();
    for line in commands() {
        if line.starts_with("mosaic-fleet attach") {
            // Needs a person's terminal.
            continue;
        }
        let mut shell = home.command("sh");
        shell.args(["-ec", &line]).stdin(Stdio::null());
        let ran = Ran::of(shell.output().unwrap());
        assert_eq!(ran.code, 0, "{line}: {ran:#?}");
    }
}
