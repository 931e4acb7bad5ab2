//! A sender whose homeserver fails: the text is in the room once, and what is said of it is true.

use std::time::Duration;

use super::super::MatrixTransport;
use super::super::protocol::kind;
use super::stage::{Stage, agent, long, short};
use crate::error::{ErrorKind, Result, Retry};
use crate::message::{Message, Receipt, Verdict};
use crate::options::SendOptions;
use crate::testing::homeserver::Fault;
use crate::transport::Transport;

const SEND: &str = "/send/m.room.message/";
const HOUR: u64 = 3_600_000;

async fn send(transport: &MatrixTransport, text: &str, options: SendOptions) -> Result<Receipt> {
    let coder = agent("coder0");
    transport.send(&coder, Message::new(text), options).await
}

fn texts(stage: &Stage) -> Vec<String> {
    let events = stage.server.events(&stage.room("coder0"), kind::MESSAGE);
    let body = |content: &serde_json::Value| content["body"].as_str().unwrap().to_owned();
    events.iter().map(|event| body(&event.content)).collect()
}

#[tokio::test]
async fn what_passes_by_is_mended_by_asking_again() {
    let stage = Stage::new().await;
    let _gateway = stage.run_gateway().await;
    let transport = stage.transport(&stage.ada);
    for (at, fault) in [
        Fault::Lost,
        Fault::Drop,
        Fault::Cut,
        Fault::Busy(1),
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
    ]
    .into_iter()
    .enumerate()
    {
        for part in [SEND, "/sync", "/state", "/whoami"] {
            stage.server.fail(part, 2, fault.clone());
        }
        let before = texts(&stage).len();
        let text = format!("text {at}");
        let receipt = send(&transport, &text, long()).await;
        assert_eq!(receipt.unwrap().verdict, Verdict::Submitted, "{fault:?}");
        assert_eq!(texts(&stage)[before..], [text.as_str()], "{fault:?}");
        assert_eq!(stage.taken("coder0").len(), before + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_limit_beyond_the_deadline_is_told_and_not_pressed() {
    for part in [SEND, "/whoami", "/state", "/sync"] {
        let stage = Stage::new().await;
        let transport = stage.transport(&stage.ada);
        let before = stage.server.count(part);
        stage.server.fail(part, 1000, Fault::Busy(HOUR));
        let sent = send(&transport, "x", short());
        let error = sent.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{part}: {error}");
        let pause = Duration::from_millis(HOUR);
        assert_eq!(error.retry(), Retry::After(pause), "{part}");
        assert_eq!(stage.server.count(part), before + 1, "{part}");
        assert_eq!(texts(&stage), [""; 0]);
    }
}

#[tokio::test]
async fn a_failure_that_stays_is_told_for_what_it_is() {
    let stage = Stage::new().await;
    for (part, fault, kind) in [
        // It may have been put.
        (SEND, Fault::Status(503), ErrorKind::DeliveryUnknown),
        (SEND, Fault::Drop, ErrorKind::DeliveryUnknown),
        (SEND, Fault::Silence, ErrorKind::DeliveryUnknown),
        // It was not.
        (
            SEND,
            Fault::Refused(413, "M_TOO_LARGE"),
            ErrorKind::InvalidArgument,
        ),
        (
            SEND,
            Fault::Refused(403, "M_FORBIDDEN"),
            ErrorKind::PermissionDenied,
        ),
        ("/sync", Fault::Status(503), ErrorKind::Unavailable),
        (
            "/sync",
            Fault::Refused(401, "M_UNKNOWN_TOKEN"),
            ErrorKind::Unauthenticated,
        ),
        ("/state", Fault::Status(502), ErrorKind::Unavailable),
        ("/state", Fault::Silence, ErrorKind::Unavailable),
        ("/whoami", Fault::Drop, ErrorKind::Unavailable),
        (
            "/whoami",
            Fault::Refused(401, "M_UNKNOWN_TOKEN"),
            ErrorKind::Unauthenticated,
        ),
    ] {
        let transport = stage.transport(&stage.ada);
        stage.server.fail(part, 1000, fault.clone());
        let sent = send(&transport, "x", short());
        let error = sent.await.unwrap_err();
        assert_eq!(error.kind(), kind, "{part} {fault:?}: {error}");
        if let Fault::Status(status) = fault {
            assert!(
                error.message().contains(&status.to_string()),
                "{part}: {error}"
            );
        }
        stage.server.mend();
        assert_eq!(texts(&stage), [""; 0], "{part} {fault:?}");
    }
}

#[tokio::test]
async fn a_text_whose_answers_are_all_lost_is_in_doubt_and_there_once() {
    let stage = Stage::new().await;
    let _gateway = stage.run_gateway().await;
    for fault in [Fault::Lost, Fault::Cut, Fault::Held] {
        stage.server.fail(SEND, 1000, fault.clone());
        let transport = stage.transport(&stage.ada);
        let before = stage.taken("coder0").len();
        let sent = send(&transport, "once", short());
        let error = sent.await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::DeliveryUnknown,
            "{fault:?}: {error}"
        );
        stage.acked("coder0", before + 1).await;
        assert_eq!(texts(&stage).len(), before + 1, "{fault:?}");
        assert_eq!(stage.taken("coder0").len(), before + 1, "{fault:?}");
        stage.server.mend();
        stage.server.release();
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let stage = Stage::new().await;
    let _gateway = stage.run_gateway().await;
    let transport = stage.transport(&stage.ada);
    stage.server.fail(SEND, 1, Fault::Held);
    let coder = agent("coder0");
    let sending = transport.send(&coder, Message::new("slow"), long());
    let letting = async {
        // The gateway is done with it before the sender knows that it was put.
        stage.acked("coder0", 1).await;
        stage.server.release();
    };
    let (receipt, ()) = tokio::join!(sending, letting);
    assert_eq!(receipt.unwrap().verdict, Verdict::Submitted);
    assert_eq!(texts(&stage), ["slow"]);
}

#[tokio::test]
async fn a_token_that_is_revoked_in_mid_life_is_told_as_that() {
    let stage = Stage::new().await;
    let _gateway = stage.run_gateway().await;
    let transport = stage.transport(&stage.ada);
    assert_eq!(
        send(&transport, "x", long()).await.unwrap().verdict,
        Verdict::Submitted
    );
    stage.server.revoke(&stage.ada);
    for _ in 0..2 {
        let error = send(&transport, "x", long()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    }
    assert_eq!(texts(&stage).len(), 1);
}

#[tokio::test]
async fn an_agent_of_no_room_is_not_found() {
    let stage = Stage::new().await;
    let transport = stage.transport(&stage.ada);
    let nobody = agent("coder9");
    let sent = transport.send(&nobody, Message::new("x"), long());
    let error = sent.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AgentNotFound);
    assert!(
        error.message().contains("did you mean coder0?"),
        "{error:?}"
    );
    assert_eq!(stage.server.count(SEND), 0);
}
