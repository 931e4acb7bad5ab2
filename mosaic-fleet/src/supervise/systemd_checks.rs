//! What is right and wrong with this host for a fleet of units.

use super::check::{Check, Finding};
use super::manager::controllers;
use super::systemd::Systemd;
use super::units::{HOLDER, limits};
use crate::roster::AgentSpec;

impl Systemd {
    pub(super) async fn check_manager(&self) -> Check {
        let name = "supervisor";
        if !self.manager.is_there() {
            return Check::new(
                name,
                Finding::Failure,
                "units are installed, and the user's service manager is not there",
            )
            .with_fix("log in as this user, or have it stay: loginctl enable-linger USER");
        }
        let state = self
            .properties(
                HOLDER,
                &["ActiveState", "SubState", "Result", "NeedDaemonReload"],
            )
            .await;
        match state {
            Err(error) => Check::new(name, Finding::Failure, error.to_string()),
            Ok(found) => {
                let word = |name: &str| found.get(name).map_or("", String::as_str);
                let seen = format!(
                    "systemd; {HOLDER} is {} ({})",
                    word("ActiveState"),
                    word("SubState")
                );
                if word("NeedDaemonReload") == "yes" {
                    return Check::new(name, Finding::Warning, format!("{seen}, and was changed"))
                        .with_fix("systemctl --user daemon-reload");
                }
                match word("ActiveState") {
                    "failed" => {
                        let seen = format!("{seen}: {}", word("Result"));
                        Check::new(name, Finding::Failure, seen)
                            .with_fix(format!("journalctl --user -u {HOLDER}"))
                    }
                    _ => Check::new(name, Finding::Ok, seen),
                }
            }
        }
    }

    pub(super) async fn check_linger(&self) -> Option<Check> {
        let environment = &self.plain.transport.config().environment;
        let user = environment
            .get("USER")
            .or_else(|| environment.get("LOGNAME"))?;
        Some(match self.manager.lingers(user).await {
            Ok(true) => Check::new("linger", Finding::Ok, "the fleet starts at boot"),
            Ok(false) => Check::new(
                "linger",
                Finding::Warning,
                "the fleet ends when the user logs out, and does not start at boot",
            )
            .with_fix(format!("loginctl enable-linger {user}")),
            Err(error) => Check::new("linger", Finding::Warning, error.to_string()),
        })
    }

    pub(super) async fn check_limits(&self, agents: &[AgentSpec]) -> Option<Check> {
        let limited: Vec<&str> = agents
            .iter()
            .filter(|agent| limits(agent).is_some())
            .map(|agent| agent.name.as_str())
            .collect();
        if limited.is_empty() {
            return None;
        }
        let there = controllers(&self.manager).await.unwrap_or_default();
        let all = ["cpu", "memory", "pids"];
        let enforced = all
            .iter()
            .all(|wanted| there.iter().any(|there| there == wanted));
        let seen = format!("of {}: {}", limited.join(", "), there.join(" "));
        Some(match enforced {
            true => Check::new("limits", Finding::Ok, seen),
            false => Check::new(
                "limits",
                Finding::Warning,
                format!(
                    "the kernel controllers that this user has do not enforce all limits {seen}"
                ),
            )
            .with_fix("have the host delegate cpu, memory and pids to users (cgroup v2)"),
        })
    }
}
