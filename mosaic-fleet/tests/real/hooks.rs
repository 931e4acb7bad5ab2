//! Programs that `runtime install` has set up: their own word is the proof. And a person's draft
//! that the program puts away for a text.

use std::process::Command;

use mosaic_fleet::{AgentState, EvidenceKind, Verdict};
use serde_json::json;

use crate::program::{Launch, Program};
use crate::stage::Stage;

/// Sets the program up in its home as a person does.
fn install(program: Program, home: &std::path::Path) {
    let command = std::env::var_os("MOSAIC_FLEET");
    let command = command.expect("MOSAIC_FLEET names no built command: run `make test-real`");
    let mut install = Command::new(command);
    install.args(["runtime", "install", program.name()]);
    install.env_clear().env("HOME", home);
    let done = install.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Texts and a reset, idle and busy, by the program's own word; then its log is gone.
pub(crate) async fn told(program: Program) {
    let stage = Stage::set_up(program, Launch::Wrapped, json!({}), install).await;
    stage.idle().await;
    for text in ["one", "two\nlines; with 'quotes' and 中文 🎉", "one"] {
        stage.idle().await;
        let receipt = stage.send(text).await.unwrap();
        let proof = (receipt.verdict, receipt.evidence.kind);
        assert_eq!(
            proof,
            (Verdict::Submitted, EvidenceKind::Hook),
            "{receipt:?}"
        );
        stage.told(text).await;
    }
    stage.idle().await;
    stage.model.hold();
    let first = stage.send("keep busy").await.unwrap();
    assert_eq!(first.evidence.kind, EvidenceKind::Hook, "{first:?}");
    stage.state(AgentState::Working).await;
    let held = stage.send("for later").await.unwrap();
    let proof = (held.verdict, held.evidence.kind);
    assert_eq!(proof, (Verdict::Queued, EvidenceKind::Hook), "{held:?}");
    stage.model.release();
    stage.told("for later").await;
    stage.idle().await;
    let report = stage.reset().await.unwrap();
    assert_eq!(report.evidence.kind, EvidenceKind::Hook, "{report:?}");
    let receipt = stage.send("after the reset").await.unwrap();
    assert_eq!(receipt.evidence.kind, EvidenceKind::Hook, "{receipt:?}");
    stage.told("after the reset").await;
    stage.idle().await;
    std::fs::remove_dir_all(stage.event_log().parent().unwrap()).unwrap();
    let receipt = stage.send("without a log").await.unwrap();
    let proof = (receipt.verdict, receipt.evidence.kind);
    assert_eq!(
        proof,
        (Verdict::Submitted, EvidenceKind::Screen),
        "{receipt:?}"
    );
    stage.told("without a log").await;
}

/// A person's half a sentence is put away for the text, and is there again after it.
pub(crate) async fn draft_put_away(program: Program) {
    let stage = Stage::ready(program, Launch::Direct).await;
    stage.press(&["-l", "half a thought"]);
    stage.shows("half a thought").await;
    for text in ["from the fleet", "and once more"] {
        let receipt = stage.send(text).await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        stage.told(text).await;
        stage.shows("half a thought").await;
    }
    let told = stage.model.all();
    if told
        .iter()
        .flatten()
        .any(|text| text.contains("half a thought"))
    {
        stage.fail("the draft was submitted");
    }
}
