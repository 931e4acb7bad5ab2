//! Control clients that come and go all at once must not end the server (tmux 3.3a: it writes to
//! one that is half-way in when another one leaves).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::{ErrorKind, Message, SendOptions, StatusOptions, Transport, Verdict};

use super::{name, with_agent};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_come_and_go_at_once_leave_the_server_alive() {
    let fixture = with_agent(&Script::new()).await;
    let server = || fixture.tmux_text(&["display-message", "-p", "#{pid}"]);
    let before = server().unwrap();
    let comers = (0..8).map(|_| {
        // Transports of their own share nothing but the host, as processes do.
        let transport = fixture.one_shot();
        tokio::spawn(async move {
            for _ in 0..40 {
                let options = StatusOptions::new();
                transport.status(&name("coder0"), options).await.unwrap();
            }
        })
    });
    for comer in comers.collect::<Vec<_>>() {
        comer.await.unwrap();
    }
    assert_eq!(server().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_have_no_time_leave_the_server_alive() {
    let fixture = with_agent(&Script::new()).await;
    let server = ["display-message", "-p", "#{pid}"];
    let before = fixture.tmux_text(&server).unwrap();
    let comers = (0..8).map(|comer| {
        let transport = fixture.one_shot();
        tokio::spawn(async move {
            for turn in 0..60 {
                let limit = Duration::from_micros(500 * ((comer * 7 + turn * 3) % 60));
                let options = StatusOptions::new().with_timeout(limit);
                let told = transport.status(&name("coder0"), options).await;
                assert!(
                    told.as_ref()
                        .map_or_else(|error| error.kind() == ErrorKind::Timeout, |_| true),
                    "{told:?}"
                );
            }
        })
    });
    for comer in comers.collect::<Vec<_>>() {
        comer.await.unwrap();
    }
    assert_eq!(fixture.tmux_text(&server).unwrap(), before);
}

/// A client that is slow to introduce itself outlives the call that wanted it: killed half-way, it
/// would end the server, and so would another one that leaves meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_half_way_in_is_not_killed_and_nobody_else_comes_or_goes() {
    let mut fixture = with_agent(&Script::new()).await;
    let server = ["display-message", "-p", "#{pid}"];
    let before = fixture.tmux_text(&server).unwrap();
    let plain = fixture.one_shot();
    let folder = fixture.folder().to_owned();
    let slow = folder.join("slow-tmux");
    let script = format!(
        "#!/bin/sh\ncd {}\ncase \" $* \" in *' -C '*)\n  : > coming\n  \
         until [ -e go ]; do sleep 0.01; done\n  tmux \"$@\"; : > gone; exit ;;\nesac\n\
         exec tmux \"$@\"\n",
        folder.display()
    );
    fs::write(&slow, script).unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o700)).unwrap();
    fixture.config.program = slow;
    let soon = || StatusOptions::new().with_timeout(Duration::from_millis(300));

    let slow = fixture.one_shot();
    let late = slow.status(&name("coder0"), soon()).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout, "{late:?}");
    assert!(folder.join("coming").exists());
    let next = plain.status(&name("coder0"), soon()).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::Timeout, "{next:?}");

    fs::write(folder.join("go"), "").unwrap();
    let gone = async {
        while !folder.join("gone").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .expect("the client came and went");
    let options = StatusOptions::new();
    plain.status(&name("coder0"), options).await.unwrap();
    assert_eq!(fixture.tmux_text(&server).unwrap(), before);
}

/// The server itself withholds what would notify one who is coming, also where he was killed at it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_somebody_is_coming_nothing_notifies() {
    let fixture = with_agent(&Script::new()).await;
    let coming = |until: &'static str| {
        fixture
            .tmux_text(&["set-option", "-s", "@mosaic_coming", until])
            .unwrap();
    };
    let (transport, coder) = (fixture.connected(), name("coder0"));
    let status = async |limit| {
        let options = StatusOptions::new().with_timeout(Duration::from_millis(limit));
        transport.status(&coder, options).await
    };
    status(10_000).await.unwrap();
    coming("99999999999");
    assert_eq!(status(300).await.unwrap_err().kind(), ErrorKind::Timeout);
    let other = fixture.one_shot();
    let options = StatusOptions::new().with_timeout(Duration::from_millis(300));
    let late = other.status(&coder, options).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    let options = SendOptions::new().with_timeout(Duration::from_millis(300));
    let late = transport.send(&coder, Message::new("late"), options);
    assert_eq!(late.await.unwrap_err().kind(), ErrorKind::Timeout);
    // Long ago: he never came.
    coming("1");
    status(10_000).await.unwrap();
    let options = SendOptions::new();
    let sent = transport.send(&coder, Message::new("in time"), options);
    assert_eq!(sent.await.unwrap().verdict, Verdict::Submitted);
    assert_eq!(fixture.taken("coder0").unwrap(), ["in time"]);
    // Who comes says so, and that he has come.
    other.status(&coder, StatusOptions::new()).await.unwrap();
    let left = fixture.tmux_text(&["show-options", "-sqv", "@mosaic_coming"]);
    assert_eq!(left.unwrap().trim(), "");
}
