//! Running a small program that belongs to the user: `git`, `tea`. With the caller's environment
//! and no other, nobody to ask, and a deadline. What its output means is the caller's to say.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The most that is read of what a program writes, in bytes.
const LONGEST: u64 = 64 << 10;

/// The most that is shown of a program's words, in characters.
const SHOWN: usize = 200;

/// What a program did.
pub(super) struct Ran {
    pub(super) succeeded: bool,
    /// May be a secret.
    pub(super) output: Vec<u8>,
    /// The first line of its complaints, fit for a terminal.
    pub(super) words: String,
}

/// Why a program did nothing.
#[derive(Debug)]
pub(super) enum NotRun {
    /// `PATH` has none.
    Missing,
    /// It did not end in time, and was killed.
    Slow,
    Failed(io::Error),
}

/// Runs `program`, found by the environment's `PATH`, and hands it `input`.
///
/// It leads a process group of its own, which no terminal lets read; the group is killed if the
/// program takes longer than `limit` or the call is dropped.
pub(super) async fn run(
    program: &str,
    arguments: &[&OsStr],
    environment: &BTreeMap<String, String>,
    input: &[u8],
    limit: Duration,
) -> Result<Ran, NotRun> {
    let path = on_path(program, environment).ok_or(NotRun::Missing)?;
    let mut child = Command::new(path)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(NotRun::Failed)?;
    // Dropped before the child is, and so while its number is still its own.
    let mut group = Group(child.id());
    let ran = timeout(limit, converse(&mut child, input)).await;
    let ran = ran.map_err(|_| NotRun::Slow)?.map_err(NotRun::Failed)?;
    group.0 = None;
    Ok(ran)
}

async fn converse(child: &mut Child, input: &[u8]) -> io::Result<Ran> {
    let stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // Whoever does not read it does not need it.
            let _ = stdin.write_all(input).await;
        }
    };
    let ((), output, complaints) = tokio::join!(write, all_of(stdout), all_of(stderr));
    let succeeded = child.wait().await?.success();
    Ok(Ran {
        succeeded,
        output: output?,
        words: first_line(&String::from_utf8_lossy(&complaints?)),
    })
}

async fn all_of(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(LONGEST).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let clean = line.unwrap_or_default().chars();
    clean.filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// The program's file in the first folder of `PATH` that has it.
fn on_path(program: &str, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let folders = std::env::split_paths(environment.get("PATH")?);
    let mut files = folders
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program));
    files.find(|file| {
        file.metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

/// The process group of a program that has not been waited for.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(leader) = leader {
            // It may be over already.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    /// A shell script `name` in `folder`. Another process writes it: a file that we had open for
    /// writing could not be run while any thread of ours is starting a program.
    pub(in crate::forge) fn script(folder: &Path, name: &str, text: &str) {
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", r#"printf '%s' "$1" > "$2" && chmod 755 "$2""#, "sh"])
            .arg(format!("#!/bin/sh\n{text}\n"))
            .arg(folder.join(name))
            .status();
        assert!(status.unwrap().success());
    }

    /// An environment with `folder` as home, where programs are found first in `folder` itself.
    pub(in crate::forge) fn at_home(folder: &Path) -> BTreeMap<String, String> {
        let home = folder.display().to_string();
        BTreeMap::from([
            ("PATH".to_owned(), format!("{home}:/usr/bin:/bin")),
            ("HOME".to_owned(), home),
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
            ("GIT_CONFIG_GLOBAL".to_owned(), "/dev/null".to_owned()),
        ])
    }

    async fn ran(folder: &Path, text: &str, limit: Duration) -> Result<Ran, NotRun> {
        script(folder, "speak", text);
        run(
            "speak",
            &["a".as_ref()],
            &at_home(folder),
            b"hello\n",
            limit,
        )
        .await
    }

    #[tokio::test]
    async fn a_program_is_heard_out() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"read x; echo "$x $1 $GIT_TERMINAL_PROMPT"; printf '\n  a\033[1mb \nmore' >&2; exit 3"#;
        let ran = ran(folder.path(), text, Duration::from_secs(20)).await;
        let ran = ran.unwrap_or_else(|_| panic!("not run"));
        assert!(!ran.succeeded);
        assert_eq!(ran.output, b"hello a 0\n");
        assert_eq!(ran.words, "a[1mb");
    }

    #[tokio::test]
    async fn nothing_of_our_own_environment_is_handed_on() {
        let folder = tempfile::tempdir().unwrap();
        let ran = ran(folder.path(), "/usr/bin/env", Duration::from_secs(20)).await;
        let output = String::from_utf8(ran.unwrap_or_else(|_| panic!("not run")).output).unwrap();
        assert!(!output.contains("CARGO"), "{output}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let limit = Duration::from_millis(300);
        let ran = ran(folder.path(), "sleep 600", limit).await;
        assert!(matches!(ran, Err(NotRun::Slow)));
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_ends_the_program_and_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let in_time = || began.elapsed() < Duration::from_secs(60);
        let pause = || tokio::time::sleep(Duration::from_millis(10));
        let file = folder.path().join("pid");
        let known = async {
            loop {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                if text.ends_with('\n') {
                    break text.trim().parse().unwrap();
                }
                assert!(in_time(), "it does not start");
                pause().await;
            }
        };
        let text = r#"sleep 600 & echo $! > "$HOME/pid"; wait"#;
        let child: i32 = tokio::select! {
            child = known => child,
            _ = ran(folder.path(), text, Duration::from_secs(60)) => panic!("it ended"),
        };
        // Whoever adopts it may not wait for it.
        let is_over = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat"));
            rustix::process::test_kill_process(Pid::from_raw(child).unwrap()).is_err()
                || stat.is_ok_and(|stat| stat.contains(") Z "))
        };
        while !is_over() {
            assert!(in_time(), "it still runs");
            pause().await;
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plain"), "no program").unwrap();
        let limit = Duration::from_secs(20);
        for program in ["none-of-that-name", "plain"] {
            let ran = run(program, &[], &at_home(folder.path()), b"", limit).await;
            assert!(matches!(ran, Err(NotRun::Missing)), "{program}");
        }
        let ran = run("sh", &[], &BTreeMap::new(), b"", limit).await;
        assert!(matches!(ran, Err(NotRun::Missing)));
    }
}
