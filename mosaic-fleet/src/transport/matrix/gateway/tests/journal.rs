//! The journal of a gateway: after whatever happened, what was received is there once and in order.

use std::path::Path;

use proptest::prelude::*;

use super::super::super::protocol::Failure;
use super::super::journal::{Journal, NewRow, Row, State};
use super::super::judge::{Deed, Told};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Refusal};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn row(event: &str, sender: &str, id: &str) -> NewRow {
    NewRow {
        room: "!room:example.com".to_owned(),
        event: event.to_owned(),
        sender: sender.to_owned(),
        id: id.to_owned(),
        agent: AgentName::new("coder0").unwrap(),
        deed: Deed::Tell { what: Told::Help },
    }
}

fn events(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.event.as_str()).collect()
}

fn left(journal: &Journal) -> Vec<Row> {
    journal.unfinished().unwrap()
}

#[test]
fn the_same_event_is_kept_once() {
    let folder = folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    let new = journal.receive(
        vec![
            row("$1", "@a", "x"),
            row("$2", "@a", "y"),
            row("$1", "@a", "x"),
        ],
        "s1",
        &[],
    );
    assert_eq!(events(&new.unwrap()), ["$1", "$2"]);
    // A batch that comes again, after its place was not kept elsewhere.
    let new = journal
        .receive(vec![row("$2", "@a", "y"), row("$3", "@a", "z")], "s2", &[])
        .unwrap();
    assert_eq!(events(&new), ["$3"]);
    assert_eq!(events(&left(&journal)), ["$1", "$2", "$3"]);
    assert!(
        left(&journal)
            .iter()
            .all(|row| !matches!(row.deed, Deed::Again { .. }))
    );
}

#[test]
fn the_same_id_of_a_sender_is_done_once_and_of_another_anew() {
    let folder = folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    let rows = vec![
        row("$1", "@a", "x"),
        row("$2", "@a", "x"),
        row("$3", "@b", "x"),
        row("$4", "@A", "x"),
    ];
    let new = journal.receive(rows, "s1", &[]).unwrap();
    let again: Vec<bool> = new
        .iter()
        .map(|row| matches!(row.deed, Deed::Again { .. }))
        .collect();
    assert_eq!(again, [false, true, false, false]);
    let mut elsewhere = row("$5", "@a", "x");
    elsewhere.agent = AgentName::new("coder1").unwrap();
    let new = journal.receive(vec![elsewhere], "s2", &[]).unwrap();
    assert!(!matches!(new[0].deed, Deed::Again { .. }), "another agent");
    // What became of the first is what is told of the second, also once the first was told.
    let first = left(&journal).remove(0);
    journal.settled(first.number, "{\"done\":1}").unwrap();
    journal.acked(first.number).unwrap();
    let second = left(&journal).remove(0);
    assert_eq!(second.event, "$2");
    assert_eq!(second.deed, Deed::Again { of: first.number });
    assert_eq!(
        journal.ack_of(first.number).unwrap().as_deref(),
        Some("{\"done\":1}")
    );
    let new = journal
        .receive(vec![row("$6", "@a", "x")], "s3", &[])
        .unwrap();
    assert!(matches!(new[0].deed, Deed::Again { .. }));
}

#[test]
fn what_was_refused_is_refused_again_and_another_text_is_said_to_be_one() {
    let folder = folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    let mut refused = row("$1", "@a", "x");
    refused.deed = Deed::Refuse {
        failure: Failure::of(&Error::refused(Refusal::NotReady, "too late")),
        person: false,
    };
    let mut other = row("$4", "@a", "y");
    other.deed = Deed::Tell { what: Told::Status };
    let rows = vec![
        refused,
        row("$2", "@a", "x"),
        row("$3", "@a", "y"),
        row("$5", "@a", "y"),
        other,
    ];
    let new = journal.receive(rows, "s1", &[]).unwrap();
    let first = new[0].number;
    assert_eq!(new[1].deed, Deed::Again { of: first });
    assert_eq!(new[3].deed, Deed::Again { of: new[2].number });
    let Deed::Refuse { failure, .. } = &new[4].deed else {
        panic!("{:?}", new[4].deed);
    };
    assert_eq!(failure.code, "invalid_argument");
}

#[test]
fn each_state_is_there_after_a_reopen() {
    let folder = folder();
    let reopened = |journal: Journal| {
        drop(journal);
        Journal::open(folder.path()).unwrap()
    };
    let mut journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.since().unwrap(), None);
    journal
        .receive(vec![row("$1", "@a", "x"), row("$2", "@a", "y")], "s1", &[])
        .unwrap();
    let mut journal = reopened(journal);
    assert_eq!(journal.since().unwrap().as_deref(), Some("s1"));
    let number = left(&journal)[0].number;
    let first = |journal: &Journal| {
        let row = left(journal).remove(0);
        (row.number, row.state, row.ack)
    };
    assert_eq!(first(&journal), (number, State::Received, None));
    journal.submitting(number).unwrap();
    journal = reopened(journal);
    assert_eq!(first(&journal), (number, State::Submitting, None));
    journal.settled(number, "{}").unwrap();
    journal = reopened(journal);
    assert_eq!(
        first(&journal),
        (number, State::Settled, Some("{}".to_owned()))
    );
    journal.acked(number).unwrap();
    journal = reopened(journal);
    assert_eq!(events(&left(&journal)), ["$2"]);
    // It is not done anew when it comes again.
    assert!(
        journal
            .receive(vec![row("$1", "@a", "x")], "s2", &[])
            .unwrap()
            .is_empty()
    );
}

#[test]
fn rows_and_place_are_written_both_or_neither() {
    let folder = folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    journal
        .receive(vec![row("$1", "@a", "x")], "s1", &[])
        .unwrap();
    // The last statement of it fails.
    let other = rusqlite::Connection::open(folder.path().join("journal.sqlite")).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER no BEFORE INSERT ON place BEGIN SELECT RAISE(ABORT, 'full'); END;",
        )
        .unwrap();
    let error = journal
        .receive(vec![row("$2", "@a", "y")], "s2", &[])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(journal.since().unwrap().as_deref(), Some("s1"));
    assert_eq!(events(&left(&journal)), ["$1"]);
    other.execute_batch("DROP TRIGGER no;").unwrap();
    assert_eq!(
        events(
            &journal
                .receive(vec![row("$2", "@a", "y")], "s2", &[])
                .unwrap()
        ),
        ["$2"]
    );
}

fn refused(folder: &Path) -> Error {
    Journal::open(folder).unwrap_err()
}

#[test]
fn a_broken_journal_is_said_and_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("journal.sqlite");
    let broken = b"this is no database, however long it is".repeat(50);
    std::fs::write(&path, &broken).unwrap();
    let error = refused(folder.path());
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.message().contains("journal.sqlite"), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(std::fs::read(&path).unwrap(), broken);
}

#[test]
fn a_journal_of_a_later_version_is_left_alone() {
    let folder = folder();
    drop(Journal::open(folder.path()).unwrap());
    let other = rusqlite::Connection::open(folder.path().join("journal.sqlite")).unwrap();
    other.execute_batch("PRAGMA user_version = 2;").unwrap();
    drop(other);
    let error = refused(folder.path());
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.message().contains("version 2"), "{error}");
}

#[test]
fn one_at_a_time_has_it() {
    let folder = folder();
    let first = Journal::open(folder.path()).unwrap();
    let error = refused(folder.path());
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("another gateway"), "{error}");
    drop(first);
    Journal::open(folder.path()).unwrap();
}

#[test]
fn nobody_else_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    journal
        .receive(vec![row("$1", "@a", "x")], "s1", &[])
        .unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.path().display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// Whatever comes however often, with reopenings between: each event once, in order of its first
    /// coming, and each id of a sender done once.
    #[test]
    fn each_is_kept_once_and_in_order(
        batches in prop::collection::vec(prop::collection::vec(0_u8..12, 0..5), 1..6),
    ) {
        let folder = folder();
        let mut journal = Journal::open(folder.path()).unwrap();
        let mut expected: Vec<(String, bool)> = Vec::new();
        let mut ids = std::collections::BTreeSet::new();
        for (number, batch) in batches.iter().enumerate() {
            // An event has one sender and one id for ever.
            let rows = batch.iter().map(|event| {
                let (sender, id) = (format!("@{}", event % 2), format!("id{}", event % 5));
                row(&format!("${event}"), &sender, &id)
            });
            let rows: Vec<NewRow> = rows.collect();
            for row in &rows {
                if expected.iter().all(|(event, _)| *event != row.event) {
                    let first = ids.insert((row.sender.clone(), row.id.clone()));
                    expected.push((row.event.clone(), !first));
                }
            }
            journal.receive(rows, &format!("s{number}"), &[]).unwrap();
            drop(journal);
            journal = Journal::open(folder.path()).unwrap();
            let place = journal.since().unwrap();
            prop_assert_eq!(place, Some(format!("s{number}")));
        }
        let kept: Vec<(String, bool)> = left(&journal)
            .into_iter()
            .map(|row| (row.event, matches!(row.deed, Deed::Again { .. })))
            .collect();
        prop_assert_eq!(kept, expected);
    }
}
