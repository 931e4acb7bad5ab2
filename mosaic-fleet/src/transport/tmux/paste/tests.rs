//! The guard, asked to do what it must not: on a real server, with identities that are wrong.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::options::SendOptions;
use crate::runtime::{Screen, open_dialog, prepare};
use crate::testing::tmux::TmuxFixture;
use crate::transport::tmux::control::within;
use crate::transport::tmux::lease::Purpose;
use crate::transport::tmux::target::{list_panes, pane_of, rows};

const LIMIT: Duration = Duration::from_secs(10);

async fn lease(control: &Arc<Control>, identity: &Identity) -> Lease {
    let (length, limit) = (Duration::from_secs(5), within(LIMIT));
    let text = Purpose::Text;
    let taken = Lease::take(control, identity, text, length, limit, limit).await;
    taken.unwrap()
}

/// Two panes that write down what is typed to them.
struct Bench {
    fixture: TmuxFixture,
    server: Server,
    control: Arc<Control>,
}

impl Bench {
    async fn new() -> Self {
        let fixture = TmuxFixture::new("unused").unwrap();
        for name in ["agent-1", "agent-10"] {
            let command = [
                "sh",
                "-c",
                &format!("stty -echo; echo up; exec cat > {name}.typed"),
            ];
            let command = command.map(str::to_owned);
            fixture
                .start_command(name, "shell", &command)
                .await
                .unwrap();
        }
        let server = Server::new(fixture.config.clone());
        let control = Control::attach(&server, "=_holder:", false, within(LIMIT)).await;
        let control = Arc::new(control.unwrap());
        Bench {
            fixture,
            server,
            control,
        }
    }

    async fn identity(&self, name: &str) -> Identity {
        let list = CommandList::new([list_panes(None)]);
        let blocks = self.control.request(&[list], within(LIMIT)).await.unwrap();
        let rows = rows(&blocks[0].body);
        pane_of(&rows, name).unwrap().identity.clone()
    }

    /// Pastes and presses Enter under `identity`, with a lease on the pane of `leased`.
    async fn type_to(&self, identity: &Identity, leased: &Identity) -> (Deed, Deed) {
        let manifest = crate::runtime::Catalog::shipped()
            .unwrap()
            .get("shell")
            .unwrap();
        let outgoing = prepare(&manifest, "typed", &SendOptions::new()).unwrap();
        let deadline = within(LIMIT);
        let lease = lease(&self.control, leased).await;
        let typist = Typist {
            server: &self.server,
            control: &self.control,
            identity,
            lease: &lease,
            manifest: &manifest,
            deadline,
        };
        let paste = typist.paste(&outgoing, "hash").await.unwrap();
        let key = typist.press("Enter").await.unwrap();
        lease.give_back(deadline).await;
        (paste, key)
    }

    fn typed(&self, name: &str) -> String {
        std::fs::read_to_string(self.fixture.folder().join(format!("{name}.typed")))
            .unwrap_or_default()
    }

    fn nothing_left(&self) {
        assert_eq!(self.fixture.tmux_text(&["list-buffers"]).unwrap(), "");
    }
}

#[tokio::test]
async fn a_true_identity_is_typed_to_and_no_other_pane_is() {
    let bench = Bench::new().await;
    let agent = bench.identity("agent-1").await;
    assert_eq!(
        bench.type_to(&agent, &agent).await,
        (Deed::Done, Deed::Done)
    );
    let began = SystemTime::now();
    while bench.typed("agent-1") != "typed\n" {
        assert!(
            began.elapsed().unwrap() < LIMIT,
            "{:?}",
            bench.typed("agent-1")
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.typed("agent-10"), "");
    bench.nothing_left();
}

#[tokio::test]
async fn a_false_identity_is_withheld_in_every_part() {
    let bench = Bench::new().await;
    let agent = bench.identity("agent-1").await;
    let other = bench.identity("agent-10").await;
    let falsified: [fn(&mut Identity, &Identity); 4] = [
        |identity, _| identity.server += 1,
        |identity, _| identity.started += 1,
        |identity, _| identity.pane_pid += 1,
        // The guard's target is another agent's pane.
        |identity, other| identity.pane_id.clone_from(&other.pane_id),
    ];
    for falsify in falsified {
        let mut identity = agent.clone();
        falsify(&mut identity, &other);
        let deeds = bench.type_to(&identity, &agent).await;
        assert_eq!(deeds, (Deed::Withheld, Deed::Withheld), "{identity:?}");
        bench.nothing_left();
    }
    // The lease is on another pane.
    assert_eq!(
        bench.type_to(&agent, &other).await,
        (Deed::Withheld, Deed::Withheld)
    );
    assert_eq!(
        (bench.typed("agent-1"), bench.typed("agent-10")),
        (String::new(), String::new())
    );
}

#[tokio::test]
async fn a_question_is_answered_only_while_all_of_it_is_drawn() {
    let bench = Bench::new().await;
    let drawn = "Remove x, y;\nDo you want to proceed?\n1. Yes\n2. No\n";
    let command = ["sh", "-c", &format!("printf '{drawn}'; exec cat")];
    let command = command.map(str::to_owned);
    let fixture = &bench.fixture;
    fixture
        .start_command("asks", "shell", &command)
        .await
        .unwrap();
    while !fixture
        .tmux_text(&["capture-pane", "-p", "-t", "=asks:"])
        .unwrap()
        .contains("2. No")
    {
        tokio::task::yield_now().await;
    }
    let identity = bench.identity("asks").await;
    let claude = crate::runtime::Catalog::shipped().unwrap();
    let manifest = claude.get("claude").unwrap();
    let deadline = within(LIMIT);
    let lease = lease(&bench.control, &identity).await;
    for (seen, deed) in [
        (drawn.replace('x', "z"), Deed::Withheld),
        (drawn.replace("No", "Never"), Deed::Withheld),
        (drawn.to_owned(), Deed::Done),
    ] {
        let screen = Screen::parse(seen.as_bytes(), 80, (0, 0), "");
        let typist = Typist {
            server: &bench.server,
            control: &bench.control,
            identity: &identity,
            lease: &lease,
            manifest: &manifest,
            deadline,
        };
        let dialog = open_dialog(&manifest, &screen).unwrap();
        assert_eq!(typist.answer("1", &dialog).await.unwrap(), deed, "{seen}");
    }
    lease.give_back(deadline).await;
}

#[tokio::test]
async fn a_dead_pane_is_withheld_and_the_server_lives() {
    let bench = Bench::new().await;
    let agent = bench.identity("agent-1").await;
    let pid = crate::runtime::process::pid_of(agent.pane_pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let dead = ["list-panes", "-t", "=agent-1:", "-F", "#{pane_dead}"];
    while bench.fixture.tmux_text(&dead).unwrap() != "1" {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        bench.type_to(&agent, &agent).await,
        (Deed::Withheld, Deed::Withheld)
    );
    bench.nothing_left();
    let server = bench
        .fixture
        .tmux_text(&["display-message", "-p", "#{pid}"])
        .unwrap();
    assert_eq!(server, agent.server.to_string());
}

#[tokio::test]
async fn input_that_is_switched_off_is_withheld() {
    let bench = Bench::new().await;
    let agent = bench.identity("agent-1").await;
    bench
        .fixture
        .tmux_text(&["select-pane", "-d", "-t", "=agent-1:"])
        .unwrap();
    assert_eq!(
        bench.type_to(&agent, &agent).await,
        (Deed::Withheld, Deed::Withheld)
    );
}
