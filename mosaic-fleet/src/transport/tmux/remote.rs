//! A host that is reached over ssh, by the user's own ssh program: its configuration, keys, agent and
//! jump hosts are the user's. All calls to a host share one connection.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use tokio::process::Command as Process;

use super::error::TmuxError;
use crate::error::{Error, Result};

/// A host as ssh knows it: `HOST`, `USER@HOST`, or a name of the user's ssh configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination(String);

impl Destination {
    /// Checks a destination.
    ///
    /// # Errors
    /// `InvalidArgument` for what ssh or a shell could take for something else than a host.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-:[]".contains(c);
        let (user, host) = text.split_once('@').unwrap_or(("-", &text));
        let named = !host.is_empty() && !host.starts_with('-') && host.chars().all(plain);
        let user = user == "-" && !text.contains('@')
            || !user.is_empty()
                && !user.starts_with('-')
                && user
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if named && user && text.len() <= 255 {
            Ok(Destination(text))
        } else {
            Err(Error::invalid_argument(format!("no host is called {text:?}")).with_hint(
                "write HOST or USER@HOST; a port and the like belong into your ssh configuration",
            ))
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host's name without its user and domain, for preambles.
    pub fn short_host(&self) -> &str {
        let host = self.0.rsplit('@').next().unwrap_or(&self.0);
        let bare = host.trim_matches(['[', ']']);
        // An address has no domain to leave out.
        if bare.contains(':') || bare.split('.').all(|part| part.parse::<u8>().is_ok()) {
            return bare;
        }
        bare.split('.').next().unwrap_or(bare)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long ssh may take to connect, in seconds.
const CONNECT: u32 = 10;

/// Ours is a connection for tmux and nothing else.
const NOTHING_ELSE: [&str; 6] = [
    "UpdateHostKeys=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
];

/// The options of every connection without a person before it. They win over the user's configuration.
fn options(sockets: &Path) -> Vec<String> {
    let mut options = vec![
        // Nobody is there to be asked.
        "BatchMode=yes".to_owned(),
        // Never accepted silently, whatever the configuration says.
        "StrictHostKeyChecking=yes".to_owned(),
        format!("ConnectTimeout={CONNECT}"),
        // A link that is dead is noticed after fifteen seconds.
        "ServerAliveInterval=5".to_owned(),
        "ServerAliveCountMax=3".to_owned(),
        "RequestTTY=no".to_owned(),
        "EscapeChar=none".to_owned(),
        "LogLevel=ERROR".to_owned(),
    ];
    options.extend(NOTHING_ELSE.map(str::to_owned));
    // One connection a host, kept for a minute after its last use. Its socket's path must be short.
    let path = sockets.join("ssh-%C").display().to_string();
    if path.len() + 64 <= 104 + 2 {
        options.push("ControlMaster=auto".to_owned());
        options.push("ControlPersist=60".to_owned());
        options.push(format!("ControlPath={}", path.replace(' ', "\\ ")));
    } else {
        options.push("ControlPath=none".to_owned());
    }
    options
}

/// Adds to `ssh` what has it run `words` on the host, as they are.
pub(super) fn run_there<S: AsRef<str>>(
    ssh: &mut Process,
    sockets: &Path,
    destination: &Destination,
    words: &[S],
) {
    ssh.arg("-T");
    for option in options(sockets) {
        ssh.args(["-o", &option]);
    }
    let line = format!("echo {MARK}; {}", line_of(words));
    ssh.args(["--", destination.as_str(), &line]);
}

/// Stands before what a command there prints: a shell's start files may print something first.
const MARK: &str = "mosaic-fleet:";

/// What a command there printed itself.
pub(super) fn own_output(printed: Vec<u8>) -> Vec<u8> {
    let mark = format!("{MARK}\n");
    let at = printed
        .windows(mark.len())
        .position(|at| at == mark.as_bytes());
    match at {
        Some(at) => printed[at + mark.len()..].to_vec(),
        None => printed,
    }
}

/// The program and arguments that run `words` on the host with a person before them, who is asked about
/// a key that is not known.
pub(super) fn shown_there(destination: &Destination, words: &[String]) -> Vec<OsString> {
    let mut ssh = vec!["ssh", "-t"];
    for option in NOTHING_ELSE.iter().chain(&["StrictHostKeyChecking=ask"]) {
        ssh.extend(["-o", option]);
    }
    let line = line_of(words);
    ssh.extend(["--", destination.as_str(), &line]);
    ssh.into_iter().map(OsString::from).collect()
}

/// The line that the shell of the host runs.
fn line_of<S: AsRef<str>>(words: &[S]) -> String {
    let line: Vec<String> = words.iter().map(|word| quoted(word.as_ref())).collect();
    format!("exec {}", line.join(" "))
}

/// A word that the shell of the host takes as it is: sh, bash, zsh, fish and tcsh agree about single
/// quotes with neither quotes nor backslashes between them, and about both after a backslash.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("'");
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(["'\\", c.encode_utf8(&mut [0; 4]), "'"]),
            _ => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// Whether a shell says in this line that it has no tmux: not that it lacks something of its start files.
fn says_no_tmux(line: &str) -> bool {
    let missing = ["command not found", "not found", "Unknown command"];
    let is_missing = missing.iter().any(|phrase| line.contains(phrase));
    let words = line.split(|c: char| c.is_whitespace() || ":'\"".contains(c));
    is_missing && words.into_iter().any(|word| word == "tmux")
}

/// What ssh itself said, if it is not tmux that speaks.
pub(super) fn ssh_error(words: &str, destination: &Destination) -> Option<TmuxError> {
    let host = destination.to_string();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    let line = || {
        let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
        let plain = lines.next_back().unwrap_or("no answer").chars();
        plain.filter(|c| !c.is_control()).take(200).collect()
    };
    if says(&["REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        Some(TmuxError::HostKey {
            host,
            changed: true,
        })
    } else if says(&["Host key verification failed", "host key is known for"]) {
        Some(TmuxError::HostKey {
            host,
            changed: false,
        })
    } else if says(&["Permission denied (", "Too many authentication failures"]) {
        Some(TmuxError::NotAdmitted { host })
    } else if words.lines().any(says_no_tmux) {
        Some(TmuxError::NoTmuxThere { host })
    } else if says(&[
        "ssh: ",
        "kex_exchange_identification",
        "Connection closed by",
        "Connection reset by",
        "Connection timed out",
        "Broken pipe",
        "client_loop:",
        "mux_client",
        "Shared connection to",
        "banner exchange",
        "Timeout, server",
    ]) {
        Some(TmuxError::Unreached {
            host,
            words: line(),
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_destination_is_a_host_and_never_an_option_or_a_command() {
        for good in [
            "box1",
            "ada@box1",
            "a.b-c_d@box1.example.com",
            "10.0.0.7",
            "ada@[::1]",
            "::1",
        ] {
            assert!(Destination::new(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "@box1",
            "ada@",
            "-l@box1",
            "a@-b",
            "a b",
            "a;b",
            "$(x)",
            "a`b`",
            "a'b",
            "a\nb",
            "a@b@c",
            "host/..",
            "a%h",
            "é",
        ] {
            let error = Destination::new(bad).unwrap_err();
            assert!(error.hint().is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_host_has_a_short_name() {
        for (text, short) in [
            ("box1", "box1"),
            ("ada@box1.example.com", "box1"),
            ("ada@10.0.0.7", "10.0.0.7"),
            ("ada@[::1]", "::1"),
        ] {
            assert_eq!(Destination::new(text).unwrap().short_host(), short);
        }
    }

    #[test]
    fn what_ssh_says_is_told_from_what_tmux_says() {
        let host = Destination::new("box1").unwrap();
        let seen = |words: &str| ssh_error(words, &host).map(|error| format!("{error:?}"));
        for (words, expected) in [
            ("Host key verification failed.\n", "HostKey"),
            (
                "No ED25519 host key is known for box1 and you have requested strict checking.",
                "HostKey",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @",
                "changed: true",
            ),
            ("ada@box1: Permission denied (publickey).", "NotAdmitted"),
            (
                "ssh: connect to host box1 port 22: Connection refused",
                "Unreached",
            ),
            (
                "ssh: Could not resolve hostname box1: Name or service not known",
                "Unreached",
            ),
            (
                "kex_exchange_identification: Connection closed by remote host",
                "Unreached",
            ),
            ("bash: line 1: exec: tmux: not found", "NoTmuxThere"),
            ("zsh:1: command not found: tmux", "NoTmuxThere"),
            ("fish: Unknown command: tmux", "NoTmuxThere"),
        ] {
            let seen = seen(words).unwrap_or_default();
            assert!(seen.contains(expected), "{words:?}: {seen}");
        }
        for words in [
            "no server running on /tmp/tmux-0/x",
            "error connecting to /tmp/tmux-0/x (No such file or directory)",
            "error connecting to /tmp/tmux-0/x (Connection refused)",
            "can't find session: agent-1",
            "bash: nvm: command not found\nno server running on /tmp/tmux-0/x",
            "",
        ] {
            assert_eq!(seen(words), None, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_itself_to_a_shell(word in "[ -~\t]*") {
            let line = format!("printf %s {}", quoted(&word));
            let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }
}
