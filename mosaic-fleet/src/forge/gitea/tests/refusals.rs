//! What is said when the forge says no, fails or does not answer; and that no token is in it.

use std::error::Error as _;
use std::time::Duration;

use super::{PATIENCE, client, login, repo, server};
use crate::error::{Error, ErrorKind, Retry};
use crate::forge::gitea::Gitea;
use crate::forge::{Forge, IssueFilter, Login};
use crate::http::{Patience, Token};
use crate::testing::gitea::{Fault, GiteaServer};

async fn refused(login: &Login) -> Error {
    let client = Gitea::with_patience(login, PATIENCE).unwrap();
    let error = client.open_issues(&repo(), &IssueFilter::new()).await;
    error.unwrap_err()
}

/// Everything that can be seen of an error.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {:?}", error.hint());
    shown += &serde_json::to_string(error).unwrap();
    let mut source = error.source();
    while let Some(cause) = source {
        shown += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    shown
}

#[tokio::test]
async fn a_token_that_is_not_taken() {
    let server = server();
    server.with(|world| world.private = false);
    let token = Token::new("dummy-token-wrong").unwrap();
    let error = refused(&Login::new("work", server.url()).with_token(token)).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(
        error
            .message()
            .contains("invalid username, password or token"),
        "{error}"
    );
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("login work") && hint.contains("read:issue"),
        "{hint}"
    );
    assert!(!shown(&error).contains("dummy-token"), "{}", shown(&error));
    // Nobody in particular may see it.
    let client = Gitea::with_patience(&Login::new("anyone", server.url()), PATIENCE).unwrap();
    assert!(client.repository(&repo()).await.is_ok());
}

#[tokio::test]
async fn a_repository_that_cannot_be_seen() {
    let server = server();
    let error = refused(&Login::new("anyone", server.url())).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let host = server.url().replace("http://", "");
    assert_eq!(
        error.message(),
        format!("{host} has no repository acme/widget, or login anyone may not see it")
    );
    assert!(error.hint().unwrap().contains("give login anyone a token"));
}

#[tokio::test]
async fn a_scope_that_is_missing() {
    let server = server();
    server
        .with(|world| world.missing_scope = Some(("/issues".to_owned(), "read:issue".to_owned())));
    let error = refused(&login(&server)).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.message().contains("required=[read:issue]"), "{error}");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("read:issue and read:repository")
    );
}

#[tokio::test]
async fn an_address_that_is_no_forges() {
    let server = server();
    let mut wrong = login(&server);
    wrong.url += "/elsewhere";
    let error = refused(&wrong).await;
    assert!(
        error
            .hint()
            .unwrap()
            .contains("/elsewhere/ is the forge's own address"),
        "{error:?}"
    );
    server.fail(&Fault::Page, 1);
    let error = refused(&login(&server)).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.hint().unwrap().contains("server's own address"),
        "{error:?}"
    );
    let error = Gitea::new(&Login::new("bad", "git.example.com")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
}

#[tokio::test]
async fn what_passes_by_is_ridden_out() {
    for fault in [
        Fault::Busy(0),
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::Drop,
        Fault::Cut,
    ] {
        let server = server();
        server.issue(1, "x").fail(&fault, 3);
        let issues = client(&server)
            .open_issues(&repo(), &IssueFilter::new())
            .await;
        assert_eq!(issues.unwrap().len(), 1, "{fault:?}");
        assert_eq!(server.asked().len(), 4, "{fault:?}");
        assert!(server.asked().iter().all(|asked| asked.authorised));
    }
}

#[tokio::test]
async fn what_does_not_pass_is_told() {
    for (fault, kind, words) in [
        (Fault::Busy(0), ErrorKind::RateLimited, "429"),
        (Fault::Busy(600), ErrorKind::RateLimited, "429"),
        (Fault::Status(502), ErrorKind::Unavailable, "502"),
        (Fault::Drop, ErrorKind::Unavailable, "the connection broke"),
        (Fault::Cut, ErrorKind::Unavailable, "the connection broke"),
    ] {
        let server = server();
        server.fail(&fault, 20);
        let error = refused(&login(&server)).await;
        assert_eq!(error.kind(), kind, "{fault:?}");
        assert!(error.message().contains(words), "{error}");
        assert_ne!(error.retry(), Retry::Never, "{fault:?}");
        assert!(!shown(&error).contains("dummy-token"), "{}", shown(&error));
        if fault == Fault::Busy(600) {
            assert_eq!(error.retry(), Retry::After(Duration::from_secs(600)));
            assert_eq!(server.asked().len(), 1);
        }
    }
}

#[tokio::test]
async fn silence_ends() {
    let server = server();
    server.fail(&Fault::Silence, 20);
    let short = Patience {
        request: Duration::from_millis(20),
        ..PATIENCE
    };
    let client = Gitea::with_patience(&login(&server), short).unwrap();
    let error = client.repository(&repo()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no answer in time"), "{error}");
    assert!(!shown(&error).contains("dummy-token"), "{}", shown(&error));
}

#[tokio::test]
async fn nobody_there_and_no_token_shown() {
    let server: GiteaServer = server();
    let (login, client) = (login(&server), client(&server));
    drop(server);
    let error = client.repository(&repo()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for text in [shown(&error), format!("{client:?}"), format!("{login:?}")] {
        assert!(!text.contains("dummy-token"), "{text}");
    }
}
