//! What a transport claims, as bits.

use mosaic_fleet::{Capabilities, Error, EvidenceKind};

use super::code::mf_evidence;
use super::guard::Outcome;
use super::options::by_number;

/// Texts can be sent.
pub const MF_CAN_SEND: u32 = 1;
/// A busy agent's program holds messages, and the transport can tell (`MF_VERDICT_QUEUED`).
pub const MF_CAN_QUEUE: u32 = 2;
/// An idempotency key makes a send repeatable.
pub const MF_CAN_IDEMPOTENT: u32 = 4;
/// Conversations can be emptied.
pub const MF_CAN_RESET_CLEAR: u32 = 8;
/// New sessions can be begun.
pub const MF_CAN_RESET_NEW: u32 = 16;
/// Questions of agents can be answered.
pub const MF_CAN_ANSWER: u32 = 32;
/// One agent's state can be asked.
pub const MF_CAN_STATUS: u32 = 64;
/// Output can be read.
pub const MF_CAN_TAIL: u32 = 128;
/// Output can be read on from a cursor.
pub const MF_CAN_TAIL_CURSOR: u32 = 256;
/// All agents can be listed.
pub const MF_CAN_LIST: u32 = 512;
/// Long polls (`wait_ms`) can be asked for, and end on events instead of at their deadline.
pub const MF_CAN_EVENTS: u32 = 1024;

/// All bits that this version knows.
const KNOWN: u32 = 2047;

/// What the bits claim.
pub(super) fn capabilities(
    bits: u32,
    confirm: mf_evidence,
    max_message_bytes: u64,
) -> Outcome<Capabilities> {
    if bits & !KNOWN != 0 {
        let unknown = bits & !KNOWN;
        let error = format!("a capability that this library does not know: {unknown:#x}");
        return Err(Error::invalid_argument(error).into());
    }
    let claims = |bit: u32| bits & bit != 0;
    Ok(Capabilities::NONE
        .with_send(claims(MF_CAN_SEND))
        .with_queue(claims(MF_CAN_QUEUE))
        .with_confirm(by_number::<EvidenceKind>(confirm)?)
        .with_idempotent(claims(MF_CAN_IDEMPOTENT))
        .with_max_message_bytes((max_message_bytes > 0).then_some(max_message_bytes))
        .with_reset_clear(claims(MF_CAN_RESET_CLEAR))
        .with_reset_new(claims(MF_CAN_RESET_NEW))
        .with_answer(claims(MF_CAN_ANSWER))
        .with_status(claims(MF_CAN_STATUS))
        .with_tail(claims(MF_CAN_TAIL))
        .with_tail_cursor(claims(MF_CAN_TAIL_CURSOR))
        .with_list(claims(MF_CAN_LIST))
        .with_events(claims(MF_CAN_EVENTS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_a_claim_of_its_own() {
        let all = serde_json::json!(capabilities(KNOWN, 5, 9).ok().unwrap());
        for (name, value) in all.as_object().unwrap() {
            assert_ne!(*value, false, "{name}");
        }
        for bit in 0..KNOWN.count_ones() {
            let one = serde_json::json!(capabilities(1 << bit, 0, 0).ok().unwrap());
            let claims = one
                .as_object()
                .unwrap()
                .values()
                .filter(|value| **value == true);
            assert_eq!(claims.count(), 1, "bit {bit}");
        }
        assert!(capabilities(KNOWN + 1, 0, 0).is_err());
        assert!(capabilities(0, 6, 0).is_err());
    }
}
