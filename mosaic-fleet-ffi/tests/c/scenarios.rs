//! The scenarios that every door of the library replays, through C: a program in C is told each step,
//! and what it answers is compared here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::sources::root;
use crate::workshop::{C, Link, Workshop};

/// How long something may take that takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

fn scenarios(name: &str) -> Value {
    let file = root().join("mosaic-fleet/tests/scenarios").join(name);
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Whether `seen` is as `wanted`, by the rules of the scenarios' README.
fn matches(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::String(any), seen) if any == "*" => !seen.is_null(),
        (Value::Object(fields), seen) if fields.contains_key("$has") => {
            match (&fields["$has"], seen) {
                (Value::String(part), Value::String(text)) => text.contains(part.as_str()),
                (part, Value::Array(all)) => all.iter().any(|one| matches(part, one)),
                _ => false,
            }
        }
        (Value::Object(fields), Value::Object(_)) => fields
            .iter()
            .all(|(name, wanted)| matches(wanted, &seen[name])),
        (Value::Array(all), Value::Array(seen)) => {
            all.len() == seen.len() && all.iter().zip(seen).all(|(one, other)| matches(one, other))
        }
        (wanted, seen) => wanted == seen,
    }
}

/// `$NAME` becomes what was kept under that name.
fn filled(value: &Value, kept: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            let name = text.strip_prefix('$');
            let kept = name.and_then(|name| kept.get(name));
            kept.unwrap_or(value).clone()
        }
        Value::Array(all) => all.iter().map(|one| filled(one, kept)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), filled(value, kept)))
                .collect()
        }
        _ => value.clone(),
    }
}

/// The program in C that replays.
struct Replayer {
    program: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Replayer {
    fn start(program: &Path, environment: &BTreeMap<String, String>) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let from = BufReader::new(program.stdout.take().unwrap());
        let to = program.stdin.take();
        Replayer { program, to, from }
    }

    /// Tells a step; what came of it is an `answer` or an `error`.
    fn step(&mut self, words: [&str; 3]) -> (String, Value) {
        let line = words.join("\t");
        assert!(!line.contains('\n'), "{line}");
        writeln!(self.to.as_ref().unwrap(), "{line}").unwrap();
        let mut said = String::new();
        self.from.read_line(&mut said).unwrap();
        let (key, json) = said
            .split_once('\t')
            .unwrap_or_else(|| panic!("no answer to {line}"));
        (key.to_owned(), serde_json::from_str(json).unwrap())
    }

    fn replay(&mut self, scenario: &Value) {
        let mut kept = Map::new();
        for step in scenario["steps"].as_array().unwrap() {
            let mut kinds = ["call", "free", "memory"].into_iter();
            let kind = kinds.find(|kind| step[kind].is_string()).unwrap();
            let key = if step["error"].is_null() {
                "answer"
            } else {
                "error"
            };
            let deadline = Instant::now() + PATIENCE;
            let answer = loop {
                let arguments = filled(&step["arguments"], &kept).to_string();
                let (said, seen) = self.step([kind, step[kind].as_str().unwrap(), &arguments]);
                let as_wanted = step
                    .get(key)
                    .is_none_or(|it| matches(&filled(it, &kept), &seen));
                if said == key && as_wanted {
                    break seen;
                }
                let again = step["until"] == true && Instant::now() < deadline;
                assert!(again, "{}: {step}\nit was {said}: {seen}", scenario["name"]);
                sleep(Duration::from_millis(50));
            };
            for (name, field) in step["keep"].as_object().into_iter().flatten() {
                kept.insert(name.clone(), answer[field.as_str().unwrap()].clone());
            }
        }
        // It frees all, and looks for what is left.
        drop(self.to.take());
        assert!(self.program.wait().unwrap().success());
    }
}

impl Drop for Replayer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn replayer(shop: &Workshop) -> PathBuf {
    let source = root().join("bindings/c/tests/replay.c");
    shop.program(C, &[&source], &[], Link::Shared)
}

#[test]
fn on_the_memory_transport() {
    let shop = Workshop::open();
    let program = replayer(&shop);
    let file = scenarios("memory.json");
    for scenario in file["scenarios"].as_array().unwrap() {
        let mut replayer = Replayer::start(&program, &BTreeMap::new());
        let opening = json!({ "agents": scenario["agents"] }).to_string();
        let (said, seen) = replayer.step(["memory-open", &opening, ""]);
        assert_eq!(said, "answer", "{seen}");
        replayer.replay(scenario);
    }
}

/// A home and a tmux server of the test's own, which go with it however it ends.
struct Home {
    shop: Workshop,
    socket: PathBuf,
}

impl Home {
    fn new() -> Self {
        let shop = Workshop::open();
        let socket = shop.path("socket");
        Home { shop, socket }
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for name in [
            "HOME",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME",
            "TMPDIR",
        ] {
            let folder = self.shop.path(&name.to_lowercase());
            fs::create_dir_all(&folder).unwrap();
            environment.insert(name.to_owned(), folder.display().to_string());
        }
        environment.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        environment.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        environment
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        let _ = tmux
            .arg("-S")
            .arg(&self.socket)
            .args(["-N", "kill-server"])
            .output();
    }
}

#[test]
fn on_a_real_tmux() {
    let shop = Workshop::open();
    let program = replayer(&shop);
    let file = scenarios("tmux.json");
    for scenario in file["scenarios"].as_array().unwrap() {
        let home = Home::new();
        let roster = home
            .shop
            .write("roster.yaml", file["roster"].as_str().unwrap());
        let mut replayer = Replayer::start(&program, &home.environment());
        let (roster, socket) = (roster.to_str().unwrap(), home.socket.to_str().unwrap());
        let (said, seen) = replayer.step(["open", roster, socket]);
        assert_eq!(said, "answer", "{seen}");
        replayer.replay(scenario);
    }
}

#[test]
fn what_does_not_match_is_found() {
    let seen = json!({ "a": [1, { "b": "text" }], "c": null });
    for good in [
        json!({}),
        json!({ "a": [1, "*"], "c": null }),
        json!({ "a": { "$has": { "b": { "$has": "ex" } } } }),
    ] {
        assert!(matches(&good, &seen), "{good}");
    }
    for bad in [
        json!({ "c": "*" }),
        json!({ "a": [1] }),
        json!({ "d": 1 }),
        json!({ "a": { "$has": 2 } }),
        json!({ "a": [1, { "b": "tex" }] }),
    ] {
        assert!(!matches(&bad, &seen), "{bad}");
    }
}
