//! What was received and what became of it, on the disk, so that a gateway that is killed anywhere
//! does nothing twice and forgets nothing. The place in the stream is written with what was received
//! up to it, in one transaction.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use rustix::fs::{FlockOperation, flock};

use super::super::protocol::now;
use super::judge::Deed;
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Result};

/// The version of the tables.
const VERSION: i64 = 1;

/// How long what is done is kept: nobody repeats a text after that.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long an id of a sender is the same text: as long as servers and keys have it so.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// How far a row has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was done.
    Received,
    /// It may have been done.
    Submitting,
    /// What became of it is known, and not told yet.
    Settled,
    /// It was told.
    Acked,
}

impl State {
    const ALL: [State; 4] = [
        State::Received,
        State::Submitting,
        State::Settled,
        State::Acked,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            State::Received => "received",
            State::Submitting => "submitting",
            State::Settled => "settled",
            State::Acked => "acked",
        }
    }
}

/// Something received.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// In the order in which they were received.
    pub(super) number: i64,
    pub(super) room: String,
    pub(super) event: String,
    pub(super) sender: String,
    /// The sender's name for it.
    pub(super) id: String,
    pub(super) agent: AgentName,
    pub(super) deed: Deed,
    pub(super) state: State,
    /// What is told, in JSON, once it is settled.
    pub(super) ack: Option<String>,
    /// When it was received, in milliseconds since 1970.
    pub(super) at: u64,
}

/// Something to be kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NewRow {
    pub(super) room: String,
    pub(super) event: String,
    pub(super) sender: String,
    pub(super) id: String,
    pub(super) agent: AgentName,
    pub(super) deed: Deed,
}

/// The journal of one gateway. One process at a time has it.
#[derive(Debug)]
pub(super) struct Journal {
    connection: Connection,
    /// Whose stream it is: a place in another's means nothing.
    whose: String,
    _lock: File,
}

fn broken(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let what = format!(
        "the gateway's journal cannot be used: {}: {error}",
        path.display()
    );
    Error::config_invalid(what)
        .with_hint("move it away only if you know that nothing in it is still to be done")
        .with_source(error)
}

/// Opens a file that only we can read, made if it is not there.
fn private_file(path: &Path) -> Result<File> {
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path);
    opened.map_err(|error| broken(path, error))
}

impl Journal {
    /// Opens the journal in `folder`, which is a private one.
    ///
    /// # Errors
    /// `ConfigInvalid` where it is broken or of a later version; `Unavailable` where another process
    /// has it.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let lock_path = folder.join("lock");
        let lock = private_file(&lock_path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Error::unavailable("another gateway of this host runs")
                .with_hint("one process a journal and a token: stop the other one first")
        })?;
        let path = folder.join("journal.sqlite");
        // Made here, so that it is nobody else's from its first moment.
        private_file(&path)?;
        let wrong = |error: rusqlite::Error| broken(&path, error);
        let connection = Connection::open(&path).map_err(wrong)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .map_err(wrong)?;
        let version: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(wrong)?;
        match version {
            0 => connection
                .execute_batch(&format!(
                    "BEGIN;
                     CREATE TABLE place (since TEXT NOT NULL, whose TEXT NOT NULL);
                     CREATE TABLE served (room TEXT PRIMARY KEY, whose TEXT NOT NULL);
                     CREATE TABLE received (
                       number INTEGER PRIMARY KEY AUTOINCREMENT,
                       room TEXT NOT NULL, event TEXT NOT NULL UNIQUE,
                       sender TEXT NOT NULL, id TEXT NOT NULL, agent TEXT NOT NULL,
                       deed TEXT NOT NULL, state TEXT NOT NULL, ack TEXT, at INTEGER NOT NULL
                     );
                     CREATE INDEX by_id ON received (sender, agent, id);
                     PRAGMA user_version = {VERSION};
                     COMMIT;"
                ))
                .map_err(wrong)?,
            VERSION => {}
            other => {
                return Err(Error::config_invalid(format!(
                    "{} is of version {other}, and this mosaic-fleet knows {VERSION}",
                    path.display()
                ))
                .with_hint("use the mosaic-fleet that wrote it, or a later one"));
            }
        }
        Ok(Journal {
            connection,
            whose: String::new(),
            _lock: lock,
        })
    }

    /// Says whose stream is read: the account's, of one Space on one server.
    pub(super) fn belong_to(&mut self, whose: impl Into<String>) {
        self.whose = whose.into();
    }

    /// Where the stream goes on.
    pub(super) fn since(&self) -> Result<Option<String>> {
        let asked = self.connection.query_row(
            "SELECT since FROM place WHERE whose = ?1",
            [&self.whose],
            |row| row.get(0),
        );
        asked.optional().map_err(failed)
    }

    /// The rooms that were read up to that place.
    pub(super) fn served(&self) -> Result<BTreeSet<String>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT room FROM served WHERE whose = ?1")
            .map_err(failed)?;
        let rooms = statement.query_map([&self.whose], |row| row.get(0));
        rooms
            .map_err(failed)?
            .collect::<rusqlite::Result<_>>()
            .map_err(failed)
    }

    /// Keeps what was received, the place up to which it was and the rooms that it is all of, or none
    /// of that: what came in another room meanwhile was not read. What is there already is left out;
    /// what has come under another event already is to be told again. Returns what is new.
    pub(super) fn receive(
        &mut self,
        rows: Vec<NewRow>,
        since: &str,
        served: &[String],
    ) -> Result<Vec<Row>> {
        let whose = self.whose.clone();
        let transaction = self.connection.transaction().map_err(failed)?;
        let mut numbers = Vec::new();
        for row in rows {
            let deed = match first(&transaction, &row)? {
                Some((of, first)) => row.deed.repeats(&first, of),
                None => row.deed,
            };
            let deed = serde_json::to_string(&deed).map_err(unexpected)?;
            let added = transaction
                .execute(
                    "INSERT OR IGNORE INTO received (room, event, sender, id, agent, deed, state, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'received', ?7)",
                    params![row.room, row.event, row.sender, row.id, row.agent.as_str(), deed, signed(now())],
                )
                .map_err(failed)?;
            if added == 1 {
                numbers.push(transaction.last_insert_rowid());
            }
        }
        transaction
            .execute(
                "DELETE FROM received WHERE state = 'acked' AND at < ?1",
                [signed(now()) - signed_of(KEPT)],
            )
            .map_err(failed)?;
        transaction
            .execute("DELETE FROM served", [])
            .map_err(failed)?;
        for room in served {
            transaction
                .execute(
                    "INSERT OR IGNORE INTO served (room, whose) VALUES (?1, ?2)",
                    params![room, whose],
                )
                .map_err(failed)?;
        }
        transaction
            .execute("DELETE FROM place", [])
            .map_err(failed)?;
        transaction
            .execute(
                "INSERT INTO place (since, whose) VALUES (?1, ?2)",
                params![since, whose],
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        let mut new = self.unfinished()?;
        new.retain(|row| numbers.contains(&row.number));
        Ok(new)
    }

    /// What is not told yet, in the order in which it came.
    pub(super) fn unfinished(&self) -> Result<Vec<Row>> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT number, room, event, sender, id, agent, deed, state, ack, at FROM received
                 WHERE state != 'acked' ORDER BY number",
            )
            .map_err(failed)?;
        let rows = statement.query_map([], read).map_err(failed)?;
        rows.map(|row| row.map_err(failed)?).collect()
    }

    /// What was told of an earlier row.
    pub(super) fn ack_of(&self, number: i64) -> Result<Option<String>> {
        let asked = self.connection.query_row(
            "SELECT ack FROM received WHERE number = ?1",
            [number],
            |row| row.get(0),
        );
        Ok(asked.optional().map_err(failed)?.flatten())
    }

    /// Writes down that it is about to be done.
    pub(super) fn submitting(&self, number: i64) -> Result<()> {
        self.become_(number, State::Submitting, None)
    }

    /// Lets go of what was never begun: it is as if it had not been received.
    pub(super) fn forget(&self, number: i64) -> Result<()> {
        self.connection
            .execute(
                "DELETE FROM received WHERE number = ?1 AND state = ?2",
                params![number, State::Received.as_str()],
            )
            .map(drop)
            .map_err(failed)
    }

    /// Writes down what became of it.
    pub(super) fn settled(&self, number: i64, ack: &str) -> Result<()> {
        self.become_(number, State::Settled, Some(ack))
    }

    /// Writes down that it was told.
    pub(super) fn acked(&self, number: i64) -> Result<()> {
        self.become_(number, State::Acked, None)
    }

    fn become_(&self, number: i64, state: State, ack: Option<&str>) -> Result<()> {
        self.connection
            .execute(
                "UPDATE received SET state = ?2, ack = coalesce(?3, ack) WHERE number = ?1",
                params![number, state.as_str(), ack],
            )
            .map(drop)
            .map_err(failed)
    }
}

/// What came first under the id of `row`, of the same sender for the same agent.
fn first(transaction: &Transaction<'_>, row: &NewRow) -> Result<Option<(i64, Deed)>> {
    let mut found = transaction
        .prepare_cached(
            "SELECT number, deed FROM received
             WHERE sender = ?1 AND agent = ?2 AND id = ?3 AND at > ?4 AND event != ?5
             ORDER BY number",
        )
        .map_err(failed)?;
    let since = signed(now()) - signed_of(REMEMBERED);
    let mut rows = found
        .query(params![
            row.sender,
            row.agent.as_str(),
            row.id,
            since,
            row.event
        ])
        .map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let deed: String = row.get(1).map_err(failed)?;
        let deed: Deed = serde_json::from_str(&deed).map_err(unexpected)?;
        // What only repeats does not say which text it was.
        if !matches!(deed, Deed::Again { .. }) {
            return Ok(Some((row.get(0).map_err(failed)?, deed)));
        }
    }
    Ok(None)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<Row>> {
    let agent: String = row.get(5)?;
    let deed: String = row.get(6)?;
    let state: String = row.get(7)?;
    let (number, room, event) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (sender, id, ack) = (row.get(3)?, row.get(4)?, row.get(8)?);
    let at: i64 = row.get(9)?;
    let whole = || {
        Ok(Row {
            number,
            room,
            event,
            sender,
            id,
            agent: AgentName::new(agent)?,
            deed: serde_json::from_str(&deed).map_err(unexpected)?,
            state: State::ALL
                .into_iter()
                .find(|known| known.as_str() == state)
                .ok_or_else(|| {
                    Error::config_invalid("the gateway's journal has a state of no meaning")
                })?,
            ack,
            at: u64::try_from(at).unwrap_or(0),
        })
    };
    Ok(whole())
}

fn failed(error: rusqlite::Error) -> Error {
    Error::unavailable(format!(
        "the gateway's journal cannot be written or read: {error}"
    ))
    .with_source(error)
}

fn unexpected(error: serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "the gateway's journal holds what is none of ours",
    )
    .with_source(error)
}

fn signed_of(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
