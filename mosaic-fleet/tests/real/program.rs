//! The real programs: where they are, a throw-away home for each that skips every first-run
//! question, and how they are launched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A dummy key: nothing that talks to the fake model needs a true one.
const KEY: &str = "dummy-key-for-the-fake-model-on-loopback";

/// A program that agents run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Pi,
    Claude,
    Codex,
    Gemini,
}

/// How a program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Launch {
    /// As the terminal's first process.
    Direct,
    /// Under a parent that stays, as a launcher does.
    Wrapped,
}

/// The folder that `make test-real` installs into.
pub(crate) fn installed() -> PathBuf {
    let folder = std::env::var_os("MOSAIC_REAL").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.is_dir());
    folder.expect("MOSAIC_REAL names no folder of installed programs: run `make test-real`")
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Pi => "pi",
            Program::Claude => "claude",
            Program::Codex => "codex",
            Program::Gemini => "gemini",
        }
    }

    /// Writes the configuration of a home at `home` for work in `work`, and returns the variables
    /// that belong to it.
    pub(crate) fn settle(self, home: &Path, work: &Path, url: &str) -> BTreeMap<String, String> {
        let work = work.display().to_string();
        let write = |path: &str, text: String| {
            let path = home.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let mut variables: Vec<(&str, String)> = Vec::new();
        match self {
            Program::Pi => {
                let model = json!({"id": "fake", "name": "fake", "reasoning": false,
                    "input": ["text"], "contextWindow": 10_000_000, "maxTokens": 1000,
                    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}});
                let provider = json!({"baseUrl": url, "api": "anthropic-messages", "apiKey": KEY,
                    "models": [model]});
                let models = json!({"providers": {"fake": provider}});
                let settings = json!({"defaultProvider": "fake", "defaultModel": "fake",
                    "defaultProjectTrust": "always", "quietStartup": true});
                write(".pi/agent/models.json", models.to_string());
                write(".pi/agent/settings.json", settings.to_string());
                write(".pi/agent/keybindings.json", PI_KEYS.to_string());
                variables.push(("PI_OFFLINE", "1".to_owned()));
            }
            Program::Claude => {
                let known = &KEY[KEY.len() - 20..];
                let state = json!({"hasCompletedOnboarding": true, "theme": "dark",
                    "lastOnboardingVersion": "9.9.9", "numStartups": 5,
                    "customApiKeyResponses": {"approved": [known], "rejected": []},
                    "projects": {work: {"hasTrustDialogAccepted": true,
                        "hasCompletedProjectOnboarding": true}}});
                write(".claude.json", state.to_string());
                let settings = json!({"autoCompactEnabled": false});
                write(".claude/settings.json", settings.to_string());
                write(".claude/keybindings.json", CLAUDE_KEYS.to_string());
                variables.push(("ANTHROPIC_BASE_URL", url.to_owned()));
                variables.push(("ANTHROPIC_API_KEY", KEY.to_owned()));
                for switch in [
                    "DISABLE_AUTOUPDATER",
                    "DISABLE_TELEMETRY",
                    "DISABLE_ERROR_REPORTING",
                    "DISABLE_AUTO_COMPACT",
                    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
                ] {
                    variables.push((switch, "1".to_owned()));
                }
            }
            Program::Codex => {
                let config = format!(
                    "model = \"fake\"\nmodel_provider = \"fake\"\n\
                     model_context_window = 10000000\n\
                     model_auto_compact_token_limit = 9000000\n\
                     approval_policy = \"on-request\"\ncheck_for_update_on_startup = false\n\
                     [model_providers.fake]\nname = \"fake\"\nbase_url = \"{url}/v1\"\n\
                     wire_api = \"responses\"\nenv_key = \"FAKE_KEY\"\n\
                     [projects.\"{work}\"]\ntrust_level = \"trusted\"\n"
                );
                write(".codex/config.toml", config);
                let codex_home = home.join(".codex").display().to_string();
                variables.push(("CODEX_HOME", codex_home));
                variables.push(("FAKE_KEY", KEY.to_owned()));
            }
            Program::Gemini => {
                let settings = json!({
                    "security": {"auth": {"selectedType": "gemini-api-key"},
                        "folderTrust": {"enabled": false}},
                    "general": {"disableAutoUpdate": true, "enableAutoUpdate": false},
                    "privacy": {"usageStatisticsEnabled": false},
                    "model": {"name": "gemini-2.5-flash"},
                });
                write(".gemini/settings.json", settings.to_string());
                variables.push(("GEMINI_API_KEY", KEY.to_owned()));
                variables.push(("GOOGLE_GEMINI_BASE_URL", url.to_owned()));
            }
        }
        let owned = variables.into_iter();
        owned.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The command that starts it with these variables, from `env` on.
    pub(crate) fn command(
        self,
        launch: Launch,
        variables: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let installed = installed();
        let bin = installed.join(self.name()).join("node_modules/.bin");
        let program = bin.join(self.name());
        assert!(program.exists(), "{} is not installed", program.display());
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = vec!["env".to_owned(), format!("PATH={path}")];
        command.extend(
            variables
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        if launch == Launch::Wrapped {
            let spawn = "const [program, ...rest] = process.argv.slice(1); \
                 const child = require('child_process').spawn(program, rest, {stdio: 'inherit'}); \
                 for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); \
                 child.on('exit', (code) => process.exit(code ?? 1));";
            command.extend(["node", "-e", spawn, "--"].map(str::to_owned));
        }
        command.push(program.display().to_string());
        let flags: &[&str] = match self {
            // By default it approves some tools by itself.
            Program::Claude => &["--permission-mode", "default"],
            Program::Gemini => &["--skip-trust"],
            _ => &[],
        };
        command.extend(flags.iter().map(|flag| (*flag).to_owned()));
        command
    }

    /// The changes to the manifest that use the private submit key which the home binds.
    pub(crate) fn private_key(self) -> Value {
        match self {
            Program::Pi => json!({"submit": {"key": "F12"}}),
            Program::Claude => json!({"submit": {"key": "C-x C-y"},
                "text": {"refuse_trailing_backslash": false}}),
            Program::Codex | Program::Gemini => json!({}),
        }
    }
}

/// Bound beside Enter, so that the shipped manifests work in the same home.
const PI_KEYS: &str = r#"{"tui.input.submit":["enter","f12"]}"#;
const CLAUDE_KEYS: &str =
    r#"{"bindings":[{"context":"Chat","bindings":{"ctrl+x ctrl+y":"chat:submit"}}]}"#;
