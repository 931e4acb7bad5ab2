//! Open issues and pull requests: all of them, each once, while they move.

use std::collections::BTreeSet;

use super::{client, numbers, repo, server};
use crate::error::ErrorKind;
use crate::forge::{Forge, IssueFilter};
use crate::testing::gitea::{GiteaServer, Head, Item, Moving};

/// Every seventh is a pull request and every fifth is closed.
fn filled(last: u64) -> GiteaServer {
    let server = server();
    for number in 1..=last {
        match number % 7 {
            0 => server.pull(number, &format!("pull {number}"), "", "work"),
            _ => server.issue(number, &format!("issue {number}")),
        };
        if number % 5 == 0 {
            server.close(number);
        }
    }
    server
}

#[tokio::test]
async fn everything_open_is_there_once() {
    for cap in [50, 10, 3, 1] {
        let server = filled(150);
        server.with(|world| world.cap = cap);
        let issues = client(&server)
            .open_issues(&repo(), &IssueFilter::new())
            .await
            .unwrap();
        assert_eq!(
            numbers(&issues, |i| i.number),
            server.with(|world| world.open(false))
        );
        let pulls = client(&server).open_pulls(&repo()).await.unwrap();
        assert_eq!(
            numbers(&pulls, |p| p.number),
            server.with(|world| world.open(true))
        );
    }
}

#[tokio::test]
async fn without_a_total_the_end_is_found() {
    for last in [0, 1, 2, 60, 150] {
        let server = filled(last);
        server.with(|world| world.tells_total = false);
        let issues = client(&server)
            .open_issues(&repo(), &IssueFilter::new())
            .await
            .unwrap();
        assert_eq!(
            numbers(&issues, |i| i.number),
            server.with(|world| world.open(false))
        );
    }
}

#[tokio::test]
async fn three_thousand_issues_that_move() {
    let server = server();
    for number in 1..=3500 {
        match number % 8 {
            0 if number <= 3200 => server.pull(number, "pull", "", "work"),
            _ => server.issue(number, "issue"),
        };
        // Some are closed, and open again later.
        if number % 34 == 1 {
            server.close(number);
        }
    }
    let before = |pulls| {
        server
            .with(|world| world.open(pulls))
            .into_iter()
            .collect::<BTreeSet<_>>()
    };
    let (issues, pulls) = (before(false), before(true));
    assert_eq!((issues.len(), pulls.len()), (2997, 400));
    server.with(|world| world.moving = Some(Moving::new(2, 2, 1, 1)));

    let client = client(&server);
    let found = client
        .open_issues(&repo(), &IssueFilter::new())
        .await
        .unwrap();
    let asked = server.asked().len();
    let found_pulls = client.open_pulls(&repo()).await.unwrap();
    let asked_pulls = server.asked().len() - asked;

    for (before, found, is_pull) in [
        (issues, numbers(&found, |i| i.number), false),
        (pulls, numbers(&found_pulls, |p| p.number), true),
    ] {
        let once: BTreeSet<u64> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "each once");
        assert!(found.is_sorted_by(|a, b| a > b), "the newest first");
        let open_now: BTreeSet<u64> = server
            .with(|world| world.open(is_pull))
            .into_iter()
            .collect();
        assert!(open_now != before, "it moved");
        let missed: Vec<_> = before
            .intersection(&open_now)
            .filter(|n| !once.contains(n))
            .collect();
        assert!(missed.is_empty(), "{missed:?}");
        // What was never open is not there.
        let ever: BTreeSet<u64> = before.union(&open_now).copied().collect();
        let reopened = server.with(|world| world.items.len() as u64);
        assert!(
            once.iter()
                .all(|n| ever.contains(n) || *n > 3500 && *n <= reopened || n % 34 == 1)
        );
    }
    // A list that keeps still takes 73 and 10 requests.
    assert!(
        asked < 200 && asked_pulls < 30,
        "{asked} and {asked_pulls} requests"
    );
}

#[tokio::test]
async fn the_same_page_for_ever_is_an_error() {
    let server = filled(150);
    server.with(|world| world.same_page = true);
    let error = client(&server)
        .open_issues(&repo(), &IssueFilter::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("brings nothing"), "{error}");
    assert!(server.asked().len() < 12);
}

#[tokio::test]
async fn empty_items_are_left_out() {
    let server = filled(120);
    server
        .edit(119, |item| item.broken = true)
        .edit(61, |item| item.broken = true);
    let issues = client(&server)
        .open_issues(&repo(), &IssueFilter::new())
        .await
        .unwrap();
    let mut expected = server.with(|world| world.open(false));
    expected.retain(|number| ![119, 61].contains(number));
    assert_eq!(numbers(&issues, |i| i.number), expected);
}

#[tokio::test]
async fn what_an_issue_tells() {
    let server = server();
    server.issue(1, "plain").issue(2, "taken").assign(2);
    server
        .milestone("M 1", &[2])
        .label("a, b", &[2])
        .org_label("c/d", &[2]);
    let issues = client(&server)
        .open_issues(&repo(), &IssueFilter::new())
        .await
        .unwrap();
    assert_eq!(issues[1], crate::forge::Issue::new(1, "plain"));
    assert_eq!((issues[0].number, issues[0].assigned), (2, true));
    assert_eq!(issues[0].milestone.as_deref(), Some("M 1"));
    assert_eq!(issues[0].labels, ["a, b", "c/d"]);
}

#[tokio::test]
async fn what_a_pull_request_tells() {
    let server = server();
    server.pull(7, "plain", "Closes #1", "feat/1-x");
    for (number, label) in [(8, "gone"), (9, "alice:fork/9"), (10, "")] {
        let head = Head {
            reference: format!("refs/pull/{number}/head"),
            label: label.to_owned(),
            commit: "abc".to_owned(),
            draft: true,
        };
        let item = Item {
            open: true,
            head: Some(head),
            ..Item::default()
        };
        server.item(number, item);
    }
    let pulls = client(&server).open_pulls(&repo()).await.unwrap();
    let branches: Vec<_> = pulls
        .iter()
        .map(|pull| (pull.number, pull.branch.as_str()))
        .collect();
    assert_eq!(
        branches,
        [(10, ""), (9, "fork/9"), (8, "gone"), (7, "feat/1-x")]
    );
    assert_eq!(
        (pulls[3].title.as_str(), pulls[3].body.as_str()),
        ("plain", "Closes #1")
    );
    assert_eq!(pulls[0].commit, "abc");
}
