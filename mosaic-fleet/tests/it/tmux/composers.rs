//! Composers that are slow, deaf or forgetful: the text is typed once all the same.

use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::{Script, SubmitKey};
use mosaic_fleet::{
    AgentState, Message, Refusal, SendOptions, Stage, StatusOptions, Transport, Verdict,
};

use super::{agent_with, composer, fixture, name, refusal, send, with_agent};

#[tokio::test]
async fn a_collapsed_paste_is_recognised() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.collapse_over_lines = 2);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let text = (0..40).map(|n| format!("line {n}\n")).collect::<String>() + "end";
        let receipt = send(&fixture, &text).await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        assert_eq!(fixture.took("coder0").unwrap(), [text]);
    }
}

#[tokio::test]
async fn a_tall_text_is_compared_whole_although_the_composer_scrolls() {
    for script in [Script::new(), Script::boxed()] {
        let fixture = with_agent(&script).await;
        let text = (0..60).map(|n| format!("line {n}\n")).collect::<String>() + "end";
        let receipt = send(&fixture, &text).await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        assert_eq!(fixture.took("coder0").unwrap(), [text]);
    }
}

#[tokio::test]
async fn a_swallowed_key_is_repeated_and_the_text_is_not() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.swallow_enters = 2);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let receipt = send(&fixture, "hello").await.unwrap();
        assert_eq!((receipt.verdict, receipt.attempts), (Verdict::Submitted, 3));
        assert_eq!(fixture.took("coder0").unwrap(), ["hello"]);
    }
}

#[tokio::test]
async fn a_key_that_never_works_ends_in_unknown_with_the_text_typed_once() {
    let fixture = with_agent(&agent_with(|script| script.swallow_enters = 1000)).await;
    let error = send(&fixture, "hello").await.unwrap_err();
    assert_eq!(error.stage(), Some(Stage::KeyPressed));
    assert_eq!(composer(&fixture).matches("hello").count(), 1);
}

#[tokio::test]
async fn an_enter_too_soon_after_the_paste_is_a_line_end_and_harmless() {
    let fixture = with_agent(&agent_with(|script| script.swallow_enter_ms = 100)).await;
    let receipt = send(&fixture, "hello").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted);
    assert_eq!(fixture.took("coder0").unwrap(), ["hello"]);
}

#[tokio::test]
async fn a_slow_redraw_is_waited_for() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.redraw_ms = 400);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        for text in ["one", "two"] {
            let receipt = send(&fixture, text).await.unwrap();
            assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        }
        assert_eq!(fixture.took("coder0").unwrap(), ["one", "two"]);
    }
}

#[tokio::test]
async fn a_composer_that_still_shows_the_last_text_gets_no_paste() {
    let mut script = Script::boxed();
    script.merge_draft_after_submit_ms = 400;
    let fixture = with_agent(&script).await;
    for text in ["m21", "m22", "m23"] {
        let _ = send(&fixture, text).await.unwrap();
    }
    assert_eq!(fixture.took("coder0").unwrap(), ["m21", "m22", "m23"]);
}

#[tokio::test]
async fn a_text_whose_end_is_lost_is_not_submitted() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.echo_tail_drop = 3);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let error = send(&fixture, "delete nothing").await.unwrap_err();
        assert_eq!(error.stage(), Some(Stage::Pasted), "{error}");
        assert!(fixture.took("coder0").unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_program_that_starts_slowly_is_refused_or_waited_for() {
    let fixture = fixture();
    let script = agent_with(|script| script.startup_ms = 2500);
    fixture.start("coder0", &script).await.unwrap();
    let (transport, coder0) = (fixture.one_shot(), name("coder0"));
    let status = transport.status(&coder0, StatusOptions::new());
    assert_ne!(status.await.unwrap().state, AgentState::Idle);
    let error = send(&fixture, "too early").await.unwrap_err();
    assert_eq!(refusal(&error), Refusal::NotReady, "{error}");
    let options = SendOptions::new().with_wait(Duration::from_secs(60));
    let sent = transport.send(&coder0, Message::new("in time"), options);
    assert_eq!(sent.await.unwrap().verdict, Verdict::Submitted);
    assert_eq!(fixture.took("coder0").unwrap(), ["in time"]);
}

#[tokio::test]
async fn a_busy_program_that_queues_is_said_to_queue() {
    let mut script = Script::boxed();
    script.busy_ms = 1500;
    let fixture = with_agent(&script).await;
    let first = send(&fixture, "first").await.unwrap();
    let second = send(&fixture, "second").await.unwrap();
    assert_eq!(
        (first.verdict, second.verdict),
        (Verdict::Submitted, Verdict::Queued)
    );
    assert_eq!(fixture.took("coder0").unwrap(), ["first", "second"]);
}

#[tokio::test]
async fn a_draft_is_put_away_and_comes_back() {
    let draft = "half a\nthought";
    for tells in [false, true] {
        let script = agent_with(|script| {
            script.style = Script::boxed().style;
            script.submit_keys = vec![SubmitKey::Enter, SubmitKey::F12];
            script.stash = true;
            script.tells = tells;
            script.draft = draft.to_owned();
        });
        let fixture = with_agent(&script).await;
        for text in ["one\ntwo", "three"] {
            let sent = send(&fixture, text).await.unwrap();
            assert_eq!(sent.verdict, Verdict::Submitted, "{sent:?}");
        }
        assert_eq!(fixture.took("coder0").unwrap(), ["one\ntwo", "three"]);
        let shown = composer(&fixture);
        assert!(
            shown.contains("half a") && shown.contains("thought"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_draft_that_stays_put_away_is_told_of() {
    // The program drops all that is pasted: no key is pressed that would bring the draft back.
    let script = agent_with(|script| {
        script.style = Script::boxed().style;
        script.stash = true;
        script.draft = "half a thought".to_owned();
        script.echo_tail_drop = 100;
    });
    let fixture = with_agent(&script).await;
    let error = send(&fixture, "swallowed whole").await.unwrap_err();
    assert_eq!(error.stage(), Some(Stage::Pasted), "{error}");
    assert!(
        error.hint().unwrap().contains("C-s brings it back"),
        "{error:?}"
    );
}
