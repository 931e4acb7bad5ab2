//! Behaviours: status, list and tail tell what is, and long polls end when something changes.

use std::time::{Duration, Instant};

use futures::{StreamExt, pin_mut};

use super::oracle::{deliver, kind_of, mark, name, needs, taken_when};
use super::{AGENTS, Harness, Outcome};
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::error::ErrorKind;
use crate::options::{Cursor, ListOptions, StatusOptions, TailOptions};
use crate::transport::TransportExt;

/// How often output is looked at where the transport has no events.
const GLANCE: Duration = Duration::from_millis(20);

/// How much longer than our patience a poll is asked to last that must end before.
const LONG: Duration = Duration::from_secs(10);

/// An agent that has nothing to do is `Idle`, and its status says what that was read from.
pub async fn status_of_idle<H: Harness>(h: &H) -> Outcome {
    needs!(h, status);
    for agent in AGENTS.map(name) {
        let status = h.transport().status(&agent, StatusOptions::new()).await;
        let status = status.expect("an idle agent has a status");
        assert_eq!(status.name, agent);
        assert_eq!(status.state, AgentState::Idle, "{status:?}");
        demand_honest(h, &status);
    }
    Outcome::Checked
}

fn demand_honest<H: Harness>(h: &H, status: &AgentStatus) {
    assert_eq!(status.transport, h.transport().info().to_string());
    assert!(!status.evidence.is_empty(), "{status:?}");
}

/// A long poll for a change answers when the agent dies, and at its deadline when nothing happens.
pub async fn status_wait_ends_on_change<H: Harness>(h: &H) -> Outcome {
    needs!(h, status, events);
    let (agent, transport, patience) = (name("agent"), h.transport(), h.quirks().patience);
    let short = Duration::from_millis(200);
    let began = Instant::now();
    let options = StatusOptions::new().with_wait(AgentState::Idle, short);
    let status = transport.status(&agent, options).await.expect("idle");
    assert_eq!(status.state, AgentState::Idle, "nothing happened");
    assert!(began.elapsed() >= short, "it did not wait");

    let options = StatusOptions::new().with_wait(AgentState::Idle, patience + LONG);
    let poll = tokio::spawn({
        let agent = agent.clone();
        async move { transport.status(&agent, options).await }
    });
    // Time for the poll to begin; the behaviour does not depend on it.
    tokio::time::sleep(short).await;
    assert!(!poll.is_finished(), "the poll ended without a change");
    h.kill_agent(&agent).await;
    let status = tokio::time::timeout(patience, poll)
        .await
        .expect("the poll ends when the state changes")
        .expect("the poll did not panic")
        .expect("a dead agent still has a status");
    assert_ne!(status.state, AgentState::Idle);
    Outcome::Checked
}

/// A watch tells how the agent is at once, then that it works, then that it is idle again.
pub async fn watch_tells_what_is_and_what_changes<H: Harness>(h: &H) -> Outcome {
    needs!(h, status, events);
    let (agent, transport) = (name("agent"), h.transport());
    let changes = transport.watch(&agent, StatusOptions::new());
    pin_mut!(changes);
    let first = changes.next().await.expect("a state").expect("idle");
    assert_eq!(first.state, AgentState::Idle);
    if !h.make_busy(&agent).await {
        return Outcome::not_applicable("the harness cannot make an agent busy");
    }
    let (mut last, mut finished) = (first.state, false);
    while !(finished && last == AgentState::Idle) {
        let status = changes.next().await.expect("it goes on").expect("a state");
        assert_ne!(status.state, last, "no change");
        last = status.state;
        if !finished && matches!(last, AgentState::Working | AgentState::Queued) {
            h.finish_turn(&agent).await;
            finished = true;
        }
    }
    Outcome::Checked
}

/// Every agent is in the list once, ordered by name, with and without composers read.
pub async fn list_has_every_agent_once_sorted<H: Harness>(h: &H) -> Outcome {
    needs!(h, list);
    for composer in [true, false] {
        let options = ListOptions::new().with_composer(composer);
        let list = h
            .transport()
            .list(options)
            .await
            .expect("the backend is up");
        let names: Vec<&str> = list.iter().map(|status| status.name.as_str()).collect();
        assert_eq!(names, AGENTS);
        for status in &list {
            demand_honest(h, status);
            let fits = match status.state {
                AgentState::Idle => true,
                AgentState::Unknown => !composer,
                _ => false,
            };
            assert!(fits, "an idle agent with composer {composer}: {status:?}");
        }
    }
    Outcome::Checked
}

/// What an agent was told stands in its output, and not in another's.
pub async fn tail_shows_what_was_said<H: Harness>(h: &H) -> Outcome {
    needs!(h, send, tail);
    let (agent, text) = (name("agent"), mark("said"));
    say(h, &agent, &text).await;
    shown(h, &agent, &text).await;
    let others = TailOptions::new();
    let other = h.transport().tail(&name("agent-1"), others).await;
    let lines = other.expect("the other has output as well").lines;
    assert_eq!(occurrences(&lines, &text), 0, "in another's output");
    Outcome::Checked
}

/// Pieces read on from cursor to cursor make up the whole output: nothing is lost, nothing comes
/// twice, unless a piece says `gap`.
pub async fn tail_cursor_continues_without_loss_or_repeat<H: Harness>(h: &H) -> Outcome {
    needs!(h, send, tail, tail_cursor);
    let (agent, transport) = (name("agent"), h.transport());
    let first = transport.tail(&agent, TailOptions::new()).await.unwrap();
    let mut cursor = first.next.expect("a transport with cursors gives one");
    let (mut union, mut gap) = (Vec::new(), false);
    let marks: Vec<String> = (0..6).map(|index| mark(&format!("m{index}"))).collect();
    for text in &marks {
        say(h, &agent, text).await;
        shown(h, &agent, text).await;
        let (next, more, lost) = read_on(h, &agent, cursor, text).await;
        union.extend(more);
        gap |= lost;
        cursor = next;
    }
    if gap {
        return Outcome::not_applicable("the transport lost history, and said so");
    }
    let whole = transport.tail(&agent, TailOptions::new().with_lines(1000));
    let whole = whole.await.unwrap().lines;
    for text in &marks {
        let (pieces, all) = (occurrences(&union, text), occurrences(&whole, text));
        assert!(pieces >= 1, "{text} was lost: {union:?}");
        assert_eq!(pieces, all, "{text}: {union:?} instead of {whole:?}");
    }
    Outcome::Checked
}

/// Reads on until `text` is there: the next cursor, the lines, and whether any were lost.
async fn read_on<H: Harness>(
    h: &H,
    agent: &AgentName,
    mut cursor: Cursor,
    text: &str,
) -> (Cursor, Vec<String>, bool) {
    let transport = h.transport();
    let (deadline, mut lines) = (Instant::now() + h.quirks().patience, Vec::new());
    loop {
        let mut options = TailOptions::new().with_cursor(cursor);
        if transport.capabilities().events {
            options = options.with_wait(Duration::from_secs(1));
        }
        let tail = transport.tail(agent, options).await.expect("a piece");
        lines.extend(tail.lines);
        cursor = tail.next.expect("a transport with cursors gives one");
        if tail.gap || occurrences(&lines, text) > 0 {
            return (cursor, lines, tail.gap);
        }
        assert!(Instant::now() < deadline, "{text} was lost: {lines:?}");
        tokio::time::sleep(GLANCE).await;
    }
}

/// No more lines come than were asked for, and the newest without a cursor.
pub async fn tail_limits_lines<H: Harness>(h: &H) -> Outcome {
    needs!(h, send, tail);
    let (agent, transport) = (name("agent"), h.transport());
    for index in 0..4 {
        let text = mark(&format!("line{index}"));
        say(h, &agent, &text).await;
        shown(h, &agent, &text).await;
    }
    for most in [1, 2, 3] {
        let options = TailOptions::new().with_lines(most);
        let lines = transport.tail(&agent, options).await.unwrap().lines;
        assert!(lines.len() <= most, "{most} at most: {lines:?}");
        assert!(!lines.is_empty(), "there is output");
    }
    Outcome::Checked
}

/// A cursor that another transport made is `InvalidArgument`.
pub async fn foreign_cursor_is_invalid_argument<H: Harness>(h: &H) -> Outcome {
    needs!(h, tail, tail_cursor);
    for foreign in ["somebody:else:made:7", "0", "18446744073709551616", "%1"] {
        let options = TailOptions::new().with_cursor(Cursor::parse(foreign).unwrap());
        let result = h.transport().tail(&name("agent"), options).await;
        let kind = kind_of("a foreign cursor", result);
        assert_eq!(kind, ErrorKind::InvalidArgument, "{foreign}");
    }
    Outcome::Checked
}

async fn say<H: Harness>(h: &H, agent: &AgentName, text: &str) {
    deliver(h, agent, text).await;
    taken_when(h, agent, text, |taken| taken.iter().any(|t| t == text)).await;
}

/// Waits until the agent's output shows `text`.
async fn shown<H: Harness>(h: &H, agent: &AgentName, text: &str) {
    let deadline = Instant::now() + h.quirks().patience;
    loop {
        let options = TailOptions::new().with_lines(1000);
        let lines = h.transport().tail(agent, options).await.unwrap().lines;
        if occurrences(&lines, text) > 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{text} never showed: {lines:?}");
        tokio::time::sleep(GLANCE).await;
    }
}

fn occurrences(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}
