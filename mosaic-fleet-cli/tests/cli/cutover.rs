//! `migrate --check` and `cutover` without a service manager: what is left of the bash version is
//! told, and agents that somebody else started are recycled when a person says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::home::{Home, PROGRAM, Ran, SHELL, until};

/// Starts a session as the bash version did, and has it show who it is.
fn old_session(home: &Home, name: &str) {
    let line = format!("echo I am $((40+2)) {name}; exec {SHELL}");
    let ran = home.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", name, &line]);
    assert_eq!(ran.code, 0, "{ran:#?}");
}

fn old_sessions(names: &[&str]) -> Home {
    let home = Home::with_shells(names);
    for name in names {
        old_session(&home, name);
    }
    for name in names {
        home.shows(name, &format!("I am 42 {name}"));
    }
    home
}

fn pid(home: &Home, agent: &str) -> String {
    let target = format!("={agent}:");
    let ran = home.tmux(&["list-panes", "-t", &target, "-F", "#{pane_pid}"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    ran.out
}

/// What was done with each agent, by `--json`.
fn whats(document: &Value, list: &str, key: &str) -> Vec<(String, String)> {
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let rows = document[list].as_array().unwrap().iter();
    rows.map(|row| (word(row, "agent"), word(row, key)))
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
    list.iter().map(own).collect()
}

/// The folders in which tails are saved.
fn saved(home: &Home) -> Vec<PathBuf> {
    let folder = home.path("state/mosaic-fleet/cutover");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// A person's terminal: a server of its own, on which the command is run.
struct Person<'a> {
    home: &'a Home,
}

impl<'a> Person<'a> {
    fn at(home: &'a Home) -> Self {
        let person = Person { home };
        let at = person.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            "me",
            "-x",
            "150",
            "-y",
            "50",
            SHELL,
        ]);
        assert_eq!(at.code, 0, "{at:#?}");
        person
    }

    fn tmux(&self, words: &[&str]) -> Ran {
        let mut command = self.home.command("tmux");
        command.args(["-u", "-S"]).arg(self.home.path("me"));
        Ran::of(command.args(words).output().unwrap())
    }

    fn types(&self, keys: &[&str]) {
        let mut all = vec!["send-keys", "-t", "=me:"];
        all.extend(keys);
        let ran = self.tmux(&all);
        assert_eq!(ran.code, 0, "{ran:#?}");
    }

    /// Runs `cutover` for the time `run`, on a screen that nothing else is on.
    fn cuts_over(&self, run: usize, options: &str) {
        let before = run - 1;
        let line = format!(
            "clear; echo begun $((1+{before})); {PROGRAM} cutover {options}; echo ended $((1+{before})) $?"
        );
        self.types(&[&line, "Enter"]);
        self.sees(&[&format!("begun {run}")]);
    }

    fn sees(&self, texts: &[&str]) -> String {
        until(&format!("a person sees {texts:?}"), || {
            let shown = self.tmux(&["capture-pane", "-p", "-t", "=me:"]).out;
            match texts.iter().all(|text| shown.contains(text)) {
                true => Ok(shown),
                false => Err(shown),
            }
        })
    }
}

impl Drop for Person<'_> {
    fn drop(&mut self) {
        self.tmux(&["-N", "kill-server"]);
    }
}

#[test]
fn what_is_left_of_the_bash_version_is_told() {
    let home = Home::with_shells(&["a", "b"]);
    let nothing = home.ok(&["migrate", "--check"]);
    assert_eq!(nothing.out, "nothing of the bash version is in use\n");
    let none = home.ok(&["migrate", "--check", "--json"]).json();
    assert_eq!(
        (&none["version"], &none["leftovers"]),
        (&1.into(), &Value::Array(vec![]))
    );
    home.run(&["migrate"]).fails(2, &["--check"]);
    let help = home.ok(&["migrate", "--help"]).out;
    for step in ["init", "install-systemd", "cutover", "install-tools"] {
        assert!(help.contains(step), "{step}: {help}");
    }

    home.write("mosaic/tools/tmux/agent-send.sh", "echo old\n");
    home.write("mosaic/tools/woodpecker/ci-wait.sh", "echo old\n");
    home.write("config/systemd/user/mosaic-agent@.service", "[Unit]\n");
    home.write(
        "config/systemd/user/default.target.wants/mosaic-agent@a.service",
        "",
    );
    home.write(
        "mosaic/fleet/agents/a.env",
        "TOKEN=secret\nMOSAIC_TMUX_SOCKET=other\n",
    );
    home.write("mosaic/fleet/agents/b.env", "secret\n");
    home.write("mosaic/fleet/agents/_x.env", "A=secret\n");
    old_session(&home, "a");
    old_session(&home, "stranger");
    let document = home.ok(&["migrate", "--check", "--json"]).json();
    let found: Vec<(&str, &str)> = document["leftovers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("unit", "mosaic-agent@.service"),
            ("enabled_unit", "mosaic-agent@a.service"),
            ("env_file", "a"),
            ("env_file", "b"),
            ("env_file", "_x.env"),
            ("script", "agent-send.sh"),
            ("script", "ci-wait.sh"),
            ("agent", "a"),
            ("agent", "stranger"),
        ]
    );
    let of = |at: usize, key: &str| document["leftovers"][at][key].as_str().unwrap();
    assert_eq!(of(2, "what"), "changes env.TOKEN");
    assert!(of(2, "warning").contains("MOSAIC_TMUX_SOCKET is not this fleet's"));
    assert!(of(3, "warning").contains("not KEY=VALUE"));
    assert_eq!(of(5, "next"), "mosaic-fleet install-tools");
    assert!(of(6, "replaced_by").ends_with("and mosaic-fleet ci wait"));
    assert!(of(6, "warning").contains("forges.yaml"));
    assert_eq!(of(6, "next"), "mosaic-fleet install-tools");
    assert_eq!(of(7, "next"), "mosaic-fleet cutover a");
    assert_eq!(of(8, "next"), "mosaic-fleet roster add stranger");
    let told = home.ok(&["migrate", "--check"]).out;
    assert!(told.contains("unit mosaic-agent@.service: "), "{told}");
    assert!(
        told.contains("  next         mosaic-fleet install-systemd --enable\n"),
        "{told}"
    );
    assert!(
        !told.contains("secret") && !document.to_string().contains("secret"),
        "{told}"
    );
}

#[test]
fn agents_of_somebody_are_recycled_and_strangers_are_left() {
    let home = old_sessions(&["a", "b"]);
    old_session(&home, "stranger");
    let before = ["a", "b", "stranger"].map(|name| pid(&home, name));
    let no_terminal = home.run(&["cutover"]);
    no_terminal.fails(2, &["no terminal", "--yes", "--dry-run"]);
    let all = [("a", "recycle"), ("b", "recycle"), ("stranger", "stranger")];
    let dry = home.ok(&["cutover", "--dry-run", "--json"]);
    assert_eq!(whats(&dry.json(), "steps", "what"), pairs(&all));
    let table = home.ok(&["cutover", "--dry-run"]).out;
    assert!(
        table.contains("left alone: it is not in the roster"),
        "{table}"
    );
    assert!(table.ends_with("nothing was done\n"), "{table}");
    assert_eq!(["a", "b", "stranger"].map(|name| pid(&home, name)), before);
    assert!(saved(&home).is_empty());
    home.run(&["cutover", "stranger", "--yes"])
        .fails(2, &["roster add stranger"]);
    home.run(&["cutover", "c", "--yes"])
        .fails(1, &["c: no such agent"]);

    // One only: the other one is not touched.
    let one = home.ok(&["cutover", "a", "--yes"]);
    assert!(one.err.contains("a: restarted"), "{one:#?}");
    // Nothing would start it anew.
    assert!(!one.err.contains("kill-server"), "{one:#?}");
    assert!(one.out.contains("saved what they show in "), "{one:#?}");
    assert_ne!(pid(&home, "a"), before[0]);
    assert_eq!([pid(&home, "b"), pid(&home, "stranger")], before[1..]);
    let folder = saved(&home).pop().unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let text = fs::read_to_string(folder.join("a.txt")).unwrap();
    assert!(text.contains("I am 42 a\n"), "{text}");
    assert_eq!(mode(folder.join("a.txt")), 0o600);
    assert_eq!(mode(folder.clone()), 0o700);
    assert!(!folder.join("b.txt").exists());

    // Going on does the rest, and then there is nothing to do.
    let rest = home.ok(&["cutover", "--yes", "--json"]).json();
    let steps = [("a", "kept"), ("b", "recycle"), ("stranger", "stranger")];
    assert_eq!(whats(&rest, "steps", "what"), pairs(&steps));
    assert_eq!(
        whats(&rest, "results", "became"),
        pairs(&[("b", "recycled")])
    );
    let tail = rest["results"][0]["saved"].as_str().unwrap();
    assert!(fs::read_to_string(tail).unwrap().contains("I am 42 b\n"));
    assert_ne!(pid(&home, "b"), before[1]);
    assert_eq!(pid(&home, "stranger"), before[2]);
    let now = pid(&home, "b");
    let nothing = home.ok(&["cutover", "--yes"]).out;
    assert!(nothing.ends_with("nothing to do\n"), "{nothing}");
    assert_eq!(pid(&home, "b"), now);
}

#[test]
fn busy_agents_are_left_unless_that_is_said_and_one_failure_goes_on() {
    let home = old_sessions(&["a", "b", "c"]);
    let before = ["a", "b", "c"].map(|name| pid(&home, name));
    home.tmux(&["send-keys", "-t", "=a:", "sleep 1000", "Enter"]);
    until("a works", || {
        let status = home.ok(&["status", "a", "--json"]).json();
        let state = status["agents"][0]["state"].as_str().unwrap().to_owned();
        match state.as_str() {
            "working" => Ok(()),
            _ => Err(state),
        }
    });
    // b cannot be started: it goes on as it is.
    home.write(
        "mosaic/fleet/agents/b.env",
        "MOSAIC_AGENT_WORKDIR=/nowhere/at/all\n",
    );
    let ran = home.run(&["cutover", "--yes"]);
    ran.fails(1, &["a is working and left alone", "/nowhere/at/all"]);
    assert!(ran.out.contains("busy, left for later"), "{ran:#?}");
    assert_eq!([pid(&home, "a"), pid(&home, "b")], before[..2]);
    assert_ne!(pid(&home, "c"), before[2]);
    let forced = home
        .ok(&["cutover", "a", "--yes", "--force", "--json"])
        .json();
    assert_eq!(
        whats(&forced, "results", "became"),
        pairs(&[("a", "recycled")])
    );
    assert_ne!(pid(&home, "a"), before[0]);
}

#[test]
fn a_person_is_asked_and_may_stop_half_way() {
    let home = old_sessions(&["a", "b", "c", "d"]);
    let before = ["a", "b", "c", "d"].map(|name| pid(&home, name));
    let untouched = || {
        for at in [0, 2, 3] {
            let name = ["a", "b", "c", "d"][at];
            assert_eq!(pid(&home, name), before[at], "{name}");
        }
    };
    let person = Person::at(&home);
    person.cuts_over(1, "");
    person.sees(&["recycle a (idle, since "]);
    person.types(&["what", "Enter"]);
    person.types(&["n", "Enter"]);
    person.sees(&["recycle b (idle"]);
    person.types(&["y", "Enter"]);
    person.sees(&["recycle c (idle"]);
    assert_ne!(pid(&home, "b"), before[1]);
    untouched();
    person.types(&["C-c"]);
    let words = [
        "left as it is",
        "recycled",
        "not reached",
        "stopped half-way",
        "ended 1 0",
    ];
    person.sees(&words);
    untouched();

    // Going on: some are left once more, and then all are meant.
    person.cuts_over(2, "");
    person.sees(&["recycle a (idle, since "]);
    person.types(&["q", "Enter"]);
    person.sees(&["stopped half-way", "ended 2 0"]);
    untouched();
    person.cuts_over(3, "");
    person.sees(&["recycle a (idle, since "]);
    person.types(&["a", "Enter"]);
    person.sees(&["ended 3 0"]);
    for (at, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        assert_ne!(pid(&home, name), before[at], "{name}");
    }
}

#[test]
fn an_interrupt_waits_for_the_agent_that_is_being_recycled() {
    let home = Home::with_shells(&["a", "b"]);
    // It takes its time to end.
    let slow = "trap '' HUP; echo I am slow; while :; do sleep 1; done";
    let ran = home.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "a", slow]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    old_session(&home, "b");
    home.shows("a", "I am slow");
    let before = ["a", "b"].map(|name| pid(&home, name));
    let person = Person::at(&home);
    person.cuts_over(1, "--yes --force");
    until("a is being stopped", || {
        match home.tmux(&["has-session", "-t", "=a"]).code {
            0 => Err("it is there"),
            _ => Ok(()),
        }
    });
    person.types(&["C-c"]);
    person.sees(&[
        "a: restarted",
        "stopped half-way",
        "not reached",
        "ended 1 0",
    ]);
    assert_ne!(pid(&home, "a"), before[0]);
    assert_eq!(pid(&home, "b"), before[1]);
}

#[test]
fn an_agent_does_not_recycle_itself() {
    let home = old_sessions(&["a", "b"]);
    let before = ["a", "b"].map(|name| pid(&home, name));
    let folder = home.path("state");
    let socket = home.socket();
    let roster = home.roster().display().to_string();
    let line = format!(
        "XDG_STATE_HOME={} {PROGRAM} --socket {socket} --roster {roster} cutover --yes; echo ended $?",
        folder.display()
    );
    home.tmux(&["send-keys", "-t", "=a:", &line, "Enter"]);
    let shown = home.shows("a", "ended 0");
    assert!(shown.contains("this runs in it"), "{shown}");
    assert_eq!(pid(&home, "a"), before[0]);
    assert_ne!(pid(&home, "b"), before[1]);
}
