//! What the way over ssh costs: a verified send and a status, beside the same on this host and beside
//! one plain `ssh HOST tmux …` of a connection that is there already. Printed, never judged.

use std::process::Command;
use std::time::{Duration, Instant};

use mosaic_fleet::transport::tmux::TmuxTransport;
use mosaic_fleet::{AgentName, Message, SendOptions, StatusOptions, Transport, Verdict};

use super::sshd::{HOST, Sshd};

const ROUNDS: usize = 12;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

async fn measured(transport: &TmuxTransport, who: &str) -> (f64, f64) {
    let agent = AgentName::new("coder0").unwrap();
    let (mut sends, mut looks) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let began = Instant::now();
        let message = Message::new(format!("{who}, round {round}"));
        let receipt = transport
            .send(&agent, message, SendOptions::new())
            .await
            .unwrap();
        sends.push(began.elapsed());
        assert_eq!(receipt.verdict, Verdict::Submitted);
        let began = Instant::now();
        transport
            .status(&agent, StatusOptions::new())
            .await
            .unwrap();
        looks.push(began.elapsed());
    }
    (median(sends), median(looks))
}

#[tokio::test]
async fn what_the_way_costs() {
    let sshd = Sshd::with_agent("coder0").await;
    let here = measured(&sshd.fixture.connected(), "here, connected").await;
    let here_once = measured(&sshd.fixture.one_shot(), "here, one call").await;
    let far = measured(&sshd.connected(), "far, connected").await;
    let far_once = measured(&sshd.one_shot(), "far, one call").await;
    let environment = &sshd.fixture.config.environment;
    let sockets = format!(
        "ControlPath={}/mosaic-fleet/ssh-%C",
        environment["XDG_RUNTIME_DIR"]
    );
    let mut plain = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut ssh = Command::new("ssh");
        ssh.env_clear()
            .envs(environment)
            .args(["-o", &sockets, HOST]);
        ssh.arg("exec tmux -N -u -L test display-message -p x");
        let output = ssh.output().unwrap();
        plain.push(began.elapsed());
        assert_eq!(
            output.stdout,
            b"x\n",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    eprintln!(
        "median ms of {ROUNDS}, send and status: here {here:.1?}, far {far:.1?} (connected); here {here_once:.1?}, far \
         {far_once:.1?} (one call); plain ssh HOST tmux {:.1}",
        median(plain)
    );
}
