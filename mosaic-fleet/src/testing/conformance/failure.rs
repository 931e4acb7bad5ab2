//! Behaviours: what is wrong is said, loudly and exactly, and the rest goes on.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::oracle::{
    agents, brief, deliver, is_passing, kind_of, mark, name, needs, refusal_of, send, settled,
    taken_when, took,
};
use super::{AGENTS, Harness, Outcome};
use crate::agent::AgentState;
use crate::error::{ErrorKind, Refusal};
use crate::options::{ListOptions, SendOptions, StatusOptions, TailOptions};

/// A name that no agent has, a prefix and an extension of others among them, is `AgentNotFound`,
/// with a suggestion where one is near; nobody takes anything.
pub async fn unknown_agent_is_not_found<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let transport = h.transport();
    for unknown in ["agen", "agent-100", "Agent", "nobody"].map(name) {
        let error = transport
            .send(&unknown, "hello".into(), SendOptions::new())
            .await
            .expect_err("nobody has this name");
        assert_eq!(error.kind(), ErrorKind::AgentNotFound, "{error}");
        assert_eq!(error.agent(), Some(unknown.as_str()));
        if unknown.as_str() == "agen" {
            assert!(error.message().contains("did you mean agent"), "{error}");
        }
        if transport.capabilities().status {
            let result = transport.status(&unknown, StatusOptions::new()).await;
            assert_eq!(kind_of("its status", result), ErrorKind::AgentNotFound);
        }
        if transport.capabilities().tail {
            let result = transport.tail(&unknown, TailOptions::new()).await;
            assert_eq!(kind_of("its tail", result), ErrorKind::AgentNotFound);
        }
    }
    let nothing: [&str; 0] = [];
    for agent in agents() {
        took(h, &agent, &nothing).await;
    }
    Outcome::Checked
}

/// A dead agent refuses as `Dead` and takes nothing; the others go on.
pub async fn dead_agent_refuses_and_the_rest_live<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let dead = name("agent-1");
    h.kill_agent(&dead).await;
    let result = send(h, &dead, "hello", SendOptions::new()).await;
    assert_eq!(refusal_of("a text for the dead", result), Refusal::Dead);
    for agent in agents().iter().filter(|agent| **agent != dead) {
        let text = mark("alive");
        deliver(h, agent, &text).await;
        took(h, agent, &[text]).await;
    }
    let taken = h.taken(&dead).await;
    assert!(taken.is_empty(), "the dead took {}", brief(&taken));
    Outcome::Checked
}

/// `status` and `list` both say `Dead` of a dead agent, and of no other.
pub async fn dead_agent_is_told_by_status_and_list<H: Harness>(h: &H) -> Outcome {
    needs!(h, status, list);
    let (transport, dead) = (h.transport(), name("agent-1"));
    h.kill_agent(&dead).await;
    let status = transport.status(&dead, StatusOptions::new()).await;
    let status = status.expect("a dead agent still has a status");
    assert_eq!(status.state, AgentState::Dead, "{status:?}");
    for composer in [true, false] {
        let options = ListOptions::new().with_composer(composer);
        let list = transport.list(options).await.expect("the backend is up");
        let names: Vec<&str> = list.iter().map(|status| status.name.as_str()).collect();
        assert_eq!(names, AGENTS);
        for status in list {
            let is_dead = status.state == AgentState::Dead;
            assert_eq!(is_dead, status.name == dead, "{status:?}");
        }
    }
    Outcome::Checked
}

/// A send that is dropped at any moment has given the agent all of the text or nothing, at most
/// once, and does not stand in the way of the next.
pub async fn cancelled_send_is_all_or_nothing<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let (agent, transport) = (name("agent"), h.transport());
    let mut sent = HashSet::new();
    for delay in [0, 1, 2, 5, 10, 20, 50, 100, 200, 400] {
        let filler = "all of it or nothing\n".repeat(60);
        let text = format!("{}\n{filler}the end", mark("cancelled"));
        let call = transport.send(&agent, text.as_str().into(), SendOptions::new());
        let outcome = tokio::time::timeout(Duration::from_millis(delay), call).await;
        sent.insert(text);
        if let Ok(Err(error)) = outcome {
            assert!(is_passing(&error), "after a cancelled send: {error}");
        }
        // Half of the time the next send meets what this one left behind.
        if delay % 20 == 0 {
            deliver_one_more(h).await;
        }
    }
    let mut seen = HashSet::new();
    for text in settled(h, &agent).await {
        let known = sent.contains(&text) || text.starts_with("next-");
        assert!(known, "partial or merged: {}", brief(&[text]));
        assert!(seen.insert(text), "taken twice");
    }
    Outcome::Checked
}

async fn deliver_one_more<H: Harness>(h: &H) {
    let (agent, text) = (name("agent"), mark("next"));
    deliver(h, &agent, &text).await;
    taken_when(h, &agent, "the text after a cancelled one", |taken| {
        taken.contains(&text)
    })
    .await;
}

/// With the backend gone every operation is `Unavailable`. `list` above all: an empty list would
/// say that there are no agents.
pub async fn unreachable_backend_is_unavailable<H: Harness>(h: &H) -> Outcome {
    let (agent, transport) = (name("agent"), h.transport());
    let (claims, patience) = (transport.capabilities(), h.quirks().patience);
    h.break_backend().await;
    let began = Instant::now();
    if claims.list {
        let result = transport.list(ListOptions::new()).await;
        assert_eq!(kind_of("list", result), ErrorKind::Unavailable);
    }
    if claims.send {
        let options = SendOptions::new();
        let result = transport.send(&agent, "hello".into(), options).await;
        assert_eq!(kind_of("send", result), ErrorKind::Unavailable);
    }
    if claims.status {
        let result = transport.status(&agent, StatusOptions::new()).await;
        assert_eq!(kind_of("status", result), ErrorKind::Unavailable);
    }
    if claims.tail {
        let result = transport.tail(&agent, TailOptions::new()).await;
        assert_eq!(kind_of("tail", result), ErrorKind::Unavailable);
    }
    assert!(
        began.elapsed() < patience * 2,
        "it takes too long to say so"
    );
    Outcome::Checked
}

/// After `close`, every operation is `Closed`; closing again is allowed.
pub async fn close_then_closed<H: Harness>(h: &H) -> Outcome {
    let (agent, transport) = (name("agent"), h.transport());
    let claims = transport.capabilities();
    for _ in 0..2 {
        transport.close().await.expect("closing goes well, twice");
    }
    if claims.send {
        let options = SendOptions::new();
        let result = transport.send(&agent, "hello".into(), options).await;
        assert_eq!(kind_of("send", result), ErrorKind::Closed);
    }
    if claims.status {
        let result = transport.status(&agent, StatusOptions::new()).await;
        assert_eq!(kind_of("status", result), ErrorKind::Closed);
    }
    if claims.tail {
        let result = transport.tail(&agent, TailOptions::new()).await;
        assert_eq!(kind_of("tail", result), ErrorKind::Closed);
    }
    if claims.list {
        let result = transport.list(ListOptions::new()).await;
        assert_eq!(kind_of("list", result), ErrorKind::Closed);
    }
    let taken = h.taken(&agent).await;
    assert!(taken.is_empty(), "closed, and taken: {}", brief(&taken));
    Outcome::Checked
}
