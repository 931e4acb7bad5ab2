//! What is told of a host: it is up while its gateway is, whatever an earlier life left behind.

use std::sync::Arc;

use super::super::super::protocol::{Shown, kind};
use super::super::super::tests::stage::{HOST, Stage};
use super::super::presence::{Host, kept};
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::testing::homeserver::Fault;

fn is_up(stage: &Stage) -> bool {
    let state = stage.server.with(|world| {
        let state = world.state(&stage.space, kind::HOST, HOST);
        state.unwrap().content.clone()
    });
    state["up"].as_bool().unwrap()
}

/// How many events were made of it.
fn told(stage: &Stage) -> usize {
    stage.server.events(&stage.space, kind::HOST).len()
}

#[tokio::test]
async fn a_host_is_up_again_after_a_delayed_word_of_before() {
    // Of an earlier life, or of this one, where the server's answer was lost on the way.
    for lost in [false, true] {
        let stage = Stage::new().await;
        // It comes into the Space.
        drop(stage.run_gateway().await);
        stage.server.with(|world| world.delays = true);
        let local = Arc::new(stage.local.clone());
        let shared = stage.make_gateway(local).await.opened().await.unwrap();
        let mut host = Host::of(&shared).await;
        if lost {
            stage
                .server
                .fail("PUT /_matrix/client/v3/rooms", 1, Fault::Lost);
        }
        host.beat(&shared).await;
        assert!(is_up(&stage));
        stage.server.delay_is_over();
        assert!(!is_up(&stage), "the server has said so by itself");
        host.beat(&shared).await;
        assert!(is_up(&stage), "{lost}");
        let before = told(&stage);
        host.beat(&shared).await;
        host.beat(&shared).await;
        assert_eq!(told(&stage), before, "no event where nothing is new");
    }
}

#[tokio::test]
async fn without_delayed_words_a_host_says_it_itself_and_not_each_time() {
    let stage = Stage::new().await;
    drop(stage.run_gateway().await);
    let local = Arc::new(stage.local.clone());
    let shared = stage.make_gateway(local).await.opened().await.unwrap();
    let mut host = Host::of(&shared).await;
    host.beat(&shared).await;
    let before = told(&stage);
    host.beat(&shared).await;
    assert!(is_up(&stage));
    assert_eq!(told(&stage), before);
}

#[test]
fn words_of_a_terminal_are_kept_in_a_room_only_where_they_are_wanted() {
    let coder = AgentName::new("coder0").unwrap();
    let evidence = "screen: Overwrite customers.csv?";
    let mut status = AgentStatus::new(coder, "tmux:x", AgentState::Waiting, evidence);
    status.question = Some("Overwrite customers.csv?".to_owned());
    let quiet = kept(Shown::of(&status), false);
    assert_eq!((quiet.evidence.as_str(), quiet.question), ("screen", None));
    let open = kept(Shown::of(&status), true);
    assert_eq!((open.evidence.as_str(), open.question), (evidence, None));
    status.evidence = "hook: it works".to_owned();
    assert_eq!(kept(Shown::of(&status), false).evidence, "hook: it works");
}
