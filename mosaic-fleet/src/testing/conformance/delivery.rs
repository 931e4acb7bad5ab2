//! Behaviours: texts arrive, once, whole, at the right agent, and the receipt tells the truth.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;

use super::oracle::{
    agents, brief, deliver, demand_same, demand_verdict, kind_of, mark, name, needs, receipt_of,
    send, send_on, settled, taken_when, took,
};
use super::{Harness, Outcome};
use crate::agent::{AgentName, AgentState};
use crate::error::{ErrorKind, Refusal};
use crate::layer;
use crate::message::{Message, Receipt, Sender, Verdict};
use crate::options::{SendOptions, StatusOptions};

/// Three texts, two of them equal, are taken in order, each once.
pub async fn delivers_exactly_once<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let texts = [mark("first"), mark("second")];
    let sent = [&texts[0], &texts[1], &texts[0]];
    for text in sent {
        deliver(h, &agent, text).await;
    }
    took(h, &agent, &sent).await;
    Outcome::Checked
}

/// A text of several lines, with an empty and an indented one, is one message.
pub async fn delivers_multi_line<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let text = format!("{}\n\n    indented\nthe last line", mark("lines"));
    deliver(h, &agent, &text).await;
    took(h, &agent, &[text]).await;
    Outcome::Checked
}

/// 100 KB arrive whole; beyond `max_message_bytes`, nothing does and it is `InvalidArgument`.
pub async fn delivers_100_kb<H: Harness>(h: &H) -> Outcome {
    delivers_large(h, 100_000).await
}

/// 1 MB, as [`delivers_100_kb`].
pub async fn delivers_1_mb<H: Harness>(h: &H) -> Outcome {
    delivers_large(h, 1_000_000).await
}

async fn delivers_large<H: Harness>(h: &H, bytes: usize) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let text = numbered_lines(bytes);
    match h.transport().capabilities().max_message_bytes {
        Some(limit) if limit < bytes as u64 => {
            let checked = layer::standard(h.transport());
            let result = checked.send(&agent, text.into(), SendOptions::new()).await;
            let kind = kind_of("a text beyond the limit", result);
            assert_eq!(kind, ErrorKind::InvalidArgument);
            let nothing: [&str; 0] = [];
            took(h, &agent, &nothing).await;
            Outcome::not_applicable(format!(
                "max_message_bytes is {limit}; that {bytes} are refused was checked"
            ))
        }
        _ => {
            deliver(h, &agent, &text).await;
            took(h, &agent, &[text]).await;
            Outcome::Checked
        }
    }
}

/// Lines that differ, so that a lost or repeated piece shows.
fn numbered_lines(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 80);
    let mut line = 0;
    while text.len() < bytes {
        text.push_str(&format!("line {line}: the quick brown fox jumps over it\n"));
        line += 1;
    }
    text.truncate(bytes);
    let trimmed = text.trim_end().len();
    text.truncate(trimmed);
    text
}

/// `agent`, `agent0`, `agent-1` and `agent-10` each get their own text and no other.
pub async fn look_alike_names_get_only_their_own<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let texts = agents().map(|agent| mark(agent.as_str()));
    for (agent, text) in agents().iter().zip(&texts) {
        deliver(h, agent, text).await;
    }
    for (agent, text) in agents().iter().zip(&texts) {
        took(h, agent, &[text]).await;
    }
    Outcome::Checked
}

/// Two senders with ten texts of several lines each: every text arrives once, none merged with
/// another, and each sender's in the order it sent them.
pub async fn two_senders_at_once_both_arrive_whole<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let mine = texts("mine", 10);
    let theirs = texts("theirs", 10);
    let (first, second) = tokio::join!(
        tokio::spawn(send_all(h, &agent, &mine)),
        tokio::spawn(send_all(h, &agent, &theirs)),
    );
    first.expect("the first sender failed");
    second.expect("the second sender failed");
    let taken = settled(h, &agent).await;
    for sent in [&mine, &theirs] {
        let arrived: Vec<&String> = taken.iter().filter(|text| sent.contains(text)).collect();
        assert_eq!(arrived, sent.iter().collect::<Vec<_>>());
    }
    assert_eq!(taken.len(), 20, "something else came: {}", brief(&taken));
    Outcome::Checked
}

/// Five texts to each of the four agents, all four senders at once: nobody gets another's.
pub async fn senders_to_all_agents_at_once<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let work: Vec<(AgentName, Vec<String>)> = agents()
        .into_iter()
        .map(|agent| (agent.clone(), texts(agent.as_str(), 5)))
        .collect();
    let senders = work
        .iter()
        .map(|(agent, texts)| tokio::spawn(send_all(h, agent, texts)));
    for sender in join_all(senders).await {
        sender.expect("a sender failed");
    }
    for (agent, texts) in &work {
        took(h, agent, texts).await;
    }
    Outcome::Checked
}

fn texts(purpose: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|index| {
            let mark = mark(purpose);
            format!("{mark} {index} begins\nits middle\n{mark} ends")
        })
        .collect()
}

/// Sends texts one after the other; owns all it needs.
fn send_all<H: Harness>(
    h: &H,
    agent: &AgentName,
    texts: &[String],
) -> impl Future<Output = ()> + Send + 'static {
    let (transport, patience) = (h.transport(), h.quirks().patience);
    let (agent, texts) = (agent.clone(), texts.to_vec());
    async move {
        for text in texts {
            let message = Message::new(text);
            let options = SendOptions::new();
            let sent = send_on(transport.clone(), patience, agent.clone(), message, options);
            let receipt = sent.await.unwrap_or_else(|error| panic!("{error}"));
            demand_verdict(&transport, &receipt);
        }
    }
}

/// A named sender becomes one preamble, `[host:session -> host:agent] `, before the text.
pub async fn preamble_is_rendered_once<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent-1");
    let body = format!("/{} is no command here\nsecond line", mark("body"));
    let from = Sender::new("vm", "orchestrator").unwrap();
    let message = Message::new(body.clone()).with_sender(from);
    let _ = send(h, &agent, message, SendOptions::new())
        .await
        .expect("behind a preamble a text does not begin with a command");
    let taken = settled(h, &agent).await;
    assert_eq!(taken.len(), 1, "{}", brief(&taken));
    let (preamble, rest) = taken[0].split_once("] ").expect("a preamble");
    demand_same("the text behind the preamble", rest, &body);
    let to = preamble.strip_prefix("[vm:orchestrator -> ");
    let (host, session) = to.and_then(|to| to.split_once(':')).expect("a preamble");
    assert!(!host.is_empty() && session == "agent-1", "{preamble:?}");
    Outcome::Checked
}

/// A receipt has an id of its own and says who, through what, with which evidence, when and how
/// long.
pub async fn receipt_is_complete<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent0");
    let (mut ids, before) = (HashSet::new(), SystemTime::now());
    for _ in 0..2 {
        let began = Instant::now();
        let receipt = receipt_of(h, &agent, &mark("receipt")).await;
        assert!(!receipt.id.as_str().is_empty());
        assert_eq!(receipt.agent, agent);
        assert_eq!(receipt.transport, h.transport().info().to_string());
        assert!(!receipt.evidence.detail.is_empty(), "evidence says what");
        assert!(receipt.normalised.is_empty(), "{:?}", receipt.normalised);
        assert!(receipt.elapsed <= began.elapsed() + Duration::from_millis(1));
        // A clock may have coarse ticks, and a receipt may come back through JSON.
        let tick = Duration::from_millis(20);
        assert!(receipt.sent_at + tick >= before, "sent before the call");
        assert!(receipt.sent_at <= SystemTime::now() + tick, "sent later");
        ids.insert(receipt.id);
    }
    assert_eq!(ids.len(), 2, "each send has an id of its own");
    Outcome::Checked
}

/// A busy agent holds the text for after its turn (`Queued`, once, and `outcome` learns of it), or
/// it is refused and never arrives; never a plain "submitted" or nothing at all.
pub async fn busy_agent_queues_or_refuses<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let (agent, transport, patience) = (name("agent"), h.transport(), h.quirks().patience);
    if !h.make_busy(&agent).await {
        return Outcome::not_applicable("the harness cannot make an agent busy");
    }
    let claims = transport.capabilities();
    if claims.status {
        let status = transport.status(&agent, StatusOptions::new()).await;
        let state = status.expect("a busy agent has a status").state;
        let busy = matches!(state, AgentState::Working | AgentState::Queued);
        assert!(busy, "a busy agent is told as {state}");
    }
    let text = mark("meanwhile");
    let options = SendOptions::new().with_timeout(patience);
    let result = transport.send(&agent, text.as_str().into(), options).await;
    let before = h.taken(&agent).await;
    h.finish_turn(&agent).await;
    match result {
        Ok(receipt) => {
            match receipt.verdict {
                Verdict::Queued => assert!(claims.queue, "queueing is not claimed"),
                Verdict::Accepted => {}
                verdict => panic!("{verdict} while the agent is busy"),
            }
            let there = |taken: &[String]| taken.contains(&text);
            taken_when(h, &agent, "what it had queued", there).await;
            demand_outcome(h, &receipt).await;
            let taken = settled(h, &agent).await;
            let times = taken.iter().filter(|taken| **taken == text).count();
            assert_eq!(times, 1, "{}", brief(&taken));
        }
        Err(error) => {
            let refusal = error.refusal();
            let said = matches!(refusal, Some(Refusal::Busy | Refusal::NotReady));
            assert!(said, "a busy agent's refusal says so: {error}");
            assert!(!before.contains(&text), "refused, and taken");
            assert!(!settled(h, &agent).await.contains(&text), "refused, taken");
        }
    }
    Outcome::Checked
}

/// A transport that keeps outcomes learns that the queued text was taken.
async fn demand_outcome<H: Harness>(h: &H, receipt: &Receipt) {
    let deadline = Instant::now() + h.quirks().patience;
    loop {
        match h.transport().outcome(&receipt.id).await {
            Ok(now) if now.verdict == Verdict::Submitted => {
                assert_eq!(now.id, receipt.id);
                return;
            }
            Ok(now) => assert!(
                Instant::now() < deadline,
                "taken, and still {}",
                now.verdict
            ),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
