//! What a transport claims to be able to do, as data.

use serde::{Deserialize, Serialize};

use crate::message::EvidenceKind;

/// The claims of a transport, built from [`Capabilities::NONE`] with `with_*`.
///
/// [`CapabilityCheck`](crate::layer::CapabilityCheck) turns a request for anything unclaimed into
/// `Unsupported` before any I/O, and the conformance suite checks both directions: what is claimed
/// works, what is not claimed is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Capabilities {
    /// Texts can be sent.
    pub send: bool,
    /// A busy agent's program holds messages, and the transport can tell (`Verdict::Queued`).
    pub queue: bool,
    /// The best evidence a send can come back with.
    pub confirm: EvidenceKind,
    /// An idempotency key makes a send repeatable.
    pub idempotent: bool,
    /// The largest body, in bytes, if there is a limit.
    pub max_message_bytes: Option<u64>,
    /// Conversations can be emptied.
    pub reset_clear: bool,
    /// New sessions can be begun.
    pub reset_new: bool,
    /// Questions of agents can be answered.
    pub answer: bool,
    /// One agent's state can be asked.
    pub status: bool,
    /// Output can be read.
    pub tail: bool,
    /// Output can be read on from a cursor.
    pub tail_cursor: bool,
    /// All agents can be listed.
    pub list: bool,
    /// Long polls (`wait`) can be asked for, and end on events instead of at their deadline.
    pub events: bool,
}

macro_rules! with {
    ($($(#[$doc:meta])* $with:ident $field:ident: $type:ty),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub const fn $with(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )*};
}

impl Capabilities {
    /// No claim at all.
    pub const NONE: Capabilities = Capabilities {
        send: false,
        queue: false,
        confirm: EvidenceKind::None,
        idempotent: false,
        max_message_bytes: None,
        reset_clear: false,
        reset_new: false,
        answer: false,
        status: false,
        tail: false,
        tail_cursor: false,
        list: false,
        events: false,
    };

    with! {
        /// Claims sending.
        with_send send: bool,
        /// Claims that queued messages are told apart.
        with_queue queue: bool,
        /// Claims the best evidence of a send.
        with_confirm confirm: EvidenceKind,
        /// Claims idempotency keys.
        with_idempotent idempotent: bool,
        /// States the largest body in bytes.
        with_max_message_bytes max_message_bytes: Option<u64>,
        /// Claims `ResetMode::Clear`.
        with_reset_clear reset_clear: bool,
        /// Claims `ResetMode::New`.
        with_reset_new reset_new: bool,
        /// Claims answering questions.
        with_answer answer: bool,
        /// Claims status.
        with_status status: bool,
        /// Claims tail.
        with_tail tail: bool,
        /// Claims cursors of tail.
        with_tail_cursor tail_cursor: bool,
        /// Claims list.
        with_list list: bool,
        /// Claims that long polls end on events.
        with_events events: bool,
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::NONE
    }
}
