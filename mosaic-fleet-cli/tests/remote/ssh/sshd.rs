//! A sshd of a test's own on a loopback port, with keys and configuration of its own on both sides,
//! and a tmux server "on that host". It ends, with all of its connections, when it is dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::transport::tmux::{Destination, TmuxConfig, TmuxTransport};

/// How a test calls the host: a name of its ssh configuration, and of no one else's.
pub(crate) const HOST: &str = "far";

/// How long a server may take to come.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Sshd {
    pub(crate) fixture: TmuxFixture,
    folder: PathBuf,
    pub(crate) port: u16,
    server: Mutex<Option<Child>>,
}

impl Sshd {
    /// A sshd, and a tmux fixture without a server yet.
    pub(crate) fn new() -> Self {
        let program = env!("CARGO_BIN_EXE_mosaic-fleet");
        // Its folder is made first: the agents' program is a script in it.
        let mut fixture = TmuxFixture::new("unset").unwrap();
        let folder = fixture.folder().join("ssh");
        fs::create_dir_all(folder.join("bin")).unwrap();
        let agent = folder.join("bin/scripted-agent");
        script(&agent, &format!("exec {program} demo-agent \"$@\""));
        fixture = fixture.with_agent_program(agent);
        for key in ["host_key", "user_key", "other_key"] {
            keygen(&folder.join(key));
        }
        fs::copy(folder.join("user_key.pub"), folder.join("authorized_keys")).unwrap();
        let port = free_port();
        let mut sshd = Sshd {
            fixture,
            folder,
            port,
            server: Mutex::default(),
        };
        sshd.write_server("");
        sshd.write_client(port, "user_key");
        sshd.knows("host_key");
        sshd.start();
        let path = sshd.folder.join("bin").display().to_string();
        let environment = &mut sshd.fixture.config.environment;
        let usual = environment.get("PATH").cloned().unwrap_or_default();
        environment.insert("PATH".to_owned(), format!("{path}:{usual}"));
        sshd
    }

    /// A sshd, and an agent there that is ready.
    pub(crate) async fn with_agent(name: &str) -> Self {
        let sshd = Sshd::new();
        let script = Script::boxed();
        sshd.fixture.start(name, &script).await.unwrap();
        sshd.fixture.ready(name).await.unwrap();
        sshd
    }

    /// What the far side has for an environment, and no start files but those of the fixture.
    fn write_server(&self, more: &str) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let environment = &self.fixture.config.environment;
        let set: Vec<String> = ["HOME", "TMUX_TMPDIR", "XDG_RUNTIME_DIR", "TMPDIR"]
            .iter()
            .map(|key| format!("\"{key}={}\"", environment[*key]))
            .collect();
        let text = format!(
            "ListenAddress 127.0.0.1:{}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile {}\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             MaxStartups 100\nMaxSessions 100\nPrintMotd no\nLogLevel ERROR\nSetEnv {}\n{more}\n",
            self.port,
            at("host_key"),
            at("authorized_keys"),
            at("sshd.pid"),
            set.join(" "),
        );
        fs::write(self.folder.join("sshd_config"), text).unwrap();
    }

    /// The user there has this login shell.
    pub(crate) fn has_shell(&self, shell: &str) {
        self.stop();
        self.write_server(&format!(
            "ForceCommand SHELL=$(command -v {shell}) {shell} -c \"$SSH_ORIGINAL_COMMAND\""
        ));
        self.start();
    }

    /// The user's side: a configuration with the host's name, and a `ssh` that reads it and not that
    /// of whoever runs the tests.
    pub(crate) fn write_client(&self, port: u16, key: &str) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let text = format!(
            "Host {HOST}\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {}\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking accept-new\n",
            at(key),
            at("known_hosts"),
        );
        fs::write(self.folder.join("ssh_config"), text).unwrap();
        let line = format!("exec /usr/bin/ssh -F {} \"$@\"", at("ssh_config"));
        script(&self.folder.join("bin/ssh"), &line);
    }

    /// The user knows the host by this key.
    pub(crate) fn knows(&self, key: &str) {
        let public = fs::read_to_string(self.folder.join(format!("{key}.pub"))).unwrap();
        let line = format!("[127.0.0.1]:{} {public}", self.port);
        fs::write(self.known_hosts(), line).unwrap();
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// Starts the server, at the same port as before.
    pub(crate) fn start(&self) {
        let server = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(self.folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.join("sshd.log")).unwrap())
            .spawn()
            .expect("a sshd: `make have-sshd` installs it");
        *self.server.lock().unwrap() = Some(server);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(self.folder.join("sshd.log")).unwrap_or_default();
            assert!(began.elapsed() < LIMIT, "sshd does not come: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server and all of its connections.
    pub(crate) fn stop(&self) {
        let server = self.server.lock().unwrap().take();
        if let Some(mut server) = server {
            end_connections(server.id());
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// The server's configuration as seen from another host.
    pub(crate) fn config(&self) -> TmuxConfig {
        self.fixture
            .config
            .clone()
            .on(Destination::new(HOST).unwrap())
    }

    pub(crate) fn one_shot(&self) -> TmuxTransport {
        TmuxTransport::one_shot(self.config())
    }

    pub(crate) fn connected(&self) -> TmuxTransport {
        TmuxTransport::connect(self.config())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
        // The connection that clients share stays a while by itself.
        let environment = &self.fixture.config.environment;
        let mut exit = Command::new(self.folder.join("bin/ssh"));
        let sockets = Path::new(&environment["XDG_RUNTIME_DIR"]).join("mosaic-fleet/ssh-%C");
        exit.arg("-o")
            .arg(format!("ControlPath={}", sockets.display()))
            .args(["-O", "exit", HOST])
            .stderr(Stdio::null());
        let _ = exit.status();
    }
}

/// Ends the processes of a sshd's connections: its children and theirs, which are sshd as well.
fn end_connections(server: u32) {
    let children = |pid: u32| -> Vec<u32> {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect()
    };
    let mut pending = children(server);
    while let Some(pid) = pending.pop() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if name.trim().starts_with("sshd") {
            pending.extend(children(pid));
            let _ = Command::new("kill").arg("-9").arg(pid.to_string()).status();
        }
    }
}

fn keygen(path: &Path) {
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path);
    assert!(keygen.status().unwrap().success());
}

/// A program that is a line of shell. Another process writes it: what this one has open for writing
/// while another test forks cannot be run.
fn script(path: &Path, line: &str) {
    let text = format!("#!/bin/sh\n{line}\n");
    let mut write = Command::new("sh");
    write
        .args([
            "-c",
            "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"",
            "sh",
            &text,
        ])
        .arg(path);
    assert!(write.status().unwrap().success());
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o755
    );
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
