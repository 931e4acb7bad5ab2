//! The scripted agents in the same run, so that their times stand beside the real programs'.

use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{TransportExt, Verdict};

use crate::scenarios::median;
use crate::stage::Stage;

/// Texts to idle scripted agents of both styles: how long a verified send takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle() {
    for (style, script) in [("line", Script::new()), ("box", Script::boxed())] {
        let fixture = TmuxFixture::new(env!("CARGO_BIN_EXE_scripted-agent")).unwrap();
        fixture.start("coder0", &script).await.unwrap();
        fixture.ready("coder0").await.unwrap();
        let transport = fixture.connected();
        let mut times: Vec<Duration> = Vec::new();
        let mut texts = Vec::new();
        for number in 0..50 {
            let text = format!("number {number}\nsecond line; with 'quotes' and 中文");
            let receipt = transport.send_text(&Stage::agent(), &text).await.unwrap();
            assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
            times.push(receipt.elapsed);
            texts.push(text);
        }
        assert_eq!(fixture.took("coder0").unwrap(), texts);
        eprintln!(
            "scripted {style}: 50 of 50 delivered once and exactly; receipt after {:.2?} (median)",
            median(times)
        );
    }
}
