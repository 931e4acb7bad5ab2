//! The user's service manager, through the same commands that an operator types.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};

/// A job of the manager may take as long as its unit allows.
const JOB: Duration = Duration::from_secs(120);

/// What of the caller's environment these commands need.
const NEEDED: [&str; 5] = [
    "PATH",
    "HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_CONFIG_HOME",
];

/// Properties of a unit by name.
pub(super) type Properties = BTreeMap<String, String>;

/// The manager of the user whose environment this is.
#[derive(Debug, Clone)]
pub(super) struct Manager {
    environment: BTreeMap<String, String>,
}

impl Manager {
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Self {
        let needed = |(key, _): &(&String, &String)| NEEDED.contains(&key.as_str());
        let mut environment: BTreeMap<_, _> = environment
            .iter()
            .filter(needed)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // Where a log-in would have put it: a cron job or `su` has a manager and does not know.
        let uid = rustix::process::getuid().as_raw();
        let usual = || format!("/run/user/{uid}");
        let named = environment.entry("XDG_RUNTIME_DIR".to_owned());
        if named.or_insert_with(usual).is_empty() {
            environment.insert("XDG_RUNTIME_DIR".to_owned(), usual());
        }
        Manager { environment }
    }

    /// Whether there is a manager to talk to.
    pub(super) fn is_there(&self) -> bool {
        let runtime = self
            .environment
            .get("XDG_RUNTIME_DIR")
            .map_or("", String::as_str);
        Path::new(runtime).join("systemd/private").exists()
    }

    /// `systemctl --user …`, and what it prints.
    pub(super) async fn systemctl(&self, arguments: &[&str]) -> Result<String> {
        let mut words = vec!["--user", "--no-pager", "--no-ask-password"];
        words.extend(arguments);
        self.run("systemctl", &words).await
    }

    /// Properties of units, in the order of `units`.
    pub(super) async fn show(
        &self,
        units: &[String],
        properties: &[&str],
    ) -> Result<Vec<Properties>> {
        let mut words = vec!["show".to_owned()];
        words.extend(properties.iter().map(|name| format!("--property={name}")));
        words.push("--".to_owned());
        words.extend(units.iter().cloned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = self.systemctl(&words).await?;
        Ok(blocks(&text))
    }

    /// Moves a process of ours to a unit that allows it (`Delegate=yes`).
    pub(super) async fn attach(&self, unit: &str, pid: u32) -> Result<()> {
        let words = [unit, "", "1", &pid.to_string()].map(str::to_owned);
        self.call("AttachProcessesToUnit", "ssau", &words)
            .await
            .map(drop)
    }

    /// Moves those processes that are still there: of several at once, one that has ended would keep
    /// all where they are.
    pub(super) async fn attach_each(&self, unit: &str, pids: &[u32]) {
        for pid in pids {
            if let Err(error) = self.attach(unit, *pid).await {
                tracing::debug!(unit, pid, %error, "a process was not moved");
            }
        }
    }

    /// Moves a process of ours to a scope of its own, which others can be moved to later.
    pub(super) async fn scope(&self, scope: &str, pid: u32) -> Result<()> {
        let pid = pid.to_string();
        let words = [
            scope, "fail", "2", "Delegate", "b", "true", "PIDs", "au", "1", &pid, "0",
        ];
        let words = words.map(str::to_owned);
        self.call("StartTransientUnit", "ssa(sv)a(sa(sv))", &words)
            .await
            .map(drop)
    }

    async fn call(&self, method: &str, signature: &str, words: &[String]) -> Result<String> {
        let mut all = vec![
            "--user",
            "call",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            method,
            signature,
        ];
        all.extend(words.iter().map(String::as_str));
        self.run("busctl", &all).await
    }

    /// Whether the user's services outlive log-outs and start at boot.
    pub(super) async fn lingers(&self, user: &str) -> Result<bool> {
        let words = ["show-user", user, "--property=Linger", "--value"];
        match self.run("loginctl", &words).await {
            Ok(text) => Ok(text.trim() == "yes"),
            // It is not logged in, and nobody has asked that it stay: the file says so.
            Err(error) if error.message().contains("not logged in") => {
                Ok(Path::new("/var/lib/systemd/linger").join(user).exists())
            }
            Err(error) => Err(error),
        }
    }

    /// Has the user's services outlive log-outs and start at boot.
    pub(super) async fn linger(&self, user: &str) -> Result<()> {
        let words = ["--no-ask-password", "enable-linger", user];
        self.run("loginctl", &words).await.map(drop)
    }

    async fn run(&self, program: &str, words: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        command
            .args(words)
            .env_clear()
            .envs(&self.environment)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What a person interrupts is us: a job that was begun comes to its end.
            .process_group(0)
            .kill_on_drop(true);
        let limit = timeout(JOB, command.output());
        let output = limit
            .await
            .map_err(|_| {
                let verb = words.first().copied().unwrap_or_default();
                Error::new(ErrorKind::Timeout, format!("{program} {verb} does not end"))
            })?
            .map_err(|error| not_run(program, error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(refused(program, &String::from_utf8_lossy(&output.stderr)))
    }
}

fn not_run(program: &str, error: io::Error) -> Error {
    let missing = error.kind() == io::ErrorKind::NotFound;
    let what = match missing {
        true => format!("this host has no {program}"),
        false => format!("cannot run {program}"),
    };
    let error = Error::new(ErrorKind::Unsupported, what).with_source(error);
    match missing {
        true => error.with_hint(
            "without systemd `mosaic-fleet start` runs the fleet directly, and nothing restarts it",
        ),
        false => error,
    }
}

/// The words of a failed command, and what to do where that is known.
fn refused(program: &str, words: &str) -> Error {
    let words: Vec<&str> = words.lines().map(str::trim).collect();
    let words = words.join(" ");
    let unreachable = [
        "Failed to connect to bus",
        "Host is down",
        "No medium found",
    ];
    if unreachable.iter().any(|sign| words.contains(sign)) {
        return Error::unavailable(format!(
            "the user's service manager cannot be reached: {words}"
        ))
        .with_hint(
            "log in as this user (not by su or sudo), or have it stay: loginctl enable-linger USER",
        );
    }
    let denied = [
        "Access denied",
        "Permission denied",
        "authentication required",
    ];
    let kind = match denied.iter().any(|sign| words.contains(sign)) {
        true => ErrorKind::PermissionDenied,
        false => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("{program}: {words}"))
}

/// The blocks of `systemctl show`, one a unit.
fn blocks(text: &str) -> Vec<Properties> {
    let mut all = vec![Properties::new()];
    for line in text.lines() {
        match (line.split_once('='), all.last_mut()) {
            (Some((key, value)), Some(block)) => {
                block.insert(key.to_owned(), value.to_owned());
            }
            _ => all.push(Properties::new()),
        }
    }
    all.retain(|block| !block.is_empty());
    all
}

/// The processes that belong to a unit, as the kernel has it.
pub(super) fn processes_of(unit: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some(pid)
    });
    pids.filter(|pid| belongs_to(*pid, unit)).collect()
}

/// Whether a process belongs to a unit.
pub(super) fn belongs_to(pid: u32, unit: &str) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    text.lines()
        .any(|line| line.split('/').any(|part| part == unit))
}

/// Which limits this manager can enforce: the names of its kernel controllers.
pub(super) async fn controllers(manager: &Manager) -> Result<Vec<String>> {
    let found = manager
        .show(&["-.slice".to_owned()], &["ControlGroup"])
        .await?;
    let group = found
        .first()
        .and_then(|found| found.get("ControlGroup"))
        .map_or("", String::as_str);
    let file = PathBuf::from(format!("/sys/fs/cgroup{group}/cgroup.controllers"));
    let text = std::fs::read_to_string(file).unwrap_or_default();
    Ok(text.split_ascii_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_a_block_a_unit() {
        let shown = "Id=a.service\nEnvironment=A=b C=d\n\nId=b.service\nEnvironment=\n";
        let found = blocks(shown);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0]["Environment"], "A=b C=d");
        assert_eq!(found[1]["Id"], "b.service");
        assert!(blocks("").is_empty());
    }

    #[test]
    fn what_a_manager_refuses_says_what_to_do() {
        let far = refused("systemctl", "Failed to connect to bus: No medium found\n");
        assert_eq!(far.kind(), ErrorKind::Unavailable);
        assert!(far.hint().unwrap().contains("enable-linger"));
        let denied = refused("loginctl", "Could not enable linger: Access denied\n");
        assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
    }
}
