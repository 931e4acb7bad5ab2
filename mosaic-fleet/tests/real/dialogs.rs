//! Questions that the submit key would answer: whatever a send does, nothing is approved.

use mosaic_fleet::{
    AgentState, Answer, AnswerOptions, Refusal, Result, Stage as At, Transport, Verdict,
};
use serde_json::{Value, json};

use crate::program::{Launch, Program};
use crate::stage::Stage;

/// The file that an approved command makes.
const MADE: &str = "approved.txt";

/// Long enough for a question to open after the text is drawn and before the key.
const GAP: u64 = 4000;

async fn stage(program: Program, changes: Value) -> Stage {
    let stage = Stage::start_with(program, Launch::Direct, changes).await;
    stage.idle().await;
    stage
}

async fn must_send(stage: &Stage, text: &str) {
    if let Err(error) = stage.send(text).await {
        stage.fail(&format!("{text:?}: {error:#}"));
    }
    stage.told(text).await;
}

fn must_not_be_approved(stage: &Stage) {
    if stage.file(MADE).exists() {
        stage.fail("the question was answered: its command ran");
    }
}

/// A question is open before the send.
pub(crate) async fn open(program: Program) {
    let stage = stage(program, json!({})).await;
    let made = stage.file(MADE).display().to_string();
    stage.model.ask_for(&format!("touch {made}"));
    must_send(&stage, "make the file").await;
    stage.state(AgentState::Waiting).await;
    for _ in 0..3 {
        match stage.send("what a person did not say").await {
            Err(error) if error.refusal() == Some(Refusal::Dialog) => {}
            other => stage.fail(&format!("a question is open, and the send says {other:?}")),
        }
    }
    must_not_be_approved(&stage);
    stage.press(&["Escape"]);
    stage.idle().await;
    must_send(&stage, "and now something else").await;
    must_not_be_approved(&stage);
    let told = stage.model.last();
    if told.iter().any(|text| text.contains("did not say")) {
        stage.fail("a refused text was submitted");
    }
}

/// A question is denied, and one is approved, on purpose.
pub(crate) async fn answered(program: Program) {
    let stage = stage(program, json!({})).await;
    let made = stage.file(MADE).display().to_string();
    for approve in [false, true] {
        stage.model.ask_for(&format!("touch {made}"));
        must_send(&stage, if approve { "make it" } else { "try to make it" }).await;
        stage.state(AgentState::Waiting).await;
        let answer = if approve {
            Answer::choice(1).unwrap()
        } else {
            Answer::Deny
        };
        let (agent, options) = (Stage::agent(), AnswerOptions::new());
        if let Err(error) = stage.transport.answer(&agent, answer, options).await {
            stage.fail(&format!("approve: {approve}: {error:#}"));
        }
        if approve {
            stage.until("approved", || stage.file(MADE).exists()).await;
        } else {
            stage.idle().await;
            must_not_be_approved(&stage);
        }
    }
}

/// Has a question open while a text of ours is in the composer and its key is still to come.
async fn opens_in_the_gap(stage: &Stage) -> Result<Verdict> {
    let made = stage.file(MADE).display().to_string();
    stage.model.ask_for(&format!("touch {made}"));
    stage.model.hold();
    must_send(stage, "make the file").await;
    let asked = stage.model.asked().0;
    let sending = stage.send("typed just before");
    let opening = async {
        stage.shows("typed just before").await;
        stage.model.release();
        stage.shows(MADE).await;
    };
    let (sent, ()) = tokio::join!(sending, opening);
    must_not_be_approved(stage);
    if stage.model.asked().0 != asked {
        stage.fail("the conversation went on although the question is open");
    }
    sent.map(|receipt| receipt.verdict)
}

/// A question opens between the paste and the key.
pub(crate) async fn opens_after_the_paste(program: Program) {
    let stage = stage(program, json!({"submit": {"gap_ms": GAP}})).await;
    match opens_in_the_gap(&stage).await {
        Err(error) if error.stage() == Some(At::Pasted) => {}
        other => stage.fail(&format!("the key was to be withheld: {other:?}")),
    }
}

/// The same with a private key and no look for questions at all: the key itself is harmless.
pub(crate) async fn opens_before_a_private_key(program: Program) {
    let mut changes = program.private_key();
    changes["submit"]["gap_ms"] = json!(GAP);
    changes["dialog"] = json!([]);
    let stage = stage(program, changes).await;
    if let Ok(verdict @ (Verdict::Submitted | Verdict::Queued)) = opens_in_the_gap(&stage).await {
        stage.fail(&format!(
            "a question covers the composer, and the send says {verdict:?}"
        ));
    }
    // If the engine itself pressed none, the key is harmless all the same.
    stage.press(&program_key(program));
    must_not_be_approved(&stage);
    stage.press(&["Escape"]);
    stage.idle().await;
    must_not_be_approved(&stage);
}

fn program_key(program: Program) -> Vec<&'static str> {
    match program {
        Program::Claude => vec!["C-x", "C-y"],
        _ => vec!["F12"],
    }
}

/// The private key submits, at rest and at work.
pub(crate) async fn private_key(program: Program) {
    let stage = stage(program, program.private_key()).await;
    let tail = if program == Program::Claude {
        "\\"
    } else {
        ";"
    };
    for round in 0..3 {
        stage.idle().await;
        must_send(&stage, &format!("by its own key {round}\nand{tail}")).await;
    }
    stage.idle().await;
    stage.model.hold();
    must_send(&stage, "keep busy").await;
    let held = format!("held\nfor later{tail}");
    match stage.send(&held).await {
        Ok(receipt) if receipt.verdict == Verdict::Queued => {}
        other => stage.fail(&format!("at work: {other:?}")),
    }
    stage.model.release();
    stage.told(&held).await;
}
