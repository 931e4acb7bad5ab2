//! The process of a control client, and when it may be ended.

use tokio::process::Child;

use super::gate::Passage;

/// The process of a control client. It is killed with us, but not while it introduces itself: its
/// server would end by it, as by a notification (`gate.rs`; tmux 3.2 to 3.6, `control_stop`). An
/// end of its input has it go by itself.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) process: Child,
    pub(super) may_be_killed: bool,
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.may_be_killed {
            let _ = self.process.start_kill();
        }
    }
}

/// Keeps everybody out until a client that its server does not answer is gone, or has come and gone.
pub(super) async fn gone(mut client: Client, passage: Passage) {
    let _ = client.process.wait().await;
    drop(passage);
}
