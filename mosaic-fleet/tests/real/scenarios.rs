//! What must hold for every program: exactly once, byte for byte, and said truly.

use std::time::{Duration, Instant};

use mosaic_fleet::{Receipt, Refusal, SendOptions, Transport, Verdict};

use crate::program::{Launch, Program};
use crate::stage::{LIMIT, Stage, short};
use crate::texts::{mark, taken, text};

/// Messages between two resets, so that no conversation grows without end.
const BATCH: usize = 10;

/// Messages to one busy turn.
const A_TURN: usize = 5;

/// How many messages a scenario sends: `usual`, or what `variable` says for a shorter run.
fn count(variable: &str, usual: usize) -> usize {
    let count = std::env::var(variable).ok();
    count.and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// What was sent and what its receipt said.
struct Sent {
    mark: String,
    /// As the model must have been told it.
    text: String,
    elapsed: Duration,
}

/// Sends text `number`, and checks that the receipt says what is wanted. Nothing if the program
/// would not take the text and it was rightly refused.
async fn send(stage: &Stage, series: &str, number: usize, wanted: &[Verdict]) -> Option<Sent> {
    let text = text(series, number);
    let began = Instant::now();
    let receipt: Receipt = match stage.send(&text).await {
        Ok(receipt) => receipt,
        Err(error) if text.ends_with('\\') && error.refusal() == Some(Refusal::UnsafeText) => {
            return None;
        }
        Err(error) => stage.fail(&format!("{number} {}: {error:#}", short(&text))),
    };
    if !wanted.contains(&receipt.verdict) {
        stage.fail(&format!("{number} {}: {receipt:?}", short(&text)));
    }
    Some(Sent {
        mark: mark(series, number),
        text: taken(&text, &receipt),
        elapsed: began.elapsed(),
    })
}

/// The last conversation has every text exactly once, in order and byte for byte.
fn check(stage: &Stage, sent: &[Sent]) {
    let told = stage.model.last();
    let mut at = 0;
    for sent in sent {
        let with: Vec<_> = told
            .iter()
            .enumerate()
            .filter(|(_, told)| told.contains(&sent.mark))
            .collect();
        let [(place, found)] = with[..] else {
            stage.fail(&format!("{} was told {} times", sent.mark, with.len()));
        };
        // Claude joins what it held back with line ends.
        let held = stage.program == Program::Claude && found.strip_suffix('\n') == Some(&sent.text);
        if *found != sent.text && !held {
            let differs = found.chars().zip(sent.text.chars());
            let differs = differs.take_while(|(a, b)| a == b).count();
            let rest = |text: &str| short(&text.chars().skip(differs).collect::<String>());
            stage.fail(&format!(
                "{} was changed at {differs}: told {}, sent {}",
                sent.mark,
                rest(found),
                rest(&sent.text)
            ));
        }
        if place < at {
            stage.fail(&format!("{} came out of order", sent.mark));
        }
        at = place;
    }
}

/// No conversation has a text of this series that was refused.
fn check_unseen(stage: &Stage, series: &str, number: usize) {
    let mark = mark(series, number);
    let seen = stage.model.all();
    if seen.iter().flatten().any(|text| text.contains(&mark)) {
        stage.fail(&format!("{mark} was refused, and the model was told it"));
    }
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Sends to the idle agent, with a reset now and then.
async fn deliver_idle(stage: &Stage, series: &str, messages: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut refused = Vec::new();
    for begin in (0..messages).step_by(BATCH) {
        if begin > 0
            && let Err(error) = stage.reset().await
        {
            stage.fail(&format!("reset: {error:#}"));
        }
        let mut batch = Vec::new();
        for number in begin..messages.min(begin + BATCH) {
            // Only the first after a reset goes at once: that is where texts are lost.
            if number > begin {
                stage.idle().await;
            }
            match send(stage, series, number, &[Verdict::Submitted]).await {
                Some(sent) => {
                    stage.told(&sent.text).await;
                    times.push(sent.elapsed);
                    batch.push(sent);
                }
                None => refused.push(number),
            }
        }
        stage.idle().await;
        check(stage, &batch);
    }
    for number in refused {
        check_unseen(stage, series, number);
    }
    times
}

/// Texts to an idle agent.
pub(crate) async fn idle(program: Program) {
    let usual = if program == Program::Gemini { 20 } else { 50 };
    let messages = count("MOSAIC_REAL_IDLE", usual);
    let stage = Stage::ready(program, Launch::Direct).await;
    let times = deliver_idle(&stage, "idle", messages).await;
    report(program, "idle", &times, messages);
}

/// The same under a parent that stays.
pub(crate) async fn wrapped(program: Program) {
    let messages = count("MOSAIC_REAL_IDLE", 12).min(12);
    let stage = Stage::ready(program, Launch::Wrapped).await;
    let times = deliver_idle(&stage, "wrap", messages).await;
    report(program, "idle, under a wrapper", &times, messages);
}

/// Texts to an agent at work: held for after the turn, and said to be.
pub(crate) async fn busy(program: Program) {
    let messages = count("MOSAIC_REAL_BUSY", 20);
    let stage = Stage::ready(program, Launch::Direct).await;
    let mut times = Vec::new();
    for begin in (0..messages).step_by(A_TURN) {
        let opener = format!("keep busy {begin}");
        stage.model.hold();
        if let Err(error) = stage.send(&opener).await {
            stage.fail(&format!("{opener}: {error:#}"));
        }
        stage.told(&opener).await;
        let mut held = Vec::new();
        for number in begin..messages.min(begin + A_TURN) {
            if let Some(sent) = send(&stage, "busy", number, &[Verdict::Queued]).await {
                times.push(sent.elapsed);
                held.push(sent);
            }
        }
        stage.model.release();
        for sent in &held {
            stage.told(&sent.text).await;
        }
        stage.idle().await;
        check(&stage, &held);
    }
    report(program, "busy", &times, messages);
}

fn report(program: Program, what: &str, times: &[Duration], messages: usize) {
    eprintln!(
        "{} {what}: {} of {messages} delivered once and exactly, the rest refused untyped; receipt \
         after {:.2?} (median), {:.2?} (most)",
        program.name(),
        times.len(),
        median(times.to_vec()),
        times.iter().max().copied().unwrap_or_default(),
    );
}

/// A text sent as soon as the reset is reported arrives, and only it.
pub(crate) async fn reset(program: Program) {
    let rounds = count("MOSAIC_REAL_RESETS", 6);
    let stage = Stage::ready(program, Launch::Direct).await;
    if let Err(error) = stage.send("before all resets").await {
        stage.fail(&format!("the first: {error:#}"));
    }
    stage.told("before all resets").await;
    for round in 0..rounds {
        stage.idle().await;
        if let Err(error) = stage.reset().await {
            stage.fail(&format!("reset {round}: {error:#}"));
        }
        let after = format!("after reset {round}");
        if let Err(error) = stage.send(&after).await {
            stage.fail(&format!("after reset {round}: {error:#}"));
        }
        stage.told(&after).await;
        let told = stage.model.last();
        if told.iter().any(|text| text.contains("before all resets"))
            || (round > 0 && told.contains(&format!("after reset {}", round - 1)))
        {
            stage.fail(&format!("reset {round} was reported and not done"));
        }
    }
}

/// A person's half a sentence is left as it is.
pub(crate) async fn draft(program: Program) {
    let stage = Stage::ready(program, Launch::Direct).await;
    stage.press(&["-l", "half a thought"]);
    stage.shows("half a thought").await;
    let error = stage.send("from the fleet").await.unwrap_err();
    if error.refusal() != Some(Refusal::Draft) {
        stage.fail(&format!("a draft, and the send says {error:#}"));
    }
    stage.shows("half a thought").await;
    if !stage.model.all().is_empty() || stage.screen().contains("from the fleet") {
        stage.fail("something was submitted");
    }
}

/// A text sent before the program has drawn anything waits for it.
pub(crate) async fn start_up(program: Program) {
    let stage = Stage::start(program, Launch::Direct).await;
    let early = SendOptions::new().with_wait(LIMIT).with_timeout(LIMIT);
    if let Err(error) = stage.send_with("first of all", early).await {
        stage.fail(&format!("at start-up: {error:#}"));
    }
    stage.told("first of all").await;
    if let Err(error) = stage.send("and then").await {
        stage.fail(&format!("after the first: {error:#}"));
    }
    stage.told("and then").await;
    let told = stage.model.last();
    let count = |text: &str| told.iter().filter(|told| *told == text).count();
    if (count("first of all"), count("and then")) != (1, 1) {
        stage.fail("not once each");
    }
}

/// Somebody scrolled back and went away.
pub(crate) async fn copy_mode(program: Program) {
    let stage = Stage::ready(program, Launch::Direct).await;
    for round in 0..3 {
        stage.idle().await;
        stage.fixture.scroll_back("coder0").await.unwrap();
        let text = format!("to the reader {round}\nsecond line;");
        if let Err(error) = stage.send(&text).await {
            stage.fail(&format!("in copy mode: {error:#}"));
        }
        stage.told(&text).await;
    }
}

/// Two senders at once: both arrive, unmixed.
pub(crate) async fn two_senders(program: Program) {
    let stage = Stage::ready(program, Launch::Direct).await;
    let rounds = count("MOSAIC_REAL_RESETS", 5);
    let other = stage.fixture.one_shot();
    for round in 0..rounds {
        let texts = ["left", "right"].map(|side| format!("{side} {round} says\nthis; and that"));
        let options = || SendOptions::new().with_timeout(LIMIT);
        let message = mosaic_fleet::Message::new(&*texts[1]);
        let agent = Stage::agent();
        let (left, right) = tokio::join!(
            stage.send(&texts[0]),
            other.send(&agent, message, options())
        );
        for receipt in [left, right] {
            if let Err(error) = receipt {
                stage.fail(&format!("two at once: {error:#}"));
            }
        }
        for text in &texts {
            stage.told(text).await;
        }
        stage.idle().await;
        let told = stage.model.last();
        for text in &texts {
            if told.iter().filter(|told| told.trim() == text).count() != 1 {
                stage.fail(&format!("{text:?} not once"));
            }
        }
    }
}

/// The old way, for comparison: paste, half a second, Enter, 1.2 seconds. Judges nothing.
pub(crate) async fn fixed_sleeps(program: Program) {
    let messages = count("MOSAIC_REAL_IDLE", 12).min(12);
    let stage = Stage::ready(program, Launch::Direct).await;
    let mut times = Vec::new();
    let mut arrived = 0;
    for number in 0..messages {
        let text = text("slept", number);
        let file = stage.file("slept.txt");
        std::fs::write(&file, &text).unwrap();
        let began = Instant::now();
        let file = file.display().to_string();
        stage
            .fixture
            .tmux_text(&["load-buffer", "-b", "slept", &file])
            .unwrap();
        let paste = ["paste-buffer", "-p", "-d", "-b", "slept", "-t", "=coder0:"];
        stage.fixture.tmux_text(&paste).unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        stage.press(&["Enter"]);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        times.push(began.elapsed());
        let mark = mark("slept", number);
        let told = stage.model.last();
        let spaced = text.replace('\t', "    ");
        let is_exact = |told: &str| [text.trim(), spaced.trim()].contains(&told.trim());
        let with = told.iter().filter(|told| told.contains(&mark));
        arrived += usize::from(with.map(|told| is_exact(told)).eq([true]));
    }
    eprintln!(
        "{} with fixed sleeps: {arrived} of {messages} once and exactly at the end of the sleep; \
         {:.2?} each (median)",
        program.name(),
        median(times),
    );
}
