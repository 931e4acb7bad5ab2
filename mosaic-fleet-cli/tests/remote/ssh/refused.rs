//! Hosts that cannot be reached, or are not what they were: each has its own error, nothing is accepted
//! by itself, and nobody waits for ever.

use std::fs;
use std::net::TcpListener;

use mosaic_fleet::{AgentName, Error, ErrorKind, ListOptions, Message, SendOptions, Transport};

use super::sshd::{Sshd, free_port};

/// What listing and sending come to, which is the same.
async fn refused(sshd: &Sshd) -> Error {
    let transport = sshd.one_shot();
    let agent = AgentName::new("coder0").unwrap();
    let sent = transport.send(&agent, Message::new("x"), SendOptions::new());
    let sent = sent.await.unwrap_err();
    let listed = transport.list(ListOptions::new()).await.unwrap_err();
    assert_eq!(sent.kind(), listed.kind(), "{sent}; {listed}");
    assert!(sent.to_string().contains("far"), "{sent}");
    listed
}

#[tokio::test]
async fn a_key_that_is_not_known_is_not_accepted_whatever_the_configuration_says() {
    let sshd = Sshd::new();
    fs::write(sshd.known_hosts(), "").unwrap();
    let error = refused(&sshd).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.hint().unwrap().contains("ssh far"), "{error:?}");
    assert_eq!(fs::read_to_string(sshd.known_hosts()).unwrap(), "");
}

#[tokio::test]
async fn a_key_that_has_changed_is_said_to_have_changed() {
    let sshd = Sshd::new();
    sshd.knows("other_key");
    let error = refused(&sshd).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(
        error.message().contains("another one than before"),
        "{error}"
    );
}

#[tokio::test]
async fn who_is_not_let_in_is_not_asked_for_a_password() {
    let sshd = Sshd::new();
    sshd.write_client(sshd.port, "other_key");
    let error = refused(&sshd).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let sshd = Sshd::new();
    sshd.write_client(free_port(), "user_key");
    let error = refused(&sshd).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("refused"), "{error}");
}

#[tokio::test]
async fn one_that_takes_the_connection_and_says_nothing_is_given_up() {
    let sshd = Sshd::new();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    sshd.write_client(silent.local_addr().unwrap().port(), "user_key");
    let options = ListOptions::new();
    let limit = options.timeout * 3;
    let listed = sshd.one_shot();
    let listed = tokio::time::timeout(limit, listed.list(options)).await;
    let error = listed.expect("it waits for ever").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_host_without_a_server_says_so_and_none_is_started() {
    let sshd = Sshd::new();
    let error = refused(&sshd).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.message().contains("no tmux server on far/test"),
        "{error}"
    );
    assert!(sshd.fixture.tmux_text(&["list-sessions"]).is_err());
}
