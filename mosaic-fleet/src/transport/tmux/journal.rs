//! The journal of idempotency keys: a small file a key, locked while its send is under way, written
//! to disk before anything is typed and completed with the receipt after.
//!
//! The first line says who was to get what; a second one has the receipt. A file without its second
//! line is a send that broke off: nobody knows what became of it, and so it is said.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::error::TmuxError;
use super::gate::lock;
use super::private::private;
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Refusal, Result, Stage};
use crate::events::fingerprint;
use crate::message::{Evidence, Receipt, ReceiptId, Verdict};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose key it is: one key counts once an agent of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scope {
    pub(super) key: String,
    pub(super) agent: AgentName,
    pub(super) instance: String,
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    version: u32,
    #[serde(flatten)]
    scope: Scope,
    /// A hash of the text with its preamble.
    message: String,
    began_ms: u64,
}

/// The second line: what of a receipt is not in the first.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    id: ReceiptId,
    verdict: Verdict,
    evidence: Evidence,
    normalised: Vec<String>,
    attempts: u32,
    elapsed_ms: u64,
    sent_ms: u64,
}

/// What a key says before a send.
#[derive(Debug)]
pub(super) enum Entry {
    /// It was never used: the send may be done, and nobody else does it meanwhile.
    Free(Claimed),
    /// Its send was done.
    Done(Box<Receipt>),
}

/// A key of ours, locked until this is dropped.
#[derive(Debug)]
pub(super) struct Claimed {
    file: File,
    path: PathBuf,
}

/// Where keys are kept: nothing where the environment names no place.
pub(super) fn folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |key: &str| {
        let path = environment.get(key).map(Path::new);
        path.filter(|path| path.is_absolute())
    };
    let state = match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => state.to_owned(),
        (None, Some(home)) => home.join(".local/state"),
        (None, None) => return None,
    };
    Some(state.join("mosaic-fleet").join("sends"))
}

/// Takes a key for a text, waiting until `patience` for another call that has it.
///
/// # Errors
/// `InvalidArgument` when the key was used with another text, `DeliveryUnknown` when its send broke
/// off, `Refused` (`Locked`) when another call does not come to an end.
pub(super) async fn begin(
    folder: &Path,
    scope: Scope,
    text: &str,
    patience: Instant,
) -> Result<Entry> {
    if scope.key.is_empty() {
        return Err(Error::invalid_argument("the idempotency key is empty"));
    }
    let message = hash(text);
    let place = format!("{}\n{}\n{}", scope.instance, scope.agent, scope.key);
    let path = folder.join(hash(&place));
    let failed = |source| TmuxError::File {
        path: path.display().to_string(),
        source,
    };
    prepare(folder)?;
    let Some(mut file) = open(&path, patience).await.map_err(failed)? else {
        let why = "another call with the same idempotency key is under way";
        return Err(Error::refused(Refusal::Locked, why).with_hint("ask again when it has ended"));
    };
    let mut written = String::new();
    file.read_to_string(&mut written).map_err(failed)?;
    let found = read(&written);
    if found.is_none() && written.contains('\n') {
        let why = "this idempotency key was noted in a form that this version does not know";
        return Err(Error::delivery_unknown(Stage::Pasted, why)
            .with_hint("look at its terminal (mosaic-fleet agent tail); send with a new key"));
    }
    if let Some((begun, kept)) = found.filter(|(begun, _)| is_fresh(begun)) {
        return match kept {
            _ if begun.scope != scope => Err(Error::new(
                ErrorKind::Unexpected,
                "two idempotency keys look the same to us",
            )
            .with_hint("use another key")),
            _ if begun.message != message => Err(Error::invalid_argument(
                "this idempotency key was used with another text",
            )
            .with_hint("use a new key for a new text")),
            Some(kept) => Ok(Entry::Done(Box::new(receipt(scope, kept)))),
            None => Err(Error::delivery_unknown(
                Stage::Pasted,
                "an earlier send with this idempotency key broke off",
            )
            .with_hint("look at its terminal (mosaic-fleet agent tail); send with a new key")),
        };
    }
    sweep(folder);
    let begun = Begun {
        version: 1,
        scope,
        message,
        began_ms: to_ms(SystemTime::now()),
    };
    file.set_len(0).map_err(failed)?;
    append(&mut file, &begun).map_err(failed)?;
    // The name as well must be on the disk before anything is typed.
    let named = File::open(folder).and_then(|folder| folder.sync_all());
    named.map_err(failed)?;
    Ok(Entry::Free(Claimed { file, path }))
}

impl Claimed {
    /// Ends the send that had the key. One that typed nothing frees it; one that was lost from sight
    /// leaves it as it is. A receipt that cannot be kept is no less true.
    pub(super) fn end(mut self, sent: &Result<Receipt>) {
        match sent {
            Ok(receipt) => {
                let kept = Kept {
                    id: receipt.id.clone(),
                    verdict: receipt.verdict,
                    evidence: receipt.evidence.clone(),
                    normalised: receipt.normalised.clone(),
                    attempts: receipt.attempts,
                    elapsed_ms: u64::try_from(receipt.elapsed.as_millis()).unwrap_or(u64::MAX),
                    sent_ms: to_ms(receipt.sent_at),
                };
                if let Err(error) = append(&mut self.file, &kept) {
                    tracing::warn!(%error, "the journal of idempotency keys cannot be written");
                }
            }
            Err(error) if error.kind() == ErrorKind::DeliveryUnknown => {}
            Err(_) => {
                let _ = fs::remove_file(&self.path);
            }
        }
    }
}

fn prepare(folder: &Path) -> Result<(), TmuxError> {
    let ours = folder.parent().unwrap_or(folder);
    if let Some(state) = ours.parent() {
        fs::create_dir_all(state).map_err(|source| TmuxError::File {
            path: state.display().to_string(),
            source,
        })?;
    }
    private(ours)?;
    private(folder)
}

/// Opens and locks a key's file. One that was removed before it was locked is made anew.
async fn open(path: &Path, patience: Instant) -> io::Result<Option<File>> {
    loop {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        if !lock(&file, patience).await? {
            return Ok(None);
        }
        if is_at(&file, path) {
            return Ok(Some(file));
        }
    }
}

/// Whether an open file is still the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| {
        let ours = file.metadata();
        ours.is_ok_and(|ours| ours.ino() == found.ino() && ours.dev() == found.dev())
    })
}

fn append(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()
}

/// A file's lines. Nothing where the first one is not whole: nothing was typed then.
fn read(written: &str) -> Option<(Begun, Option<Kept>)> {
    let mut lines = written
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let begun = serde_json::from_str(lines.next()?).ok()?;
    let kept = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    Some((begun, kept))
}

fn receipt(scope: Scope, kept: Kept) -> Receipt {
    let mut receipt = Receipt::new(scope.agent, scope.instance, kept.verdict, kept.evidence);
    receipt.id = kept.id;
    receipt.normalised = kept.normalised;
    receipt.attempts = kept.attempts;
    receipt.elapsed = Duration::from_millis(kept.elapsed_ms);
    receipt.sent_at = UNIX_EPOCH + Duration::from_millis(kept.sent_ms);
    receipt
}

fn is_fresh(begun: &Begun) -> bool {
    let began = UNIX_EPOCH + Duration::from_millis(begun.began_ms);
    let age = SystemTime::now().duration_since(began);
    age.unwrap_or_default() < REMEMBERED
}

/// Removes what is too old to count. What cannot be removed is tried again another time.
fn sweep(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    for found in files.flatten() {
        let changed = found.metadata().and_then(|found| found.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        if age.is_some_and(|age| age > REMEMBERED)
            && let Ok(file) = File::open(found.path())
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
            && is_at(&file, &found.path())
        {
            let _ = fs::remove_file(found.path());
        }
    }
}

/// 128 bits of two short hashes.
fn hash(text: &str) -> String {
    let backwards: String = text.chars().rev().collect();
    format!("{}-{}", fingerprint(text), fingerprint(&backwards))
}

fn to_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::EvidenceKind;

    const SOON: Duration = Duration::from_millis(50);

    async fn ask(folder: &Path, text: &str) -> Result<Entry> {
        let scope = Scope {
            key: "../k/1".to_owned(),
            agent: AgentName::new("coder0").unwrap(),
            instance: "tmux:test".to_owned(),
        };
        begin(folder, scope, text, Instant::now() + SOON).await
    }

    async fn claim(folder: &Path) -> Claimed {
        match ask(folder, "text").await.unwrap() {
            Entry::Free(claimed) => claimed,
            Entry::Done(receipt) => panic!("{receipt:?}"),
        }
    }

    fn sent() -> Result<Receipt> {
        let evidence = Evidence::new(EvidenceKind::Screen, "seen");
        let agent = AgentName::new("coder0")?;
        Ok(Receipt::new(
            agent,
            "tmux:test",
            Verdict::Submitted,
            evidence,
        ))
    }

    fn the_file(folder: &Path) -> PathBuf {
        let mut files = fs::read_dir(folder).unwrap();
        files.next().unwrap().unwrap().path()
    }

    #[tokio::test]
    async fn a_key_gives_its_first_receipt_again_and_refuses_another_text() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/mosaic-fleet/sends");
        let claimed = claim(&folder).await;
        let busy = ask(&folder, "text").await.unwrap_err();
        assert_eq!(busy.refusal(), Some(Refusal::Locked));
        let first = sent();
        claimed.end(&first);
        let Entry::Done(again) = ask(&folder, "text").await.unwrap() else {
            panic!("sent again")
        };
        let first = serde_json::to_value(first.unwrap()).unwrap();
        assert_eq!(serde_json::to_value(&*again).unwrap(), first);
        let other = ask(&folder, "another text").await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::InvalidArgument);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&the_file(&folder))), (0o700, 0o600));
    }

    #[tokio::test]
    async fn a_send_that_broke_off_is_unknown_and_a_refused_one_frees_its_key() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("mosaic-fleet/sends");
        claim(&folder)
            .await
            .end(&Err(Error::refused(Refusal::Draft, "a draft")));
        claim(&folder)
            .await
            .end(&Err(Error::delivery_unknown(Stage::Pasted, "lost")));
        for _ in 0..2 {
            let lost = ask(&folder, "text").await.unwrap_err();
            assert_eq!(lost.kind(), ErrorKind::DeliveryUnknown, "{lost}");
        }
        // A receipt that was torn is none; a first line that was torn means that nothing was typed.
        let file = the_file(&folder);
        let begun = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{begun}{{\"id\":")).unwrap();
        let lost = ask(&folder, "text").await.unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::DeliveryUnknown);
        fs::write(&file, &begun[..begun.len() / 2]).unwrap();
        drop(claim(&folder).await);
        // A day later it counts no more.
        let old = begun.replace("\"began_ms\":1", "\"began_ms\":");
        assert_ne!(old, begun);
        fs::write(&file, old).unwrap();
        claim(&folder).await.end(&sent());
    }

    #[test]
    fn without_a_home_there_is_no_place() {
        let at = |pairs: &[(&str, &str)]| {
            let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            folder(&pairs.iter().map(own).collect())
        };
        assert_eq!(at(&[("XDG_STATE_HOME", "relative")]), None);
        assert_eq!(
            at(&[("HOME", "/h"), ("XDG_STATE_HOME", "")]),
            Some("/h/.local/state/mosaic-fleet/sends".into())
        );
    }
}
