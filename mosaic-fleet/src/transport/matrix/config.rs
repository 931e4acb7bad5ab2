//! Which homeserver and fleet are meant, and who may do what: the roster's `matrix:` block.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::error::{Error, Result};
use crate::home::user_home;
use crate::http::{Token, server};

/// The scheme under which a roster names this transport.
pub const MATRIX_SCHEME: &str = "matrix";

/// The variable that holds the account's token, where no file is named.
pub const TOKEN_VARIABLE: &str = "MOSAIC_MATRIX_TOKEN";

/// What rooms are called by, where the roster says nothing.
const PREFIX: &str = "mosaic-factory";

/// The roster's `matrix:` block.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MatrixBlock {
    /// The homeserver's address: https, or http on this machine.
    pub homeserver: Option<String>,
    /// A file with the account's access token, which nobody else may read. Without it,
    /// MOSAIC_MATRIX_TOKEN.
    pub token_file: Option<String>,
    /// A file with the certificates of a private authority, in PEM.
    pub ca_file: Option<String>,
    /// The fleet's Space, as `mosaic-fleet matrix provision` prints it.
    pub space: Option<String>,
    /// The account that makes the rooms. Its token stays offline.
    pub admin: Option<String>,
    /// What the rooms' names begin with. Default: mosaic-factory.
    pub prefix: Option<String>,
    /// The account of each host's gateway.
    pub gateways: BTreeMap<String, String>,
    /// Accounts that may send texts, look and read tails.
    pub senders: Vec<String>,
    /// Accounts that may also reset agents and send them commands.
    pub operators: Vec<String>,
    /// The delivery of a text may wait this long for a gateway that is away, in seconds. Default:
    /// one day.
    pub expires: Option<u64>,
    /// A person's `!tail` is answered in the room, where it is kept. Default: false.
    pub tail_in_room: bool,
}

/// A homeserver, a fleet on it, and the account that is used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MatrixConfig {
    /// The homeserver.
    pub(crate) homeserver: Url,
    /// Certificates of a private authority.
    pub(crate) ca_file: Option<PathBuf>,
    /// The account's token.
    pub(crate) token: Token,
    /// The fleet's Space, once there is one.
    pub(crate) space: Option<OwnedRoomId>,
    /// Who makes the rooms.
    pub(crate) admin: Option<OwnedUserId>,
    /// What the rooms' names begin with.
    pub(crate) prefix: String,
    /// The account of each host's gateway.
    pub(crate) gateways: BTreeMap<String, OwnedUserId>,
    pub(crate) senders: BTreeSet<OwnedUserId>,
    pub(crate) operators: BTreeSet<OwnedUserId>,
    pub(crate) expires: Duration,
    pub(crate) tail_in_room: bool,
}

impl MatrixConfig {
    /// Reads the roster's block, and the token that it or the environment names. `environment` is
    /// the caller's; this library never reads the process's own.
    ///
    /// # Errors
    /// `ConfigInvalid` that names the field. No message holds the token.
    pub fn from_block(block: &Value, environment: &BTreeMap<String, String>) -> Result<Self> {
        let block = if block.is_null() {
            MatrixBlock::default()
        } else {
            serde_json::from_value(block.clone())
                .map_err(|error| Error::config_invalid(format!("matrix: {error}")))?
        };
        let wrong =
            |field: &str, why: &str| Error::config_invalid(format!("matrix.{field}: {why}"));
        let address = block.homeserver.as_deref().ok_or_else(|| {
            wrong("homeserver", "it is missing")
                .with_hint("name the homeserver, for example https://matrix.example.com")
        })?;
        let homeserver = server(address).map_err(|error| wrong("homeserver", error.message()))?;
        if homeserver.scheme() != "https" && !is_loopback(&homeserver) {
            return Err(wrong(
                "homeserver",
                "it must be https: the token would be readable on the way",
            ));
        }
        let account = |field: &str, text: &str| {
            UserId::parse(text).map_err(|_| {
                wrong(
                    field,
                    &format!("{text:?} is no account, as in @ada:example.com"),
                )
            })
        };
        let accounts = |field: &str, texts: &[String]| {
            let read = texts.iter().map(|text| account(field, text));
            read.collect::<Result<BTreeSet<_>>>()
        };
        let space = block.space.as_deref().map(|text| {
            let room = RoomId::parse(text).ok().filter(|_| text.starts_with('!'));
            room.ok_or_else(|| wrong("space", "it is no room id, which begins with `!`"))
        });
        let in_home = |path: &str| match path.strip_prefix("~/") {
            Some(rest) => user_home(environment).join(rest),
            None => PathBuf::from(path),
        };
        let token = match &block.token_file {
            Some(path) => token_of(&in_home(path)).map_err(|why| wrong("token_file", &why))?,
            None => environment
                .get(TOKEN_VARIABLE)
                .filter(|token| !token.is_empty())
                .cloned()
                .ok_or_else(|| {
                    wrong("token_file", "there is no token").with_hint(format!(
                        "name a file that holds it, or set {TOKEN_VARIABLE}"
                    ))
                })?,
        };
        Ok(MatrixConfig {
            token: Token::new(&token).map_err(|error| wrong("token_file", error.message()))?,
            ca_file: block.ca_file.as_deref().map(in_home),
            space: space.transpose()?,
            admin: block
                .admin
                .as_deref()
                .map(|text| account("admin", text))
                .transpose()?,
            prefix: block.prefix.unwrap_or_else(|| PREFIX.to_owned()),
            gateways: block
                .gateways
                .iter()
                .map(|(host, text)| Ok((host.clone(), account("gateways", text)?)))
                .collect::<Result<_>>()?,
            senders: accounts("senders", &block.senders)?,
            operators: accounts("operators", &block.operators)?,
            expires: block.expires.map_or(DAY, Duration::from_secs),
            tail_in_room: block.tail_in_room,
            homeserver,
        })
    }

    /// The Space, where commands need one.
    ///
    /// # Errors
    /// `ConfigInvalid` that says how to make it.
    pub(crate) fn space(&self) -> Result<&RoomId> {
        self.space.as_deref().ok_or_else(|| {
            Error::config_invalid("matrix.space: it is missing").with_hint(
                "make it (mosaic-fleet matrix provision), and write the id it prints here",
            )
        })
    }

    /// The account that makes the rooms: a room of anybody else is not the fleet's.
    ///
    /// # Errors
    /// `ConfigInvalid`.
    pub(crate) fn admin(&self) -> Result<&UserId> {
        self.admin.as_deref().ok_or_else(|| {
            Error::config_invalid("matrix.admin: it is missing").with_hint(
                "name the account whose token `mosaic-fleet matrix provision` ran with: rooms of \
                 others are not trusted",
            )
        })
    }

    /// How the homeserver is called in messages and in `matrix:INSTANCE`.
    pub(crate) fn host(&self) -> String {
        let host = self.homeserver.host_str().unwrap_or("homeserver");
        match self.homeserver.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The token of a file that only its owner can read.
fn token_of(path: &std::path::Path) -> std::result::Result<String, String> {
    use std::os::unix::fs::PermissionsExt;
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    if !metadata.is_file() {
        return Err(format!("{shown} is no file"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(format!("other users may read {shown}: chmod 600 {shown}"));
    }
    if metadata.len() > 64 << 10 {
        return Err(format!("{shown} is too long to be a token"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    fn environment() -> BTreeMap<String, String> {
        BTreeMap::from([(TOKEN_VARIABLE.to_owned(), "syt_hunter2".to_owned())])
    }

    #[test]
    fn a_whole_block_is_read() {
        let block = json!({
            "homeserver": "https://matrix.example.com", "space": "!abc:example.com",
            "admin": "@root:example.com", "gateways": {"box1": "@gw:example.com"},
            "senders": ["@ada:example.com"], "operators": ["@op:example.com"]
        });
        let config = MatrixConfig::from_block(&block, &environment()).unwrap();
        assert_eq!(config.host(), "matrix.example.com");
        assert_eq!(config.gateways["box1"], "@gw:example.com");
        assert_eq!(config.space().unwrap(), "!abc:example.com");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_token_is_told() {
        let with = |more: Value| {
            let mut block = json!({"homeserver": "http://127.0.0.1:8008"});
            block
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            block
        };
        for (block, expected) in [
            (json!({}), "matrix.homeserver: it is missing"),
            (json!({"homeserver": "http://example.com"}), "must be https"),
            (
                json!({"homeserver": "http://127.0.0.1.example.com"}),
                "must be https",
            ),
            (
                json!({"homeserver": "ftp://localhost"}),
                "matrix.homeserver",
            ),
            (with(json!({"space": "#fleet:example.com"})), "matrix.space"),
            (with(json!({"admin": "root"})), "matrix.admin"),
            (with(json!({"senders": ["ada"]})), "matrix.senders"),
            (with(json!({"gateways": {"box1": "gw"}})), "matrix.gateways"),
            (with(json!({"password": "x"})), "password"),
        ] {
            let error = MatrixConfig::from_block(&block, &environment()).unwrap_err();
            assert!(error.message().contains(expected), "{block}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        let error = MatrixConfig::from_block(&with(json!({})), &BTreeMap::new()).unwrap_err();
        assert!(error.hint().unwrap().contains(TOKEN_VARIABLE));
    }

    #[test]
    fn a_token_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "syt_hunter2\n").unwrap();
        let block = json!({"homeserver": "http://[::1]:8008", "token_file": path});
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let read = MatrixConfig::from_block(&block, &BTreeMap::new());
            assert_eq!(read.is_ok(), taken, "{mode:o}");
            if let Err(error) = read {
                assert!(error.message().contains("chmod 600"), "{error}");
                assert!(!format!("{error:?}").contains("hunter2"));
            }
        }
    }
}
