//! Answers on tmux: the right key on the right question, and none on anything else.

use mosaic_fleet::testing::scripted_agent::{By, Entry, Script};
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{
    AgentState, Answer, AnswerOptions, AnswerReport, ErrorKind, Refusal, Result, Stage, Transport,
    TransportExt, Verdict,
};

use super::{agent_with, fixture, name, refusal, send, with_agent};

async fn answer(fixture: &TmuxFixture, answer: Answer) -> Result<AnswerReport> {
    let options = AnswerOptions::new();
    let transport = fixture.one_shot();
    transport.answer(&name("coder0"), answer, options).await
}

fn answered(fixture: &TmuxFixture) -> Vec<(u8, By)> {
    let log = fixture.log("coder0").unwrap().into_iter();
    let chosen = |entry| match entry {
        Entry::DialogAnswered { choice, by } => Some((choice, by)),
        _ => None,
    };
    log.filter_map(chosen).collect()
}

/// An agent that asks, with three choices.
async fn asking(vices: impl FnOnce(&mut Script)) -> TmuxFixture {
    let script = agent_with(|script| {
        script.dialog_at_start = true;
        script.dialog_choices = ["Yes", "Yes, and don't ask again; #{pid} $(x)", "No"]
            .map(str::to_owned)
            .to_vec();
        vices(script);
    });
    let fixture = fixture();
    fixture.start("coder0", &script).await.unwrap();
    let transport = fixture.one_shot();
    let minute = std::time::Duration::from_secs(60);
    transport
        .wait_until(&name("coder0"), &[AgentState::Waiting], minute)
        .await
        .unwrap();
    fixture
}

#[tokio::test]
async fn each_choice_is_taken_once_in_both_styles() {
    for (boxed, reply, chosen, words) in [
        (false, Answer::Choice(1), 1, "1. Yes"),
        (
            true,
            Answer::Choice(2),
            2,
            "2. Yes, and don't ask again; #{pid} $(x)",
        ),
        (false, Answer::Choice(3), 3, "3. No"),
        (true, Answer::Deny, 3, "deny"),
    ] {
        let fixture = asking(|script| {
            if boxed {
                script.style = Script::boxed().style;
            }
        })
        .await;
        let report = answer(&fixture, reply).await.unwrap();
        assert_eq!(report.answer, words);
        assert_eq!(report.question, "Do you want to proceed?");
        assert_eq!(answered(&fixture), [(chosen, By::Key)]);
        fixture.ready("coder0").await.unwrap();
        let receipt = send(&fixture, "go on").await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Submitted);
        assert_eq!(fixture.took("coder0").unwrap(), ["go on"]);
    }
}

#[tokio::test]
async fn an_agent_that_asks_nothing_gets_no_key() {
    for script in [Script::new(), Script::boxed()] {
        let fixture = with_agent(&script).await;
        // Its words alone, in what was said, are no question.
        let _ = send(&fixture, "Permission required, 1. Yes").await.unwrap();
        for reply in [Answer::Choice(1), Answer::Deny] {
            let error = answer(&fixture, reply).await.unwrap_err();
            assert_eq!(refusal(&error), Refusal::NoQuestion, "{error}");
        }
        assert!(super::composer(&fixture).contains('❯'));
        assert_eq!(send(&fixture, "next").await.unwrap().attempts, 1);
        let took = fixture.took("coder0").unwrap();
        assert_eq!(took, ["Permission required, 1. Yes", "next"]);
    }
}

#[tokio::test]
async fn a_choice_that_is_not_there_is_told_with_those_that_are() {
    let fixture = asking(|_| {}).await;
    let error = answer(&fixture, Answer::Choice(4)).await.unwrap_err();
    assert_eq!(refusal(&error), Refusal::NoQuestion);
    assert!(
        error.message().contains("1. Yes") && error.message().contains("3. No"),
        "{error}"
    );
    let error = answer(&fixture, Answer::Choice(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(answered(&fixture).is_empty());
}

#[tokio::test]
async fn a_question_is_answered_in_copy_mode_and_only_if_it_is_the_expected_one() {
    let fixture = asking(|_| {}).await;
    fixture.scroll_back("coder0").await.unwrap();
    let transport = fixture.one_shot();
    let coder = name("coder0");
    let other = AnswerOptions::new().with_expect("remove everything");
    let refused = transport.answer(&coder, Answer::Choice(1), other).await;
    assert_eq!(refusal(&refused.unwrap_err()), Refusal::NoQuestion);
    assert!(answered(&fixture).is_empty());
    // What it is about counts as well as the question itself.
    let same = AnswerOptions::new().with_expect("run a command");
    transport
        .answer(&coder, Answer::Choice(1), same)
        .await
        .unwrap();
    assert_eq!(answered(&fixture), [(1, By::Key)]);
}

#[tokio::test]
async fn a_key_without_effect_is_pressed_once_and_said_to_be_unknown() {
    let fixture = asking(|script| script.dialog_deaf_keys = 1).await;
    let error = answer(&fixture, Answer::Choice(1)).await.unwrap_err();
    assert_eq!(error.stage(), Some(Stage::KeyPressed), "{error}");
    assert!(answered(&fixture).is_empty());
    answer(&fixture, Answer::Choice(1)).await.unwrap();
    assert_eq!(answered(&fixture), [(1, By::Key)]);
}

#[tokio::test]
async fn a_program_without_known_keys_is_left_to_people() {
    let fixture = fixture();
    let command = ["sh", "-c", "exec cat"].map(str::to_owned);
    fixture
        .start_command("coder0", "shell", &command)
        .await
        .unwrap();
    let error = answer(&fixture, Answer::Deny).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}
