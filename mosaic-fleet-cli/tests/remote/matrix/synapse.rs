//! A Synapse of the tests' own: in a folder of its own, on a loopback port, federating with nobody. It
//! ends when this is dropped, and also when the tests' process is gone, however that ended.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::call;
use crate::ssh::free_port;

/// How long the server may take to come, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(120);

/// An account, logged in.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) token: String,
    pub(crate) device: String,
}

pub(crate) struct Synapse {
    folder: PathBuf,
    pub(crate) port: u16,
    /// Ends the server when its standard input does, and with `remove` its folder.
    keeper: Option<Child>,
    server: u32,
    remove: bool,
}

/// The one that tests share which do not end it.
pub(crate) fn shared() -> &'static Synapse {
    static SHARED: OnceLock<Synapse> = OnceLock::new();
    SHARED.get_or_init(|| Synapse::kept(true))
}

/// What ends with its standard input: the server first, then what it left.
const KEEPER: &str = "remove=$1; folder=$2; shift 2; exec 3<&0; \"$@\" </dev/null >\"$folder/output\" 2>&1 & \
    echo $!; exec >/dev/null; cat <&3; kill -9 $! 2>/dev/null; [ \"$remove\" = yes ] && sleep 1 && rm -rf \"$folder\"";

fn python() -> PathBuf {
    let synapse = std::env::var("MOSAIC_SYNAPSE").unwrap_or_else(|_| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        root.join("target/synapse").display().to_string()
    });
    let python = Path::new(&synapse).join("bin/python");
    assert!(
        python.exists(),
        "no Synapse at {synapse}: `make have-synapse` installs it"
    );
    python
}

impl Synapse {
    /// One that a test may end.
    pub(crate) fn new() -> Self {
        Self::kept(false)
    }

    fn kept(remove: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("mf-hs-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let mut synapse = Synapse {
            folder: folder.keep(),
            port: free_port(),
            keeper: None,
            server: 0,
            remove,
        };
        synapse.configure();
        synapse.start();
        synapse
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn configure(&self) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        fs::write(
            at("log.yaml"),
            json!({
                "version": 1, "disable_existing_loggers": false,
                "formatters": {"plain": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
                "handlers": {"file": {"class": "logging.FileHandler", "formatter": "plain", "filename": at("homeserver.log")}},
                "root": {"level": "WARNING", "handlers": ["file"]},
                // The requests, each with its address: no token may be in one.
                "loggers": {"synapse.access.http": {"level": "INFO"}},
            })
            .to_string(),
        )
        .unwrap();
        let free = json!({"per_second": 100_000, "burst_count": 100_000});
        let config = json!({
            "server_name": "mosaic.test", "public_baseurl": self.url(), "pid_file": at("pid"),
            "listeners": [{"port": self.port, "bind_addresses": ["127.0.0.1"], "type": "http", "tls": false,
                "resources": [{"names": ["client"], "compress": false}]}],
            "database": {"name": "sqlite3", "args": {"database": at("homeserver.db")}},
            "log_config": at("log.yaml"), "media_store_path": at("media"), "signing_key_path": at("signing.key"),
            "macaroon_secret_key": "a dummy for tests", "form_secret": "a dummy for tests",
            "registration_shared_secret": SECRET, "enable_registration": false, "bcrypt_rounds": 4,
            "caches": {"sync_response_cache_duration": "0s"},
            "report_stats": false, "enable_metrics": false, "url_preview_enabled": false,
            "federation_domain_whitelist": [], "trusted_key_servers": [], "suppress_key_server_warning": true,
            "presence": {"enabled": false}, "push": {"enabled": false}, "user_directory": {"enabled": false},
            "encryption_enabled_by_default_for_room_type": "off", "max_event_delay_duration": "24h",
            "rc_message": free, "rc_registration": free, "rc_joins_per_room": free, "rc_admin_redaction": free,
            "rc_room_creation": free, "rc_delayed_event_mgmt": free, "rc_profile": free,
            "rc_login": {"address": free, "account": free, "failed_attempts": free},
            "rc_joins": {"local": free, "remote": free},
            "rc_invites": {"per_room": free, "per_user": free, "per_issuer": free},
        });
        // JSON is YAML.
        fs::write(at("homeserver.yaml"), config.to_string()).unwrap();
        let [python, arguments @ ..] = &self.arguments()[..] else {
            unreachable!("there is always a program")
        };
        let mut keys = self.synapse(python);
        let keys = keys
            .args(arguments)
            .arg("--generate-keys")
            .output()
            .unwrap();
        assert!(
            keys.status.success(),
            "{}",
            String::from_utf8_lossy(&keys.stderr)
        );
    }

    fn arguments(&self) -> Vec<String> {
        let config = self.folder.join("homeserver.yaml").display().to_string();
        let python = python().display().to_string();
        let words = ["-m", "synapse.app.homeserver", "--config-path"].map(str::to_owned);
        [python].into_iter().chain(words).chain([config]).collect()
    }

    fn synapse(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("HOME", &self.folder)
            .env("LANG", "C.UTF-8")
            .env("PATH", path);
        command.current_dir(&self.folder);
        command
    }

    /// Starts it, on the same port and data as before.
    pub(crate) fn start(&mut self) {
        let remove = if self.remove { "yes" } else { "no" };
        let mut command = self.synapse("sh");
        command
            .args(["-c", KEEPER, "sh", remove])
            .arg(&self.folder)
            .args(self.arguments());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut keeper = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        self.server = said.trim().parse().unwrap();
        self.keeper = Some(keeper);
        let began = Instant::now();
        let stat = PathBuf::from(format!("/proc/{}/stat", self.server));
        loop {
            let up = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            if up && call("GET", &format!("{}/health", self.url()), None, None).0 == 200 {
                break;
            }
            if !stat.exists() || began.elapsed() > LIMIT {
                let output = fs::read_to_string(self.folder.join("output"));
                panic!("Synapse does not come: {}", output.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// The processor time it has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.server)).unwrap();
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks: f64 = fields[11..13]
            .iter()
            .map(|ticks| ticks.parse::<f64>().unwrap())
            .sum();
        ticks / 100.0
    }

    /// What it logged: its warnings, and each request.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("homeserver.log")).unwrap_or_default()
    }

    /// Registers an account, and logs it in.
    pub(crate) fn account(&self, name: &str) -> Account {
        let (status, made) = self.try_account(name);
        assert_eq!(status, 200, "{made}");
        Account {
            user: made["user_id"].as_str().unwrap().to_owned(),
            token: made["access_token"].as_str().unwrap().to_owned(),
            device: made["device_id"].as_str().unwrap().to_owned(),
        }
    }

    /// Asks for an account. What the server says.
    pub(crate) fn try_account(&self, name: &str) -> (u16, Value) {
        let url = format!("{}/_synapse/admin/v1/register", self.url());
        let nonce = call("GET", &url, None, None).1["nonce"]
            .as_str()
            .unwrap()
            .to_owned();
        let words = format!("{nonce}\0{name}\0password\0notadmin");
        let mac = hmac_sha1(SECRET, &words);
        let body = json!({
            "nonce": nonce, "username": name, "password": "password", "admin": false, "mac": mac,
        });
        call("POST", &url, None, Some(&body))
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const SECRET: &str = "a dummy secret of tests";

/// By the Python that is there anyway: no crate of ours needs it.
fn hmac_sha1(secret: &str, text: &str) -> String {
    let program = "import hmac,sys; print(hmac.new(sys.argv[1].encode(), sys.stdin.buffer.read(), 'sha1').hexdigest())";
    let mut child = Command::new(python())
        .args(["-c", program, secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
