//! `completions`: the scripts complete what the help shows, in the shell itself where there is one.

use std::collections::BTreeSet;
use std::process::Command;

use crate::help::COMMANDS;
use crate::home::{Home, Ran};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Hidden ones, whose names occur nowhere else.
const HIDDEN: [&str; 3] = ["agent-launch", "start-session", "demo-agent"];

fn script(home: &Home, shell: &str) -> String {
    home.ok(&["completions", shell]).out
}

/// The shell is on this host.
fn is_there(shell: &str) -> bool {
    Command::new(shell).arg("--version").output().is_ok()
}

/// The commands below one: `send`, … for `agent`.
fn below(command: &str) -> BTreeSet<&'static str> {
    let prefix = if command.is_empty() {
        String::new()
    } else {
        format!("{command} ")
    };
    let below = COMMANDS.iter().filter_map(|one| one.strip_prefix(&*prefix));
    below
        .filter(|rest| !rest.is_empty() && !rest.contains(' '))
        .collect()
}

#[test]
fn every_shell_knows_every_command_and_no_hidden_one() {
    let home = Home::new();
    for shell in SHELLS {
        let script = script(&home, shell);
        for word in COMMANDS
            .iter()
            .flat_map(|command| command.split_whitespace())
        {
            assert!(script.contains(word), "{word} in {shell}");
        }
        for hidden in HIDDEN {
            assert!(!script.contains(hidden), "{hidden} in {shell}");
        }
        let document = home.ok(&["completions", shell, "--json"]).json();
        assert_eq!(
            (&document["version"], &document["shell"]),
            (&1.into(), &shell.into())
        );
        assert_eq!(document["script"], script, "{shell}");
    }
    home.run(&["completions", "csh"])
        .fails(2, &["csh", "bash, elvish, fish"]);
}

/// What bash itself offers for a line, which ends with the word to be completed.
fn offered_by_bash(home: &Home, script: &str, lines: &[String]) -> Vec<BTreeSet<String>> {
    let mut asked = format!("{script}\nset -u\n");
    asked.push_str("found=$(complete -p mosaic-fleet); found=${found#*-F }; found=${found%% *}\n");
    for line in lines {
        asked.push_str(&format!(
            "COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             $found mosaic-fleet \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[*]}}\"\n"
        ));
    }
    let path = home.write("ask.bash", &asked);
    let mut bash = home.command("bash");
    bash.args(["--norc", "--noprofile"]).arg(path);
    let ran = Ran::of(bash.output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:#?}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    ran.out.lines().map(words).collect()
}

#[test]
fn bash_offers_the_commands_and_options_of_each_command() {
    let home = Home::new();
    let script = script(&home, "bash");
    let file = home.write("mosaic-fleet.bash", &script);
    let mut check = home.command("bash");
    assert!(check.arg("-n").arg(file).status().unwrap().success());
    let line = |command: &&str| format!("mosaic-fleet {command} ''");
    let lines: Vec<String> = COMMANDS.iter().map(line).collect();
    let offered = offered_by_bash(&home, &script, &lines);
    assert_eq!(offered.len(), COMMANDS.len());
    for (command, offered) in COMMANDS.iter().zip(offered) {
        assert!(offered.contains("--roster"), "{command}: {offered:?}");
        let words = offered.iter().map(String::as_str);
        let words: BTreeSet<&str> = words.filter(|word| !word.starts_with('-')).collect();
        let mut expected = below(command);
        match *command {
            // The other name of one.
            "" => drop(expected.insert("install")),
            "completions" => expected.extend(SHELLS),
            "runtime install" => expected.extend(["claude", "pi"]),
            _ => {}
        }
        assert_eq!(words, expected, "{command}");
    }
    let lines = [
        "mosaic-fleet agent se",
        "mosaic-fleet agent send --cl",
        "mosaic-fleet install --en",
    ];
    let offered = offered_by_bash(&home, &script, &lines.map(str::to_owned));
    let expected = ["send", "--class", "--enable"].map(|word| BTreeSet::from([word.to_owned()]));
    assert_eq!(offered, expected);
}

#[test]
fn fish_offers_the_commands_of_each_command() {
    let home = Home::new();
    let script = script(&home, "fish");
    let line = "complete -c mosaic-fleet -n \"__fish_mosaic_fleet_using_subcommand agent; \
                and not __fish_seen_subcommand_from ";
    let agent: Vec<&str> = script.lines().filter(|one| one.starts_with(line)).collect();
    for command in below("agent") {
        let offer = format!(" -a \"{command}\" -d ");
        assert!(
            agent.iter().any(|line| line.contains(&offer)),
            "{command}: {agent:#?}"
        );
    }
    if !is_there("fish") {
        return;
    }
    let path = home
        .write("mosaic-fleet.fish", &script)
        .display()
        .to_string();
    for group in ["agent", "pane", "lane", "ci", "roster", "runtime", "skills"] {
        let asked = format!("source {path}; complete -C 'mosaic-fleet {group} '");
        let mut fish = home.command("fish");
        let ran = Ran::of(fish.args(["--no-config", "-c", &asked]).output().unwrap());
        let offered = ran.out.lines().filter_map(|line| line.split('\t').next());
        assert_eq!(offered.collect::<BTreeSet<_>>(), below(group), "{ran:#?}");
    }
}

#[test]
fn zsh_has_a_function_for_each_command_that_it_calls() {
    let home = Home::new();
    let script = script(&home, "zsh");
    assert!(script.starts_with("#compdef mosaic-fleet\n"), "{script}");
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let words = script.split(|c| !is_name(c));
    let called = words.filter(|word| word.starts_with("_mosaic-fleet_"));
    let called: BTreeSet<&str> = called.filter(|word| word.ends_with("_commands")).collect();
    assert_eq!(called.len(), COMMANDS.len(), "{called:#?}");
    for function in called {
        assert!(script.contains(&format!("\n{function}() {{")), "{function}");
    }
    let agent = script
        .split("\n_mosaic-fleet__subcmd__agent_commands() {")
        .nth(1)
        .unwrap();
    let agent = agent.split("\n}").next().unwrap();
    for command in below("agent") {
        assert!(
            agent.contains(&format!("'{command}:")),
            "{command}: {agent}"
        );
    }
    if is_there("zsh") {
        let path = home.write("_mosaic-fleet", &script);
        let mut zsh = home.command("zsh");
        let ran = Ran::of(zsh.args(["-f", "-n"]).arg(path).output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:#?}");
    }
}
