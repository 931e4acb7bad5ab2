//! Events and batches of the stream, as plain data: what a client has read, before anything is made
//! of it.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::Value;

/// An event of a room. What of it cannot be read makes the whole no event.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) sender: OwnedUserId,
    #[serde(default)]
    pub(crate) content: Value,
    pub(crate) event_id: OwnedEventId,
    /// Only on state.
    #[serde(default)]
    pub(crate) state_key: Option<String>,
    #[serde(default)]
    pub(crate) origin_server_ts: u64,
}

/// A message from device to device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ToDevice {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) sender: OwnedUserId,
    #[serde(default)]
    pub(crate) content: Value,
}

/// What came since the last look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    /// Where the next look continues.
    pub(crate) next: String,
    pub(crate) rooms: Vec<RoomBatch>,
    /// Somebody asks us into a room.
    pub(crate) invited: bool,
    /// Rooms that one is no longer in.
    pub(crate) left: Vec<OwnedRoomId>,
    pub(crate) to_device: Vec<ToDevice>,
}

/// What came in one room.
#[derive(Debug, Clone)]
pub(crate) struct RoomBatch {
    pub(crate) room: OwnedRoomId,
    /// There is more before the timeline, from `before` backwards.
    pub(crate) limited: bool,
    pub(crate) before: Option<String>,
    pub(crate) state: Vec<Event>,
    pub(crate) timeline: Vec<Event>,
}
