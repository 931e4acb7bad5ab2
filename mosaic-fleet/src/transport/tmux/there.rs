//! The life of a server and of its agents on another host: what this host's own files and processes
//! cannot tell is asked and done there, by a few lines of shell.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::TmuxTransport;
use super::config::Socket;
use super::server::Server;
use crate::error::{Error, Result};
use crate::runtime::Launch;

// Each is one line: a csh takes no line break within quotes.

/// Drops the variables of a login without a terminal that are no agent's: those of whoever starts a
/// server are everyone's on it for ever.
const CLEAN: &str = concat!(
    r#"for v in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do "#,
    r#"case $v in HOME|USER|LOGNAME|SHELL|LANG|TMPDIR|PATH|TZ|TMUX_TMPDIR|LC_*|XDG_*) ;; "#,
    r#"*) unset "$v" ;; esac; done; "#,
);

/// A function that puts the PATH of somebody who logs in there before that of a login without a
/// terminal: agents' programs are seldom on the latter. A csh takes `-l` alone.
const LOGIN_PATH: &str = concat!(
    r#"login() { l=$(echo 'echo; echo "$PATH"' | "${SHELL:-/bin/sh}" -l 2>/dev/null | tail -n 1); "#,
    r#"case $l in "$PATH") ;; /*) PATH=$l:$PATH; export PATH ;; esac; }; "#,
);

/// Starts the server of `$1 $2`, set up by what is read, with the rest as its first command. The file
/// is gone when the server has read it.
const START: &str = concat!(
    r#"login; f=$(mktemp) || exit 1; trap 'rm -f "$f"' EXIT; cat >"$f"; "#,
    r#"TERM=xterm-256color; export TERM; ulimit -n "$(ulimit -H -n)" 2>/dev/null; "#,
    r#"a=$1 b=$2; shift 2; tmux -u "$a" "$b" -f "$f" "$@""#,
);

/// Goes to the folder `$1`, `~` being the home there.
const GO: &str = concat!(
    r#"case $1 in '~') d=$HOME ;; '~/'*) d=$HOME/${1#'~/'} ;; *) d=$1 ;; esac; "#,
    r#"cd -- "$d" 2>/dev/null || { echo folder; exit; }; w=$2; shift 2; "#,
);

/// Takes the PATH of the server, which the rest of the words ask it for, or the one it would get.
const SERVER_PATH: &str =
    r#"p=$("$@" 2>/dev/null); case $p in PATH=*) PATH=${p#PATH=} ;; *) login ;; esac; "#;

/// Finds the program `$w`, if there is a word for it, and says where all that was.
const FIND: &str = concat!(
    r#"case $w in '') ;; */*) [ -f "$w" ] ;; *) command -v -- "$w" >/dev/null ;; esac "#,
    r#"|| { echo program; exit; }; printf 'in %s\n' "$(pwd)""#,
);

/// Waits for the end of the process `$1`, `$2` tenths of a second, and ends its group after that.
const SEE_OUT: &str = concat!(
    r#"n=$2; while kill -0 "$1" 2>/dev/null; do "#,
    r#"[ "$n" -gt 0 ] || { kill -9 "-$1"; exit; }; sleep 0.1; n=$((n-1)); done"#,
);

/// The words that start a server there whose configuration is their input. `list` is its first command.
pub(super) fn starting(socket: &Socket, list: Vec<String>) -> Vec<String> {
    let script = format!("{CLEAN}{LOGIN_PATH}{START}");
    let mut words = ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec();
    words.extend(socket.words());
    words.extend(list);
    words
}

impl Server {
    /// Waits for the end of a process there, and ends its group after `grace`.
    pub(super) async fn see_out(&self, pid: u32, grace: Duration) -> Result<()> {
        let tenths = (grace.as_millis() / 100).to_string();
        let words = ["sh", "-c", SEE_OUT, "sh", &pid.to_string(), &tenths];
        self.run_there(&words, grace + super::STEP).await?;
        Ok(())
    }
}

impl TmuxTransport {
    /// An agent's launch as it is on the server's host: its folder found there, and `program`, where
    /// it is plain what that is. Nothing is found anew on this host.
    pub(crate) async fn found_there(
        &self,
        launch: &Launch,
        program: Option<&str>,
    ) -> Result<Launch> {
        let Some(host) = &self.config().remote else {
            return Ok(launch.clone());
        };
        let server = &self.inner.server;
        // An agent that has a PATH of its own finds its program by itself.
        let program = program.filter(|_| !launch.environment.iter().any(|(key, _)| key == "PATH"));
        let folder = launch.directory.display().to_string();
        let script = format!("{GO}{LOGIN_PATH}{SERVER_PATH}{FIND}");
        let mut words = [
            "sh",
            "-c",
            &script,
            "sh",
            &folder,
            program.unwrap_or_default(),
        ]
        .map(str::to_owned)
        .to_vec();
        words.extend(server.client_words(["show-environment", "-g", "PATH"]));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let printed = server.run_there(&words, super::STEP).await?;
        let printed = String::from_utf8_lossy(&printed);
        match printed.trim_end_matches('\n') {
            "folder" => Err(Error::config_invalid(format!(
                "no working directory {folder} on {host}"
            ))
            .with_hint("make it there, or change `working_directory` in the roster")),
            "program" => Err(Error::config_invalid(format!(
                "no program {} on the PATH of {host}",
                program.unwrap_or_default()
            ))
            .with_hint("install it there, or set `command` in the roster")),
            found => match found.strip_prefix("in ").map(Path::new) {
                Some(directory) => Ok(Launch {
                    directory: PathBuf::from(directory),
                    ..launch.clone()
                }),
                None => Err(
                    Error::unavailable(format!("{host} does not tell its folders"))
                        .with_hint("see what `ssh HOST sh -c pwd` says"),
                ),
            },
        }
    }
}
