//! The link is cut, or falls silent, at every step of a send: nothing is typed twice, what was not
//! typed is said so, and what cannot be known is said to be unknown.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::{AgentName, ErrorKind, Message, SendOptions, StatusOptions, Transport, Verdict};

use super::sshd::Sshd;

/// No limit on what may pass.
const ALL: i64 = i64::MAX / 2;

/// A way to the sshd that can be cut after so many bytes in one direction.
struct Link {
    port: u16,
    /// To the host, and from it.
    left: [Arc<AtomicI64>; 2],
    /// What passed, in the same order.
    passed: [Arc<AtomicI64>; 2],
    /// At the end of what may pass, say nothing more instead of closing.
    stalls: Arc<AtomicBool>,
}

impl Link {
    fn to(port: u16) -> Link {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let link = Link {
            port: listener.local_addr().unwrap().port(),
            left: [ALL, ALL].map(|left| Arc::new(AtomicI64::new(left))),
            passed: [0, 0].map(|passed| Arc::new(AtomicI64::new(passed))),
            stalls: Arc::new(AtomicBool::new(false)),
        };
        let (left, passed) = (link.left.clone(), link.passed.clone());
        let stalls = Arc::clone(&link.stalls);
        // It ends with the test's process; nothing but the test connects to it.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                for (way, (from, to)) in [
                    (near.try_clone(), far.try_clone()),
                    (far.try_clone(), near.try_clone()),
                ]
                .into_iter()
                .enumerate()
                {
                    let (from, to) = (from.unwrap(), to.unwrap());
                    let (left, passed) = (Arc::clone(&left[way]), Arc::clone(&passed[way]));
                    let stalls = Arc::clone(&stalls);
                    std::thread::spawn(move || pass(from, to, &left, &passed, &stalls));
                }
            }
        });
        link
    }

    fn allow(&self, way: usize, bytes: i64) {
        self.left[way].store(bytes, Ordering::SeqCst);
    }

    fn mend(&self) {
        self.stalls.store(false, Ordering::SeqCst);
        self.allow(0, ALL);
        self.allow(1, ALL);
    }

    fn passed(&self) -> [i64; 2] {
        [0, 1].map(|way| self.passed[way].load(Ordering::SeqCst))
    }
}

fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    left: &AtomicI64,
    passed: &AtomicI64,
    stalls: &AtomicBool,
) {
    let mut bytes = [0; 4096];
    loop {
        let read = from.read(&mut bytes).unwrap_or(0);
        let read_bytes = i64::try_from(read).unwrap();
        let may = left.fetch_sub(read_bytes, Ordering::SeqCst);
        let now = usize::try_from(may.clamp(0, read_bytes)).unwrap();
        if read == 0
            || to.write_all(&bytes[..now]).is_err()
            || (now < read && !stalls.load(Ordering::SeqCst))
        {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
        passed.fetch_add(i64::try_from(now).unwrap(), Ordering::SeqCst);
    }
}

async fn far_agent() -> (Sshd, Link, AgentName) {
    let sshd = Sshd::new();
    let link = Link::to(sshd.port);
    sshd.write_client(link.port, "user_key");
    let known = std::fs::read_to_string(sshd.known_hosts()).unwrap();
    let key = known.split_once(' ').unwrap().1.to_owned();
    std::fs::write(
        sshd.known_hosts(),
        format!("[127.0.0.1]:{} {key}", link.port),
    )
    .unwrap();
    sshd.fixture
        .start("coder0", &Script::boxed())
        .await
        .unwrap();
    sshd.fixture.ready("coder0").await.unwrap();
    (sshd, link, AgentName::new("coder0").unwrap())
}

/// How often each text was taken.
fn times(sshd: &Sshd, text: &str) -> usize {
    let took = sshd.fixture.took("coder0").unwrap();
    took.iter().filter(|taken| *taken == text).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_is_cut_anywhere_is_never_typed_twice_and_never_told_wrong() {
    let (sshd, link, agent) = far_agent().await;
    let before = link.passed();
    let whole = Message::new("a first text that is sent in peace");
    let receipt = sshd
        .one_shot()
        .send(&agent, whole, SendOptions::new())
        .await;
    assert_eq!(receipt.unwrap().verdict, Verdict::Submitted);
    let after = link.passed();
    let mut answers = [0; 3];
    for (way, part) in (1..9).flat_map(|part| [(0, part), (1, part)]) {
        // The connection is there already, as it is for most sends.
        let transport = sshd.one_shot();
        transport
            .status(&agent, StatusOptions::new())
            .await
            .unwrap();
        let text = format!("cut in direction {way} after {part} of 8 parts");
        // Less than a whole send with its connection needs: the last ones come through.
        let bytes = (after[way] - before[way] - 3000).max(1000) * part / 8;
        link.allow(way, bytes);
        let options = SendOptions::new().with_timeout(Duration::from_secs(6));
        let sent = transport
            .send(&agent, Message::new(text.as_str()), options)
            .await;
        link.mend();
        let taken = times(&sshd, &text);
        match sent {
            Ok(receipt) => {
                answers[0] += 1;
                assert_eq!(receipt.verdict, Verdict::Submitted, "{text}");
                assert_eq!(taken, 1, "{text}");
            }
            Err(error) if error.kind() == ErrorKind::DeliveryUnknown => {
                answers[1] += 1;
                assert!(taken <= 1, "{text}: {taken}");
                assert!(error.stage().is_some());
            }
            Err(error) => {
                answers[2] += 1;
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{text}: {error}");
                assert_eq!(taken, 0, "{text}: {error}");
            }
        }
        // The next one arrives, whatever stands there from before.
        let next = format!("the next after {way} {part}");
        let transport = sshd.one_shot();
        let sent = transport.send(&agent, Message::new(next.as_str()), SendOptions::new());
        assert_eq!(sent.await.unwrap().verdict, Verdict::Submitted, "{next}");
        assert_eq!(
            (times(&sshd, &next), times(&sshd, &text) <= 1),
            (1, true),
            "{text}"
        );
    }
    eprintln!(
        "submitted {}, unknown {}, not typed {}",
        answers[0], answers[1], answers[2]
    );
    // Each kind of answer was met, or the test cuts at the wrong places.
    assert!(answers[1] > 0 && answers[2] > 0, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_falls_silent_is_unavailable_within_the_deadline() {
    let (sshd, link, agent) = far_agent().await;
    let transport = sshd.connected();
    transport
        .status(&agent, StatusOptions::new())
        .await
        .unwrap();
    link.stalls.store(true, Ordering::SeqCst);
    link.allow(0, 0);
    let options = StatusOptions::new().with_timeout(Duration::from_secs(2));
    let asked = tokio::time::timeout(Duration::from_secs(20), transport.status(&agent, options));
    let error = asked.await.expect("it waits for ever").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let options = SendOptions::new().with_timeout(Duration::from_secs(2));
    let sent = transport.send(&agent, Message::new("into the void"), options);
    let sent = tokio::time::timeout(Duration::from_secs(30), sent).await;
    let error = sent.expect("it waits for ever").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(times(&sshd, "into the void"), 0);
}
