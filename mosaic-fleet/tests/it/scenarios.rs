//! The scenarios that every door of the library replays, through this one: `tests/scenarios`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mosaic_fleet::transport::memory::MemoryTransport;
use mosaic_fleet::{Fleet, Registry, wire};
use serde_json::{Map, Value, json};

/// How long something may take that takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    serde_json::from_str(&fs::read_to_string(path.join(name)).unwrap()).unwrap()
}

/// What is wrong with `seen`, if it is not as `wanted`.
fn differs(wanted: &Value, seen: &Value) -> Option<String> {
    let complain = || Some(format!("wanted {wanted}, seen {seen}"));
    match (wanted, seen) {
        (Value::String(any), seen) if any == "*" => seen.is_null().then(complain).flatten(),
        (Value::Object(fields), seen) if fields.contains_key("$has") => {
            let part = &fields["$has"];
            let has = match (part, seen) {
                (Value::String(part), Value::String(text)) => text.contains(part.as_str()),
                (part, Value::Array(all)) => all.iter().any(|one| differs(part, one).is_none()),
                _ => false,
            };
            (!has).then(complain).flatten()
        }
        (Value::Object(fields), Value::Object(seen)) => fields.iter().find_map(|(name, wanted)| {
            let difference = differs(wanted, seen.get(name).unwrap_or(&Value::Null));
            difference.map(|difference| format!("{name}: {difference}"))
        }),
        (Value::Array(all), Value::Array(seen)) if all.len() == seen.len() => all
            .iter()
            .zip(seen)
            .find_map(|(wanted, seen)| differs(wanted, seen)),
        (Value::Array(_) | Value::Object(_), _) => complain(),
        (wanted, seen) => (wanted != seen).then(complain).flatten(),
    }
}

/// `$NAME` becomes what was kept under that name.
fn filled(value: &Value, kept: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$').and_then(|name| kept.get(name)) {
            Some(kept) => kept.clone(),
            None => value.clone(),
        },
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

struct Stage {
    fleet: Fleet,
    memory: Option<MemoryTransport>,
}

impl Stage {
    async fn ask(&self, step: &Value, arguments: Value) -> mosaic_fleet::Result<Value> {
        let mut news = |_: Value| ();
        let said = |key: &str| step[key].as_str();
        match (said("call"), said("free"), said("memory")) {
            (Some(operation), None, None) => {
                wire::call(&self.fleet, operation, arguments, &mut news).await
            }
            (None, Some(operation), None) => {
                wire::call_free(&BTreeMap::new(), operation, arguments, &mut news).await
            }
            (None, None, Some(operation)) => {
                wire::memory(self.memory.as_ref().unwrap(), operation, arguments)
            }
            _ => panic!("a step calls one thing: {step}"),
        }
    }

    async fn replay(&self, name: &str, steps: &[Value]) {
        let mut kept = Map::new();
        for (at, step) in steps.iter().enumerate() {
            let deadline = Instant::now() + PATIENCE;
            let answer = loop {
                let arguments = filled(&step["arguments"], &kept);
                let (key, seen) = match self.ask(step, arguments).await {
                    Ok(answer) => ("answer", answer),
                    Err(error) => ("error", wire::error_to_value(&error)),
                };
                let wanted = match step.get("error") {
                    Some(error) => ("error", error),
                    None => ("answer", step.get("answer").unwrap_or(&Value::Null)),
                };
                let difference = match key == wanted.0 {
                    true if step.get(key).is_none() => None,
                    true => differs(&filled(wanted.1, &kept), &seen),
                    false => Some(format!("it was an {key}: {seen}")),
                };
                let Some(difference) = difference else {
                    break seen;
                };
                let again = step["until"] == true && Instant::now() < deadline;
                assert!(again, "{name:?}, step {}: {difference}\n{step}", at + 1);
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            for (name, field) in step["keep"].as_object().into_iter().flatten() {
                kept.insert(name.clone(), answer[field.as_str().unwrap()].clone());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_memory_transport() {
    for scenario in file("memory.json")["scenarios"].as_array().unwrap() {
        let opening = json!({ "agents": scenario["agents"] });
        let memory = wire::open_memory(opening).unwrap();
        let mut registry = Registry::new();
        let scheme = wire::register(&mut registry, Arc::new(memory.clone())).unwrap();
        let stage = Stage {
            fleet: wire::open(json!({ "transport": scheme }), registry).unwrap(),
            memory: Some(memory),
        };
        let name = scenario["name"].as_str().unwrap();
        stage
            .replay(name, scenario["steps"].as_array().unwrap())
            .await;
    }
}

/// A home of the test's own. Its server goes with it, however the test ends.
struct Home {
    folder: tempfile::TempDir,
    socket: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mf-").tempdir().unwrap();
        let socket = folder.path().join("socket");
        Home { folder, socket }
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let at = |name: &str| {
            let path = self.folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            path.display().to_string()
        };
        [
            ("HOME", at("home")),
            ("XDG_RUNTIME_DIR", at("run")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_STATE_HOME", at("state")),
            ("TMPDIR", at("tmp")),
            ("LANG", "C.UTF-8".to_owned()),
            ("PATH", std::env::var("PATH").unwrap()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let mut tmux = std::process::Command::new("tmux");
        let _ = tmux
            .arg("-S")
            .arg(&self.socket)
            .args(["-N", "kill-server"])
            .output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_tmux() {
    let file = file("tmux.json");
    for scenario in file["scenarios"].as_array().unwrap() {
        let home = Home::new();
        let opening = json!({
            "roster_text": file["roster"], "instance": home.socket,
            "environment": home.environment(),
        });
        let stage = Stage {
            fleet: wire::open(opening, Registry::builtin()).unwrap(),
            memory: None,
        };
        let name = scenario["name"].as_str().unwrap();
        stage
            .replay(name, scenario["steps"].as_array().unwrap())
            .await;
        stage.fleet.close().await.unwrap();
    }
}
