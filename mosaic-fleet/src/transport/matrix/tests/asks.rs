//! Questions to a gateway over a homeserver that fails: the answer is the gateway's own, or it is said
//! that there is none.

use std::time::Duration;

use serde_json::json;

use super::super::protocol::kind;
use super::stage::{Stage, agent};
use crate::agent::AgentState;
use crate::options::{ListOptions, StatusOptions, TailOptions};
use crate::testing::homeserver::{Event, Fault};
use crate::transport::Transport;

#[tokio::test]
async fn a_question_and_its_answer_survive_what_passes_by() {
    let stage = Stage::new().await;
    let _gateway = stage.run_gateway().await;
    let transport = stage.transport(&stage.ada);
    let coder = agent("coder0");
    stage.local.say(&coder, "hello").unwrap();
    for fault in [Fault::Lost, Fault::Cut, Fault::Busy(1), Fault::Status(502)] {
        let fail = || {
            for part in ["/send/dev.mosaic.fleet.request/", "/sendToDevice/", "/sync"] {
                stage.server.fail(part, 1, fault.clone());
            }
        };
        fail();
        let options = StatusOptions::new().with_timeout(Duration::from_secs(60));
        let status = transport.status(&coder, options).await.unwrap();
        assert_eq!(status.state, AgentState::Idle, "{fault:?}");
        fail();
        let options = TailOptions::new().with_timeout(Duration::from_secs(60));
        let tail = transport.tail(&coder, options).await.unwrap();
        assert_eq!(tail.lines, ["hello"], "{fault:?}");
        fail();
        let options = ListOptions::new().with_timeout(Duration::from_secs(60));
        let all = transport.list(options).await.unwrap();
        let states: Vec<AgentState> = all.iter().map(|status| status.state).collect();
        assert_eq!(states, [AgentState::Idle; 2], "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_none() {
    let stage = Stage::new().await;
    let transport = stage.transport(&stage.ada);
    let coder = agent("coder0");
    let options = StatusOptions::new().with_timeout(Duration::from_secs(2));
    let asking = transport.status(&coder, options);
    let forging = async {
        let room = stage.room("coder0");
        let request = |event: &Event| event.kind == kind::REQUEST;
        let asked = stage.server.until(|world| world.events.iter().any(request));
        asked.await.unwrap();
        let request = stage.server.events(&room, kind::REQUEST).remove(0);
        let shown = json!({"status": {"v": 1, "agent": "coder0", "state": "working", "at": 0}});
        let content = json!({
            "v": 1, "id": request.content["id"], "part": 1, "parts": 1, "text": shown.to_string(),
        });
        for sender in [&stage.operator.user, &stage.admin.user, &stage.ada.user] {
            stage
                .server
                .post(sender, &stage.ada, kind::RESPONSE, content.clone());
        }
    };
    let (status, ()) = tokio::join!(asking, forging);
    let status = status.unwrap();
    assert_eq!(status.state, AgentState::Unknown);
    assert!(status.evidence.contains("does not answer"), "{status:?}");
}
