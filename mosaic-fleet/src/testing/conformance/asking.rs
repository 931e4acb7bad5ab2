//! Behaviours: a question is answered by `answer` and by nothing else.

use super::oracle::{kind_of, name, needs, refusal_of, send};
use super::{Harness, Outcome};
use crate::agent::AgentState;
use crate::error::{ErrorKind, Refusal};
use crate::message::EvidenceKind;
use crate::options::{Answer, AnswerOptions, SendOptions, StatusOptions};
use crate::transport::TransportExt;

/// An open question makes the agent `Waiting` and refuses texts. It is answered with what was asked
/// for, once; a choice that it has not, other words than were expected, and no question at all are
/// refused, and nothing is pressed.
pub async fn answer_takes_the_choice_and_no_other<H: Harness>(h: &H) -> Outcome {
    needs!(h, send, status, answer);
    let (agent, transport, patience) = (name("agent"), h.transport(), h.quirks().patience);
    let options = AnswerOptions::new().with_timeout(patience);
    let none = transport.answer(&agent, Answer::Deny, options.clone());
    assert_eq!(refusal_of("no question", none.await), Refusal::NoQuestion);
    for (answer, expected) in [
        (Answer::Choice(1), 1),
        (Answer::Choice(2), 2),
        (Answer::Deny, 2),
    ] {
        let before = h.answers(&agent).await;
        if !h.ask(&agent).await {
            return Outcome::not_applicable("the harness cannot have an agent ask");
        }
        let waiting = transport.wait_until(&agent, &[AgentState::Waiting], patience);
        let question = waiting
            .await
            .expect("it asks")
            .question
            .expect("a question");

        let refused = transport
            .send(&agent, "a text".into(), SendOptions::new())
            .await;
        assert_eq!(refusal_of("a text", refused), Refusal::Dialog);
        let missing = transport.answer(&agent, Answer::Choice(7), options.clone());
        assert_eq!(refusal_of("choice 7", missing.await), Refusal::NoQuestion);
        let other = options.clone().with_expect("is this another question");
        let other = transport.answer(&agent, answer, other).await;
        assert_eq!(refusal_of("another question", other), Refusal::NoQuestion);
        assert_eq!(h.answers(&agent).await, before, "refused, and pressed");

        let options = options.clone().with_expect(question.clone());
        let report = transport.answer(&agent, answer, options).await;
        let report = report.unwrap_or_else(|error| panic!("an open question: {error}"));
        assert_eq!((&report.agent, &report.question), (&agent, &question));
        assert_eq!(report.transport, transport.info().to_string());
        assert!(report.evidence.kind > EvidenceKind::None, "{report:?}");
        let answers = h.answers(&agent).await;
        assert_eq!(
            answers.strip_prefix(before.as_slice()),
            Some(&[expected][..])
        );
        let status = transport.status(&agent, StatusOptions::new()).await;
        assert_ne!(status.expect("it lives").state, AgentState::Waiting);
    }
    let _ = send(h, &agent, "and a text is taken again", SendOptions::new())
        .await
        .expect("nothing is asked any more");
    let nobody = name("nobody");
    let result = transport.answer(&nobody, Answer::Deny, options).await;
    assert_eq!(kind_of("nobody", result), ErrorKind::AgentNotFound);
    Outcome::Checked
}
