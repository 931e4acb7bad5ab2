//! The client, and waits through it, against a server on the loopback.

use std::time::Duration;

use tokio::time::timeout;

use super::Woodpecker;
use crate::ci::wait::{News, WaitOptions, WaitResult, Waited, Wanted, wait};
use crate::ci::{Ci, Instance, Status, Target};
use crate::error::{ErrorKind, Retry};
use crate::forge::RepoName;
use crate::forge::login::Token;
use crate::http::Patience;
use crate::testing::woodpecker::{FakePipeline, Fault, TOKEN, WoodpeckerServer};

/// What may take time takes no longer.
const LIMIT: Duration = Duration::from_secs(60);

/// Tries again within milliseconds.
const QUICK: Patience = Patience {
    tries: 3,
    pause: Duration::from_millis(5),
    ..Patience::USUAL
};

fn repo() -> RepoName {
    RepoName::new("acme/widget").unwrap()
}

fn server() -> WoodpeckerServer {
    WoodpeckerServer::start("acme/widget").unwrap()
}

fn server_of(version_2: bool) -> WoodpeckerServer {
    let server = server();
    if version_2 {
        server.be_version_2();
    }
    server
}

fn client(server: &WoodpeckerServer) -> Woodpecker {
    with_token(server, TOKEN)
}

fn with_token(server: &WoodpeckerServer, token: &str) -> Woodpecker {
    let token = Token::new(token).unwrap();
    let instance = Instance::new("mosaic", server.url(), token);
    Woodpecker::with_patience(&instance, QUICK).unwrap()
}

/// Waits for pipeline 7; `act` is called with each news.
async fn wait_for_7(
    ci: &Woodpecker,
    options: &WaitOptions,
    mut act: impl FnMut(&News) + Send,
) -> Waited {
    let wanted = [Wanted::new(7)];
    let (repo, mut told) = (repo(), |news| act(&news));
    let waited = wait(ci, &repo, &wanted, options, &mut told);
    timeout(LIMIT, Box::pin(waited)).await.unwrap().unwrap()
}

/// So seldom that only the stream can have it end in time.
fn by_stream() -> WaitOptions {
    WaitOptions::new().with_interval(Duration::from_secs(3000))
}

/// Does `act` once the server is listened to and was asked since: from then on only an event helps.
async fn once_listened(server: &WoodpeckerServer, streams: usize, looks: usize) {
    once(|| server.streams() >= streams && server.count("/pipelines/7") >= looks).await;
}

/// Waits for what the server has seen.
async fn once(is: impl Fn() -> bool + Send + Sync) {
    timeout(LIMIT, async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

fn status(waited: &Waited) -> &str {
    waited.pipelines[0].status.as_ref().unwrap().as_str()
}

#[tokio::test]
async fn both_versions_are_read() {
    for version_2 in [false, true] {
        let server = server_of(version_2);
        server.put(FakePipeline::new(7, "running").workflow("test", "running"));
        let found = client(&server).pipeline(&repo(), 7, None).await.unwrap();
        let found = found.unwrap();
        assert_eq!(found.status, Status::Running);
        assert_eq!((found.started, found.finished), (Some(1_700_000_001), None));
        assert_eq!(found.at_work(), ["test-step"]);
        assert_eq!(
            found.url,
            format!("{}/repos/7/pipeline/7", server.url()),
            "for people"
        );
        assert_eq!((found.parent, found.canceled.as_ref()), (None, None));
    }
}

#[tokio::test]
async fn what_is_active_on_a_branch_is_found_by_both_versions() {
    for version_2 in [false, true] {
        let server = server_of(version_2);
        // More than a page of ended ones stands before those that count.
        server.put(FakePipeline::new(1, "pending"));
        server.put(FakePipeline::new(2, "blocked"));
        server.put(FakePipeline::new(3, "running").by("pull_request"));
        server.put(FakePipeline::new(4, "running").on("feature"));
        server.put(FakePipeline::new(5, "created").by("cron"));
        server.put(FakePipeline::new(6, "running").by("pull_request_closed"));
        for number in 10..130 {
            server.put(FakePipeline::new(number, "success"));
        }
        let ci = client(&server);
        let active = ci.active(&repo(), &Target::new("main", "c0ffee")).await;
        let numbers: Vec<u64> = active.unwrap().iter().map(|one| one.number).collect();
        assert_eq!(numbers, [5, 2, 1], "version 2: {version_2}");
    }
}

#[tokio::test]
async fn the_pipelines_of_a_commit_are_found_behind_others() {
    for version_2 in [false, true] {
        let server = server_of(version_2);
        server.put(FakePipeline::new(1, "failure").of("f00d"));
        server.put(
            FakePipeline::new(2, "failure")
                .of("f00d")
                .by("pull_request"),
        );
        for number in 10..130 {
            server.put(FakePipeline::new(number, "success"));
        }
        server.put(FakePipeline::new(130, "success").of("f00d").by("cron"));
        for number in 131..250 {
            server.put(FakePipeline::new(number, "success"));
        }
        server.put(
            FakePipeline::new(250, "success")
                .of("f00d")
                .by("cron")
                .on("feature"),
        );
        let ci = client(&server);
        let numbers = async |branch| {
            let found = ci.of_commit(&repo(), "f00d", branch).await.unwrap();
            found.iter().map(|one| one.number).collect::<Vec<_>>()
        };
        // Those of a night on the same head do not hide the push that failed.
        assert_eq!(numbers(None).await, [250, 130, 2, 1]);
        assert_eq!(numbers(Some("main")).await, [130, 2, 1]);
        assert_eq!(numbers(Some("feature")).await, [250]);
        assert!(ci.of_commit(&repo(), "0", None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_refused_is_told_with_what_to_check() {
    let server = server();
    let ci = with_token(&server, "dummy-wrong-9c1e");
    let refused = ci.check().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
    assert!(refused.hint().unwrap().contains("the token for mosaic"));
    let wanted = [Wanted::new(7)];
    let waited = wait(&ci, &repo(), &wanted, &WaitOptions::new(), &mut |_| {}).await;
    let refused = waited.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{refused:?}").contains("9c1e"), "{refused:?}");

    let ci = client(&server);
    let other = RepoName::new("acme/other").unwrap();
    let unknown = ci.pipeline(&other, 7, None).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::InvalidArgument);
    let waited = wait(&ci, &repo(), &wanted, &WaitOptions::new(), &mut |_| {}).await;
    let missing = waited.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::InvalidArgument);
    assert!(missing.message().contains("no pipeline 7 of acme/widget"));
}

#[tokio::test]
async fn a_404_of_a_proxy_says_nothing_about_the_pipeline() {
    let server = server();
    server.put(FakePipeline::new(7, "success"));
    let ci = client(&server);
    ci.pipeline(&repo(), 7, None).await.unwrap();
    server.fail([Fault::Proxy, Fault::Proxy]);
    let away = ci.pipeline(&repo(), 7, None).await.unwrap_err();
    assert_eq!(away.kind(), ErrorKind::Unavailable);
    // A word of Woodpecker's own is believed.
    assert_eq!(ci.pipeline(&repo(), 8, None).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_ends_the_wait_and_a_lie_does_not() {
    let server = server();
    server.put(FakePipeline::new(7, "running"));
    let ci = client(&server);
    let options = by_stream();
    let waited = wait_for_7(&ci, &options, |_| {});
    let acts = async {
        once_listened(&server, 1, 2).await;
        // It has not ended, whatever the event says.
        server.tell(7, "success");
        once_listened(&server, 1, 3).await;
        // Events of others, and of no meaning, are nothing to us.
        server.tell(8, "failure");
        server.set(FakePipeline::new(7, "failure"));
        // An old one comes late.
        server.tell(7, "running");
    };
    let (waited, ()) = tokio::join!(waited, acts);
    assert_eq!(waited.result, WaitResult::Otherwise);
    assert_eq!(status(&waited), "failure");
    assert_eq!(waited.pipelines[0].commit.as_deref(), Some("c0ffee"));
}

#[tokio::test]
async fn a_stream_that_ends_is_opened_again_and_what_was_missed_is_asked_for() {
    let server = server();
    server.put(FakePipeline::new(7, "running"));
    let ci = client(&server);
    let options = by_stream();
    let acts = async {
        once_listened(&server, 1, 2).await;
        // Nobody hears of this one.
        server.put(FakePipeline::new(7, "success"));
        server.end_streams();
    };
    let (waited, ()) = tokio::join!(wait_for_7(&ci, &options, |_| {}), acts);
    assert_eq!(waited.result, WaitResult::Success);
    assert!(server.streams() >= 2);
}

#[tokio::test]
async fn a_server_that_is_restarted_is_waited_for() {
    let mut server = server();
    server.put(FakePipeline::new(7, "running"));
    let ci = client(&server);
    let options = WaitOptions::new().with_interval(Duration::from_secs(1));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let waited = wait_for_7(&ci, &options, |news| {
        let _ = tell.send(news.clone());
    });
    let acts = async {
        once_listened(&server, 1, 2).await;
        server.stop();
        while !matches!(told.recv().await, Some(News::Trouble(_))) {}
        server.put(FakePipeline::new(7, "success"));
        server.start_again().unwrap();
        while !matches!(told.recv().await, Some(News::Back)) {}
    };
    let (waited, ()) = tokio::join!(waited, async { timeout(LIMIT, acts).await.unwrap() });
    assert_eq!(waited.result, WaitResult::Success);
}

#[tokio::test]
async fn without_a_stream_it_is_asked_again() {
    let server = server();
    server.refuse_streams(true);
    server.put(FakePipeline::new(7, "running"));
    let ci = client(&server);
    let options = WaitOptions::new().with_interval(Duration::from_secs(1));
    let acts = async {
        once_listened(&server, 0, 1).await;
        server.put(FakePipeline::new(7, "success"));
    };
    let (waited, ()) = tokio::join!(wait_for_7(&ci, &options, |_| {}), acts);
    assert_eq!(waited.result, WaitResult::Success);
}

#[tokio::test]
async fn a_cancel_that_turns_to_success_and_a_number_that_is_given_away_again() {
    for (then, expected) in [
        (FakePipeline::new(7, "success"), "killed"),
        (
            FakePipeline::new(7, "success").with_id(1).of("0ther"),
            "replaced",
        ),
    ] {
        let server = server();
        let first = match expected {
            "killed" => FakePipeline::new(7, "killed").workflow("test", "running"),
            _ => FakePipeline::new(7, "running"),
        };
        server.put(first);
        let ci = client(&server);
        let options = by_stream();
        let acts = async {
            once_listened(&server, 1, 2).await;
            server.set(then);
        };
        let (waited, ()) = tokio::join!(wait_for_7(&ci, &options, |_| {}), acts);
        assert_eq!(waited.result, WaitResult::Otherwise);
        assert_eq!(status(&waited), expected);
    }
}

#[tokio::test]
async fn a_restart_is_followed_in_both_versions() {
    for version_2 in [false, true] {
        let server = server_of(version_2);
        server.put(FakePipeline::new(7, "failure"));
        server.put(FakePipeline::new(9, "success").again(7));
        let ci = client(&server);
        let waited = wait_for_7(&ci, &by_stream().with_follow(true), |_| {}).await;
        assert_eq!(waited.result, WaitResult::Success);
        let one = &waited.pipelines[0];
        assert_eq!((one.number, one.instead_of), (9, Some(7)));
    }
}

/// A proxy answers for a server that starts: that is no word about its stream.
#[tokio::test]
async fn a_stream_that_a_proxy_denies_is_asked_for_again() {
    let server = server();
    server.put(FakePipeline::new(7, "running"));
    let ci = client(&server);
    let options = by_stream();
    let acts = async {
        once_listened(&server, 1, 2).await;
        server.refuse_streams(true);
        server.end_streams();
        let refused = server.count("/events");
        once(|| server.count("/events") >= refused + 2).await;
        server.refuse_streams(false);
        let looks = server.count("/pipelines/7");
        once_listened(&server, 2, looks + 1).await;
        server.set(FakePipeline::new(7, "success"));
    };
    let (waited, ()) = tokio::join!(wait_for_7(&ci, &options, |_| {}), acts);
    assert_eq!(waited.result, WaitResult::Success);
}

#[tokio::test]
async fn a_server_that_sends_us_elsewhere_is_told_at_once() {
    let server = server();
    server.fail([Fault::Elsewhere]);
    let ci = client(&server);
    let elsewhere = ci.check().await.unwrap_err();
    assert_eq!(elsewhere.retry(), Retry::Never, "{elsewhere:?}");
    assert!(elsewhere.message().contains("https://"), "{elsewhere}");
}

#[tokio::test]
async fn a_server_that_is_away_for_too_long_tells_nothing() {
    let mut server = server();
    let ci = client(&server);
    server.stop();
    let options = WaitOptions::new().with_outage(Duration::from_millis(1));
    let waited = wait_for_7(&ci, &options, |_| {}).await;
    assert_eq!(waited.result, WaitResult::Unknown);
    assert!(waited.why.unwrap().contains("no connection"));
    assert_eq!(waited.pending, [7]);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_beyond_the_time() {
    let server = server();
    server.put(FakePipeline::new(7, "running"));
    let ci = client(&server);
    let options = WaitOptions::new()
        .with_interval(Duration::from_secs(1))
        .with_timeout(Duration::from_secs(2));
    let acts = async {
        once_listened(&server, 1, 2).await;
        server.fail([Fault::Silence; 20]);
    };
    let (waited, ()) = tokio::join!(wait_for_7(&ci, &options, |_| {}), acts);
    assert_eq!(waited.result, WaitResult::TimedOut);
    assert_eq!((status(&waited), &*waited.pending), ("running", &[7][..]));
}
