//! Control clients that come and go all at once must not end the server (tmux 3.3a: it writes to
//! one that is half-way in when another one leaves).

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::{StatusOptions, Transport};

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
