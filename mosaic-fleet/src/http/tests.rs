//! Patience and its end, against a server that misbehaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap as Headers, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::*;
use crate::testing::loopback::Loopback;

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    request: Duration::from_secs(5),
    silence: Duration::from_secs(5),
    call: Duration::from_secs(20),
    tries: 3,
    pause: Duration::from_millis(1),
};

fn client(server: &Loopback, patience: Patience) -> Http {
    let options = HttpOptions {
        scheme: "token",
        token: Some(Token::new("dummy-token-http").unwrap()),
        insecure: false,
        patience,
    };
    Http::new(&server.url(), options).unwrap()
}

/// A server whose answers depend on how often it was asked, from 1.
fn server(
    answer: impl Fn(usize, Headers) -> Response + Clone + Send + Sync + 'static,
) -> (Loopback, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let router = Router::new().fallback(move |headers: Headers| {
        let answer = answer(count.fetch_add(1, Ordering::SeqCst) + 1, headers);
        async move { answer }
    });
    (Loopback::serve(router).unwrap(), asked)
}

fn busy(pause: &'static str) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [("retry-after", pause)], "").into_response()
}

fn broken_off() -> Response {
    let pieces = [Ok(Bytes::from_static(b"{\"a\"")), Err("gone")];
    Body::from_stream(futures::stream::iter(pieces)).into_response()
}

#[tokio::test]
async fn what_passes_by_is_asked_again() {
    let (loopback, asked) = server(|n, _| match n {
        1 => busy("0"),
        2 => broken_off(),
        _ => "{}".into_response(),
    });
    let answer = client(&loopback, PATIENCE).get(&["x"], &[]).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn tries_end_with_the_last_answer() {
    let (loopback, asked) = server(|n, _| match n {
        1 => broken_off(),
        _ => (StatusCode::BAD_GATEWAY, "upstream is away").into_response(),
    });
    let error = client(&loopback, PATIENCE).get(&["x"], &[]).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("502 to /x: upstream"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_long_pause_is_the_callers() {
    let (loopback, asked) = server(|_, _| busy("300"));
    let error = client(&loopback, PATIENCE).get(&["x"], &[]).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(300)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_ends_though_no_answer_comes() {
    let router = Router::new().fallback(std::future::pending::<()>);
    let loopback = Loopback::serve(router).unwrap();
    let short = Patience {
        call: Duration::from_millis(50),
        ..PATIENCE
    };
    let error = client(&loopback, short).get(&["x"], &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no answer in time"), "{error}");
}

#[tokio::test]
async fn nobody_there() {
    let (loopback, _) = server(|_, _| "".into_response());
    let http = client(&loopback, PATIENCE);
    drop(loopback);
    let error = http.get(&["x"], &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no connection"), "{error}");
}

#[tokio::test]
async fn redirects_stay_within_the_server() {
    let (loopback, _) = server(|n, headers| match n {
        1 => (StatusCode::TEMPORARY_REDIRECT, [("location", "/new")]).into_response(),
        2 if headers.contains_key("authorization") => "2".into_response(),
        _ => {
            let place = [("location", "https://other.example.com/x")];
            (StatusCode::FOUND, place).into_response()
        }
    });
    let http = client(&loopback, PATIENCE);
    let answer = http.get(&["old"], &[]).await.unwrap();
    assert_eq!(answer.read::<u8>("here").unwrap(), 2);
    let answer = http.get(&["away"], &[]).await.unwrap();
    let error = answer.read::<u8>("here").unwrap_err();
    assert_eq!(
        error.message(),
        "here sends us elsewhere: https://other.example.com"
    );
}

#[tokio::test]
async fn an_answer_without_end_is_refused() {
    let (loopback, _) = server(|_, _| {
        let piece = Bytes::from(vec![b' '; 1 << 20]);
        let pieces = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        Body::from_stream(pieces).into_response()
    });
    let answer = client(&loopback, PATIENCE).get(&["x"], &[]).await.unwrap();
    let error = answer.read::<u8>("here").unwrap_err();
    assert!(error.message().contains("more than 64 MB"), "{error}");
}

#[tokio::test]
async fn a_token_that_is_told_back_is_not_shown() {
    let (loopback, _) = server(|_, headers| {
        let sent = headers["authorization"].to_str().unwrap().to_owned();
        (StatusCode::FORBIDDEN, format!("you sent {sent}")).into_response()
    });
    let http = client(&loopback, PATIENCE);
    let answer = http.get(&["x"], &[]).await.unwrap();
    let error = answer.read::<u8>("here").unwrap_err();
    assert!(error.message().ends_with("you sent token …"), "{error}");
    assert!(!format!("{answer:?} {http:?} {error:?}").contains("dummy-token-http"));
}

#[tokio::test]
async fn a_stream_is_opened_as_the_same_user() {
    let (loopback, _) = server(|_, headers| {
        let sent = headers["authorization"].to_str().unwrap().to_owned();
        sent.into_response()
    });
    let response = client(&loopback, PATIENCE).stream(&["x"]).await.unwrap();
    let first = response.bytes_stream().next().await.unwrap().unwrap();
    assert_eq!(first, "token dummy-token-http");
}

#[test]
fn addresses() {
    let url = |text| super::server(text).map(String::from);
    assert_eq!(
        url(" https://u:p@host/git?x#y ").unwrap(),
        "https://host/git/"
    );
    for bad in ["", "host", "ftp://host/", "https://", "file:///etc/passwd"] {
        let error = url(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{bad:?}");
    }
}
