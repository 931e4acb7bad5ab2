//! Which pull requests the forge itself says close an issue.

use super::{client, repo, server};
use crate::error::ErrorKind;
use crate::forge::{Forge, RepoName};
use crate::testing::gitea::{Event, GiteaServer};

fn mention(action: &str, number: u64, repo: Option<&str>) -> Event {
    let (action, repo) = (action.to_owned(), repo.map(str::to_owned));
    Event::Mention {
        action,
        number,
        repo,
    }
}

async fn closing(server: &GiteaServer, issue: u64) -> Vec<u64> {
    client(server).closing_pulls(&repo(), issue).await.unwrap()
}

#[tokio::test]
async fn only_open_pulls_of_the_same_repository_that_close() {
    let server = server();
    server
        .issue(1, "x")
        .issue(2, "another")
        .issue(3, "nothing happened");
    for number in 10..=16 {
        server.pull(number, "p", "", "b");
    }
    server.close(13);
    server
        .closes(15, 1)
        .closes(10, 1)
        .closes(15, 1)
        .closes(13, 1)
        .closes(2, 1);
    server
        .event(1, mention("none", 11, None))
        .event(1, mention("neutered", 12, None));
    server
        .event(1, mention("reopens", 14, None))
        .event(1, Event::Comment);
    server.event(1, mention("closes", 16, Some("acme/other")));
    assert_eq!(closing(&server, 1).await, [10, 15]);
    assert_eq!(closing(&server, 3).await, [] as [u64; 0]);
}

#[tokio::test]
async fn pages_that_are_short_or_empty_do_not_end_it() {
    for hidden in [0, 49, 50, 60, 99] {
        let server = server();
        server
            .issue(1, "x")
            .pull(10, "p", "", "b")
            .pull(11, "p", "", "b");
        server.closes(10, 1);
        for _ in 0..hidden {
            server.event(1, Event::Hidden);
        }
        server.closes(11, 1);
        assert_eq!(closing(&server, 1).await, [10, 11], "{hidden} hidden");
    }
}

#[tokio::test]
async fn a_long_history() {
    let server = server();
    server.issue(1, "x").pull(10, "p", "", "b");
    for _ in 0..1000 {
        server.event(1, Event::Comment);
    }
    server.closes(10, 1);
    assert_eq!(closing(&server, 1).await, [10]);
    assert_eq!(server.asked().len(), 24);
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_still_the_same() {
    let server = server();
    server.issue(1, "x").pull(10, "p", "", "b").closes(10, 1);
    server.with(|world| world.old_name = Some("acme/gadget".to_owned()));
    let old = RepoName::new("acme/gadget").unwrap();
    let pulls = client(&server).closing_pulls(&old, 1).await.unwrap();
    assert_eq!(pulls, [10]);
}

#[tokio::test]
async fn an_issue_that_is_not_there() {
    let server = server();
    let error = client(&server).closing_pulls(&repo(), 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(error.message(), "there is no issue #9 in acme/widget");
}
