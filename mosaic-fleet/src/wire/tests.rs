//! What the doors promise, on the memory transport and on foreign code that misbehaves.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::error::{Refusal, Retry};
use crate::transport::memory::MemoryTransport;

fn fleet_of(transport: crate::DynTransport) -> Fleet {
    let mut registry = Registry::new();
    let scheme = register(&mut registry, transport).unwrap();
    open(json!({ "transport": scheme }), registry).unwrap()
}

fn memory_fleet() -> (MemoryTransport, Fleet) {
    let transport = open_memory(json!({ "agents": ["coder0", "coder1"] })).unwrap();
    let fleet = fleet_of(Arc::new(transport.clone()));
    (transport, fleet)
}

async fn ask(fleet: &Fleet, operation: &str, arguments: Value) -> Result<Value> {
    call(fleet, operation, arguments, &mut |_| ()).await
}

#[tokio::test]
async fn every_operation_is_known_and_refuses_what_it_does_not_know() {
    let (_, fleet) = memory_fleet();
    for operation in FLEET_OPERATIONS {
        let error = ask(&fleet, operation, json!({ "colour": 1 }))
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidArgument,
            "{operation}: {error}"
        );
        assert!(
            error.message().contains("unknown field `colour`"),
            "{operation}: {error}"
        );
        assert_eq!(error.operation(), Some(*operation));
        let error = ask(&fleet, operation, json!([])).await.unwrap_err();
        assert!(error.message().contains("an array"), "{operation}: {error}");
    }
    let environment = BTreeMap::new();
    let mut news = |_: Value| ();
    for operation in FREE_OPERATIONS {
        let wrong = json!({ "colour": 1 });
        let error = call_free(&environment, operation, wrong, &mut news).await;
        let error = error.unwrap_err();
        let unknown = error.message().contains("unknown field `colour`");
        assert!(unknown, "{operation}: {error}");
    }
    let error = ask(&fleet, "sendd", json!({})).await.unwrap_err();
    assert!(error.message().contains("did you mean send?"), "{error}");
    assert!(error.hint().unwrap().contains("send_each"));
}

#[tokio::test]
async fn durations_are_seconds_or_texts_and_nothing_else() {
    let (_, fleet) = memory_fleet();
    for good in [
        json!(1),
        json!(0.5),
        json!("2s"),
        json!("1m30s"),
        Value::Null,
    ] {
        let arguments = json!({ "agent": "coder0", "text": "hi", "timeout": good });
        ask(&fleet, "send", arguments).await.unwrap();
    }
    for bad in [
        json!(-1),
        json!("soon"),
        json!(1e300),
        json!([]),
        json!(true),
    ] {
        let arguments = json!({ "agent": "coder0", "text": "hi", "timeout": bad });
        let error = ask(&fleet, "send", arguments).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("1h30m"), "{error}");
    }
}

#[tokio::test]
async fn send_is_for_one_and_send_each_for_several() {
    let (transport, fleet) = memory_fleet();
    let arguments = json!({ "agents": ["coder0", "coder1", "coder0"], "text": "hi" });
    let error = ask(&fleet, "send", arguments.clone()).await.unwrap_err();
    assert!(error.hint().unwrap().contains("send_each"));
    let sent = ask(&fleet, "send_each", arguments).await.unwrap();
    assert_eq!(sent["version"], 1);
    assert_eq!(sent["receipts"].as_array().unwrap().len(), 2);
    let sent = json!({ "agents": ["coder0", "ghost"], "text": "again" });
    let sent = ask(&fleet, "send_each", sent).await.unwrap();
    assert_eq!(sent["errors"][0]["agent"], "ghost");
    assert_eq!(sent["errors"][0]["error"]["code"], "agent_not_found");
    let inbox = memory(&transport, "inbox", json!({ "agent": "coder0" })).unwrap();
    assert_eq!(inbox, json!(["hi", "again"]));
    for none in [
        json!({ "text": "hi" }),
        json!({ "text": "hi", "all": true }),
    ] {
        let error = ask(&fleet, "send_each", none).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[tokio::test]
async fn a_stream_owns_its_fleet_and_ends_when_it_is_closed() {
    let (transport, fleet) = memory_fleet();
    let follow = Arc::new(Stream::follow(&fleet, json!({ "agent": "coder0" })).unwrap());
    let watch = Stream::watch(&fleet, json!({ "names": ["coder0"] })).unwrap();
    drop(fleet);
    assert_eq!(follow.next().await.unwrap().unwrap()["lines"], json!([]));
    let say = json!({ "agent": "coder0", "text": "done" });
    memory(&transport, "say", say).unwrap();
    assert_eq!(
        follow.next().await.unwrap().unwrap()["lines"],
        json!(["done"])
    );
    let first = watch.next().await.unwrap().unwrap();
    assert_eq!(first["status"]["state"], "idle");

    let waits = tokio::spawn({
        let follow = follow.clone();
        async move { follow.next().await }
    });
    tokio::task::yield_now().await;
    follow.close();
    assert_eq!(waits.await.unwrap().unwrap(), None);
    assert_eq!(follow.next().await.unwrap(), None);
}

/// Answers what it was told to, whatever it is asked.
#[derive(Debug)]
struct Parrot(Result<Value, Value>);

#[async_trait]
impl Foreign for Parrot {
    async fn call(&self, _: &str, _: Value) -> Result<Value> {
        self.0.clone().map_err(|error| error_from_value(&error))
    }
}

fn parrot(words: Result<Value, Value>) -> Fleet {
    let described = json!({
        "scheme": "parrot", "capabilities": {
            "send": true, "status": true, "tail": true, "list": true, "answer": true,
            "reset_clear": true, "tail_cursor": true,
        },
    });
    let transport = ForeignTransport::new(described, Arc::new(Parrot(words))).unwrap();
    fleet_of(Arc::new(transport))
}

#[tokio::test]
async fn nonsense_is_the_plugins_fault() {
    for nonsense in [
        json!(null),
        json!(7),
        json!("yes"),
        json!([]),
        json!({}),
        json!({ "verdict": "perhaps", "name": "coder0", "state": "bored", "lines": "a" }),
        json!({ "name": "coder1", "state": "idle", "lines": [1] }),
        json!({ "lines": [], "next": "not printable\n" }),
        json!([{ "name": "coder0" }]),
    ] {
        let fleet = parrot(Ok(nonsense.clone()));
        for (operation, arguments) in [
            ("send", json!({ "agent": "coder0", "text": "hi" })),
            ("agent_status", json!({ "agent": "coder0" })),
            ("tail", json!({ "agent": "coder0" })),
            ("list", json!({})),
        ] {
            if operation == "list" && nonsense == json!([]) {
                continue;
            }
            let error = ask(&fleet, operation, arguments).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Plugin,
                "{operation} {nonsense}: {error}"
            );
            assert_eq!(error.transport(), Some("parrot:local"));
            assert_eq!(error.retry(), Retry::Never);
        }
    }
    let twice = json!([{ "name": "a", "state": "idle" }, { "name": "a", "state": "dead" }]);
    let error = ask(&parrot(Ok(twice)), "list", json!({}))
        .await
        .unwrap_err();
    assert!(error.message().contains("lists a twice"), "{error}");
}

#[tokio::test]
async fn an_error_of_foreign_code_keeps_its_kind_and_its_words() {
    for kind in ErrorKind::ALL {
        let code = json!({ "code": kind.as_str(), "message": "it hurts", "reason": "draft" });
        let fleet = parrot(Err(code));
        let error = ask(&fleet, "tail", json!({ "agent": "coder0" }))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.message().contains("it hurts"));
    }
    for refusal in Refusal::ALL {
        let code = json!({ "code": "refused", "message": "no", "reason": refusal.as_str() });
        assert_eq!(error_from_value(&code).refusal(), Some(refusal));
    }
    let whole =
        Error::unavailable("gone").with_retry(Retry::After(std::time::Duration::from_secs(2)));
    let back = error_from_value(&error_to_value(&whole.with_hint("wait")));
    assert_eq!(
        back.retry(),
        Retry::After(std::time::Duration::from_secs(2))
    );
    assert_eq!(back.hint(), Some("wait"));
    for nonsense in [
        json!("boom"),
        json!({ "code": "boom", "message": "m" }),
        json!({ "code": 1 }),
    ] {
        assert_eq!(error_from_value(&nonsense).kind(), ErrorKind::Plugin);
    }
    // Where something may have been typed, nobody says that it is safe to do it again.
    for doubt in ["delivery_unknown", "refused", "boom"] {
        let code = json!({ "code": doubt, "message": "m", "retry": "safe", "reason": "news" });
        assert_eq!(error_from_value(&code).retry(), Retry::Never, "{doubt}");
    }
    // A refusal means that nothing was typed: not said without a reason that we know.
    let vague = json!({ "code": "refused", "message": "no" });
    assert_eq!(error_from_value(&vague).kind(), ErrorKind::Plugin);
}

#[tokio::test]
async fn foreign_code_never_sees_a_text_that_could_do_harm() {
    let fleet = parrot(Ok(json!({ "verdict": "submitted", "later": 1 })));
    let hostile = json!({ "agent": "coder0", "text": "a\u{1b}[201~b" });
    let error = ask(&fleet, "send", hostile).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::UnsafeText));
    let lines = json!({ "agent": "coder0", "text": "a\r\nb" });
    let receipt = ask(&fleet, "send", lines).await.unwrap();
    assert_eq!(receipt["normalised"], json!(["crlf"]));
    assert_eq!(receipt["agent"], "coder0");
    assert_eq!(receipt["evidence"]["kind"], "none");
}

#[tokio::test]
async fn an_answer_is_for_the_agent_that_was_asked_about() {
    let other = json!({ "agent": "coder1", "verdict": "submitted" });
    let fleet = parrot(Ok(other));
    for (operation, arguments) in [
        ("send", json!({ "agent": "coder0", "text": "hi" })),
        ("answer", json!({ "agent": "coder0", "deny": true })),
        ("reset", json!({ "agent": "coder0", "mode": "clear" })),
    ] {
        let error = ask(&fleet, operation, arguments).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin, "{operation}");
    }
    let outcome = ask(&fleet, "outcome", json!({ "receipt": "r1" })).await;
    assert_eq!(outcome.unwrap()["id"], "r1");
}

#[tokio::test]
async fn a_closed_transport_is_not_asked_again() {
    let fleet = parrot(Ok(json!({ "verdict": "submitted" })));
    ask(&fleet, "close", json!({})).await.unwrap();
    let send = json!({ "agent": "coder0", "text": "hi" });
    let error = ask(&fleet, "send", send).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    ask(&fleet, "close", json!({})).await.unwrap();
}

#[tokio::test]
async fn what_is_shown_is_lines_without_control_characters() {
    let shown = json!({ "lines": ["old", "\u{1b}]52;c;x\u{7}a\nb"], "next": null });
    let fleet = parrot(Ok(shown));
    let arguments = json!({ "agent": "coder0", "lines": 2 });
    let tail = ask(&fleet, "tail", arguments).await.unwrap();
    assert_eq!(tail["lines"], json!(["]52;c;xa", "b"]));
    let huge = json!({ "verdict": "x".repeat(1_000_000) });
    let send = json!({ "agent": "coder0", "text": "hi" });
    let error = ask(&parrot(Ok(huge)), "send", send).await.unwrap_err();
    assert!(error.message().len() < 1000);
}

#[tokio::test]
async fn a_description_says_what_it_claims_and_no_more() {
    let parrot = Arc::new(Parrot(Ok(Value::Null)));
    let misspelt = json!({ "scheme": "parrot", "capabilities": { "sends": true } });
    let error = ForeignTransport::new(misspelt, parrot.clone()).unwrap_err();
    assert!(error.message().contains("sends"), "{error}");
    let modest = ForeignTransport::new(json!({ "scheme": "parrot" }), parrot).unwrap();
    let fleet = fleet_of(Arc::new(modest));
    let send = json!({ "agent": "coder0", "text": "hi" });
    let error = ask(&fleet, "send", send).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn rosters_are_read_and_changed_as_texts() {
    let environment = BTreeMap::new();
    let mut news = |_: Value| ();
    let text = "version: 1\n# ours\nagents:\n  - name: coder0\n    runtime: pi\n";
    let add = json!({ "text": text, "agent": { "name": "coder1", "runtime": "claude" } });
    let added = call_free(&environment, "roster_add", add, &mut news)
        .await
        .unwrap();
    assert!(added.as_str().unwrap().contains("# ours"));
    let parse = json!({ "text": added });
    let roster = call_free(&environment, "roster_parse", parse, &mut news)
        .await
        .unwrap();
    assert_eq!(roster["agents"][1]["name"], "coder1");
    let remove = json!({ "text": added, "name": "coder1" });
    let back = call_free(&environment, "roster_remove", remove, &mut news)
        .await
        .unwrap();
    assert_eq!(back, text);
    let wrong = json!({ "text": "version: 1\nagent: []\n", "origin": "mine.yaml" });
    let error = call_free(&environment, "roster_parse", wrong, &mut news)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.message().contains("mine.yaml:2"), "{error}");
}

#[test]
fn skills_are_asked_for_without_waiting() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("skills/mosaic-tools");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("SKILL.md"), "tools").unwrap();
    let mut environment = BTreeMap::new();
    let at = home.path().display().to_string();
    environment.insert("MOSAIC_HOME".to_owned(), at.clone());
    let arguments = json!({ "args": ["-p"], "folder": at });
    let built = skills(&environment, "skills_pi_args", arguments).unwrap();
    assert_eq!(built, json!(["--no-skills", "--skill", folder, "-p"]));
    environment.insert("MOSAIC_PI_FORCE_SKILLS".to_owned(), String::new());
    let none = skills(&environment, "skills_force_names", json!({})).unwrap();
    assert_eq!(none, json!([]));
    let roots = json!({ "roots": [home.path().join("skills"), "/nonesuch"] });
    let found = skills(&environment, "skills_enumerate", roots).unwrap();
    assert_eq!(found, json!([folder]));
}
