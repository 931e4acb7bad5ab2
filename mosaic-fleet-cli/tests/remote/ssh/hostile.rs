//! What must never happen on another host: a text typed into a shell, a name that runs, two writers at
//! once, a process of this host taken for one of that.

use std::process::Command;
use std::sync::Arc;

use mosaic_fleet::transport::tmux::{Destination, PaneTarget, TmuxTransport};
use mosaic_fleet::{
    AgentName, AgentState, ErrorKind, ListOptions, Message, Refusal, SendOptions, Sender,
    StatusOptions, Transport, Verdict,
};

use super::sshd::{HOST, Sshd};

fn name(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

#[tokio::test]
async fn a_shell_where_an_agent_is_expected_is_not_typed_to() {
    let sshd = Sshd::new();
    let shell = ["bash", "--norc", "--noprofile", "-i"].map(str::to_owned);
    // It draws a composer as the agent would: the screen alone would be believed.
    let fake = "exec 3>&1; printf '────────\\n❯ \\n────────\\n'; tput cup 1 2; exec bash --norc --noprofile";
    let fake = ["sh", "-c", fake].map(str::to_owned);
    for (agent, command) in [("plain", &shell[..]), ("drawn", &fake[..])] {
        sshd.fixture
            .start_command(agent, "scripted-box", command)
            .await
            .unwrap();
        let agent_name = name(agent);
        for transport in [sshd.one_shot(), sshd.connected()] {
            let sent = transport.send(&agent_name, Message::new("touch typed"), SendOptions::new());
            let error = sent.await.unwrap_err();
            assert_eq!(
                error.refusal(),
                Some(Refusal::WrongProgram),
                "{agent}: {error}"
            );
            let status = transport
                .status(&agent_name, StatusOptions::new())
                .await
                .unwrap();
            assert_eq!(status.state, AgentState::Unknown, "{status:?}");
            assert!(status.evidence.contains("does not run"), "{status:?}");
            assert_eq!(status.host.as_deref(), Some(HOST));
        }
    }
    assert!(!sshd.fixture.folder().join("typed").exists());
}

#[tokio::test]
async fn hostile_names_over_there_are_only_names() {
    let sshd = Sshd::with_agent("coder0").await;
    let marker = sshd.fixture.folder().join("ran");
    let run = format!("touch {}", marker.display());
    for bad in [
        format!("a;{run}"),
        format!("$({run})"),
        format!("`{run}`"),
        format!("' ; {run} ; '"),
        format!("#({run})"),
        "a b".to_owned(),
        "a\"b".to_owned(),
        "=coder0".to_owned(),
        "-x".to_owned(),
    ] {
        // One of these tmux runs by itself when it is made a name; as a target it is only a name.
        let made = !bad.starts_with("#(");
        // tmux itself changes some of them; whatever it makes of them must be addressed exactly.
        if made {
            let new = ["new-session", "-d", "-s", &bad, "cat"];
            sshd.fixture.tmux(&new).unwrap();
        }
        let target = PaneTarget::parse(&format!("={bad}"));
        let Ok(target) = target else { continue };
        let sent = sshd.one_shot();
        let options = SendOptions::new();
        let sent = sent
            .send_to_pane(&target, Some("shell"), Message::new("hello"), options)
            .await;
        if let Ok(receipt) = &sent {
            assert_ne!(receipt.agent, name("coder0"), "{bad:?}");
        }
    }
    let all = sshd.one_shot().list(ListOptions::new()).await.unwrap();
    assert!(all.iter().any(|one| one.name == name("coder0")));
    assert!(!marker.exists(), "a name was run");
    assert_eq!(sshd.fixture.took("coder0").unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_of_two_hosts_take_turns() {
    let sshd = Sshd::with_agent("coder0").await;
    let here = Arc::new(sshd.fixture.connected());
    let far = Arc::new(sshd.connected());
    let sends = |transport: Arc<TmuxTransport>, who: &'static str| async move {
        let mut sent = Vec::new();
        for number in 0..15 {
            let text = format!("{who} says {number}, in two\nlines of its own");
            let message = Message::new(text.as_str());
            let receipt = transport
                .send(&name("coder0"), message, SendOptions::new())
                .await;
            assert_eq!(receipt.unwrap().verdict, Verdict::Submitted);
            sent.push(text);
        }
        sent
    };
    let (here, far) = tokio::join!(sends(here, "here"), sends(far, "far"));
    let mut taken = sshd.fixture.took("coder0").unwrap();
    for sent in [here, far] {
        // Each one's own in its order, and whole.
        let mine: Vec<String> = taken
            .iter()
            .filter(|text| sent.contains(text))
            .cloned()
            .collect();
        assert_eq!(mine, sent);
        taken.retain(|text| !sent.contains(text));
    }
    assert_eq!(taken, [""; 0]);
}

#[tokio::test]
async fn a_preamble_names_the_far_host_and_a_key_holds_for_it_alone() {
    let sshd = Sshd::with_agent("coder0").await;
    let message = Message::new("do it").with_sender(Sender::new("here", "lead").unwrap());
    let options = SendOptions::new().with_idempotency_key("once");
    let coder0 = name("coder0");
    for transport in [sshd.one_shot(), sshd.connected(), sshd.one_shot()] {
        let sent = transport.send(&coder0, message.clone(), options.clone());
        let receipt = sent.await.unwrap();
        assert_eq!(receipt.transport, "tmux:far/test");
    }
    // On this host the same key is another one.
    let sent = sshd.fixture.one_shot();
    let sent = sent.send(&name("coder0"), message, options).await.unwrap();
    assert_eq!(sent.transport, "tmux:test");
    let taken = sshd.fixture.took("coder0").unwrap();
    assert_eq!(
        taken,
        [
            "[here:lead -> far:coder0] do it",
            "[here:lead -> here:coder0] do it"
        ]
    );
}

#[test]
fn no_host_that_is_an_option_reaches_ssh() {
    for bad in ["-oProxyCommand=touch x", "a b", "$(x)", ""] {
        let error = Destination::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[tokio::test]
async fn the_command_line_sends_to_a_pane_of_a_host() {
    let sshd = Sshd::with_agent("coder0").await;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mosaic-fleet"));
        command.env_clear().envs(&sshd.fixture.config.environment);
        // The server of the caller's own pane is not meant.
        command.env("TMUX", "/nowhere,1,0").env("TMUX_PANE", "%0");
        command.args(arguments).output().unwrap()
    };
    let sent = run(&[
        "pane",
        "send",
        "-H",
        HOST,
        "-L",
        "test",
        "-t",
        "=coder0",
        "--runtime",
        "shell",
        "-m",
        "x",
    ]);
    // `shell` is not what runs there, and is told from afar.
    let words = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert_eq!(sent.status.code(), Some(4), "{words}");
    let gone = run(&["pane", "send", "-H", HOST, "-t", "=coder0", "-m", "x"]);
    let words = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert_eq!(gone.status.code(), Some(1), "{words}");
    assert!(words.contains("far/default"), "{words}");
    let bad = run(&[
        "pane",
        "send",
        "-H",
        "-oProxyCommand=x",
        "-t",
        "=coder0",
        "-m",
        "x",
    ]);
    assert_eq!(bad.status.code(), Some(3));
}
