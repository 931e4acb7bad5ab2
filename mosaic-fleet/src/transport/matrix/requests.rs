//! What is asked of a homeserver, in the words of this module: plain data in, plain data out.

use std::collections::BTreeMap;
use std::time::Duration;

use ruma::api::client as api;
use ruma::api::client::filter::{FilterDefinition, RoomEventFilter};
use ruma::events::receipt::ReceiptThread;
use ruma::events::relation::RelationType;
use ruma::serde::Raw;
use ruma::to_device::DeviceIdOrAllDevices;
use ruma::{DeviceId, EventId, OwnedEventId, OwnedRoomId, RoomId, UInt, UserId, api::Direction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::client::{Client, Patience, Whoami};
use super::error::MatrixError;
use super::event::{Batch, Event, RoomBatch};
use super::protocol::Reference;

type Result<T, E = MatrixError> = std::result::Result<T, E>;

/// Which events of which rooms a stream brings.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamFilter {
    /// Only these rooms; all where it is left out. Invites come anyway.
    pub(crate) rooms: Option<Vec<OwnedRoomId>>,
    /// Only these types on the timeline.
    pub(crate) timeline: Vec<String>,
    /// Only these types of state.
    pub(crate) state: Vec<String>,
    /// The longest timeline of a room in one batch.
    pub(crate) limit: u32,
}

impl StreamFilter {
    fn definition(&self) -> FilterDefinition {
        let mut definition = FilterDefinition::ignore_all();
        let mut timeline = RoomEventFilter::default();
        timeline.types = Some(self.timeline.clone());
        timeline.limit = Some(UInt::from(self.limit));
        let mut state = RoomEventFilter::default();
        state.types = Some(self.state.clone());
        definition.room.rooms.clone_from(&self.rooms);
        definition.room.ephemeral = RoomEventFilter::ignore_all();
        definition.room.account_data = RoomEventFilter::ignore_all();
        definition.room.timeline = timeline;
        definition.room.state = state;
        definition
    }
}

/// A room to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewRoom {
    pub(crate) name: String,
    pub(crate) topic: String,
    /// A Space, not a room to talk in.
    pub(crate) is_space: bool,
    /// State by type, with the empty key, that it has from the first moment.
    pub(crate) state: Vec<(String, Value)>,
    /// The content of its power levels.
    pub(crate) power: Value,
    pub(crate) invite: Vec<ruma::OwnedUserId>,
}

impl Client {
    /// Who the token belongs to.
    pub(crate) async fn whoami(&self, patience: Patience) -> Result<Whoami> {
        let answer = self
            .call(api::account::whoami::v3::Request::new(), patience)
            .await?;
        Ok(Whoami {
            user: answer.user_id,
            device: answer.device_id,
        })
    }

    /// What came since `since`; what is there now where it is left out. The server may wait `wait`
    /// for something to come.
    pub(crate) async fn sync(
        &self,
        since: Option<&str>,
        wait: Duration,
        filter: &StreamFilter,
        patience: Patience,
    ) -> Result<Batch> {
        let mut request = api::sync::sync_events::v3::Request::new();
        request.since = since.map(str::to_owned);
        request.timeout = Some(wait);
        request.set_presence = ruma::presence::PresenceState::Offline;
        request.filter = Some(api::sync::sync_events::v3::Filter::FilterDefinition(
            filter.definition(),
        ));
        let answer = self.call(request, patience.waiting(wait)).await?;
        let rooms = answer
            .rooms
            .join
            .into_iter()
            .map(|(room, joined)| RoomBatch {
                room,
                limited: joined.timeline.limited,
                before: joined.timeline.prev_batch,
                state: match joined.state {
                    api::sync::sync_events::v3::State::Before(state)
                    | api::sync::sync_events::v3::State::After(state) => read(&state.events),
                    _ => Vec::new(),
                },
                timeline: read(&joined.timeline.events),
            });
        let invited = !answer.rooms.invite.is_empty();
        Ok(Batch {
            next: answer.next_batch,
            rooms: rooms.collect(),
            invited,
            left: answer.rooms.leave.into_keys().collect(),
            to_device: read(&answer.to_device.events),
        })
    }

    /// Events of a room from `from` backwards, at most to `to`, the newest first; and where to go on.
    pub(crate) async fn before(
        &self,
        room: &RoomId,
        from: Option<&str>,
        to: Option<&str>,
        types: &[String],
        patience: Patience,
    ) -> Result<(Vec<Event>, Option<String>)> {
        let mut request = api::message::get_message_events::v3::Request::new(
            room.to_owned(),
            Direction::Backward,
        );
        request.from = from.map(str::to_owned);
        request.to = to.map(str::to_owned);
        request.limit = UInt::from(100_u32);
        request.filter.types = Some(types.to_vec());
        let answer = self.call(request, patience).await?;
        Ok((read(&answer.chunk), answer.end))
    }

    /// Puts an event into a room. Made again with the same transaction id it is the same event.
    pub(crate) async fn send<T: Serialize + Sync>(
        &self,
        room: &RoomId,
        kind: &str,
        transaction: &str,
        content: &T,
        patience: Patience,
    ) -> Result<OwnedEventId> {
        let request = api::message::send_message_event::v3::Request::new_raw(
            room.to_owned(),
            transaction.into(),
            kind.into(),
            raw(content)?,
        );
        Ok(self.call(request, patience).await?.event_id)
    }

    /// Sends something to one device of an account, past all rooms.
    pub(crate) async fn to_device<T: Serialize + Sync>(
        &self,
        user: &UserId,
        device: &DeviceId,
        kind: &str,
        transaction: &str,
        content: &T,
        patience: Patience,
    ) -> Result<()> {
        let device = DeviceIdOrAllDevices::DeviceId(device.to_owned());
        let request = api::to_device::send_event_to_device::v3::Request::new_raw(
            kind.into(),
            transaction.into(),
            BTreeMap::from([(user.to_owned(), BTreeMap::from([(device, raw(content)?)]))]),
        );
        self.call(request, patience).await.map(drop)
    }

    /// The content of a room's state; nothing where there is none.
    pub(crate) async fn state(
        &self,
        room: &RoomId,
        kind: &str,
        key: &str,
        patience: Patience,
    ) -> Result<Option<Value>> {
        let request = api::state::get_state_event_for_key::v3::Request::new(
            room.to_owned(),
            kind.into(),
            key.to_owned(),
        );
        match self.call(request, patience).await {
            Ok(answer) => Ok(serde_json::from_str(answer.event_or_content.get()).ok()),
            Err(error) if error.is(&["M_NOT_FOUND"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All state of a room.
    pub(crate) async fn all_state(&self, room: &RoomId, patience: Patience) -> Result<Vec<Event>> {
        let request = api::state::get_state_events::v3::Request::new(room.to_owned());
        Ok(read(&self.call(request, patience).await?.room_state))
    }

    /// Sets a room's state. The same content again makes no event.
    pub(crate) async fn put_state<T: Serialize + Sync>(
        &self,
        room: &RoomId,
        kind: &str,
        key: &str,
        content: &T,
        patience: Patience,
    ) -> Result<()> {
        let request = api::state::send_state_event::v3::Request::new_raw(
            room.to_owned(),
            kind.into(),
            key.to_owned(),
            raw(content)?,
        );
        self.call(request, patience).await.map(drop)
    }

    /// Tells the room that everything up to `event` has arrived here.
    pub(crate) async fn read_up_to(
        &self,
        room: &RoomId,
        event: &EventId,
        patience: Patience,
    ) -> Result<()> {
        let mut request = api::receipt::create_receipt::v3::Request::new(
            room.to_owned(),
            api::receipt::create_receipt::v3::ReceiptType::Read,
            event.to_owned(),
        );
        request.thread = ReceiptThread::Unthreaded;
        self.call(request, patience).await.map(drop)
    }

    /// The events of a type that refer to `event`, the oldest first.
    pub(crate) async fn answers_to(
        &self,
        room: &RoomId,
        event: &EventId,
        kind: &str,
        patience: Patience,
    ) -> Result<Vec<Event>> {
        let mut request =
            api::relations::get_relating_events_with_rel_type_and_event_type::v1::Request::new(
                room.to_owned(),
                event.to_owned(),
                RelationType::from(Reference::TYPE),
                kind.into(),
            );
        request.dir = Direction::Forward;
        request.limit = Some(UInt::from(100_u32));
        Ok(read(&self.call(request, patience).await?.chunk))
    }

    /// One event.
    pub(crate) async fn event(
        &self,
        room: &RoomId,
        event: &EventId,
        patience: Patience,
    ) -> Result<Event> {
        let (room, event) = (room.to_owned(), event.to_owned());
        let request = api::room::get_room_event::v3::Request::new(room, event);
        let answer = self.call(request, patience).await?;
        let read = serde_json::from_str(answer.event.json().get());
        read.map_err(|error| MatrixError::Request(error.to_string()))
    }

    /// Joins a room by its id.
    pub(crate) async fn join(&self, room: &RoomId, patience: Patience) -> Result<()> {
        let request = api::membership::join_room_by_id::v3::Request::new(room.to_owned());
        self.call(request, patience).await.map(drop)
    }

    /// The rooms that one is in.
    pub(crate) async fn joined(&self, patience: Patience) -> Result<Vec<OwnedRoomId>> {
        let request = api::membership::joined_rooms::v3::Request::new();
        Ok(self.call(request, patience).await?.joined_rooms)
    }

    /// Asks an account into a room.
    pub(crate) async fn invite(
        &self,
        room: &RoomId,
        user: &UserId,
        patience: Patience,
    ) -> Result<()> {
        use api::membership::invite_user::v3::{InvitationRecipient, InviteUserId, Request};
        let whom = InvitationRecipient::UserId(InviteUserId::new(user.to_owned()));
        let request = Request::new(room.to_owned(), whom);
        self.call(request, patience).await.map(drop)
    }

    /// Takes an account out of a room, or takes back that it was asked in.
    pub(crate) async fn remove(
        &self,
        room: &RoomId,
        user: &UserId,
        patience: Patience,
    ) -> Result<()> {
        use api::membership::kick_user::v3::Request;
        let mut request = Request::new(room.to_owned(), user.to_owned());
        request.reason = Some("in no list of the roster".to_owned());
        self.call(request, patience).await.map(drop)
    }

    /// Makes a room: invite-only, not encrypted, not federated. Made once: whether it was made is
    /// not known where the answer is lost.
    pub(crate) async fn create_room(
        &self,
        new: NewRoom,
        patience: Patience,
    ) -> Result<OwnedRoomId> {
        use api::room::create_room::v3::{CreationContent, Request};
        let mut creation = CreationContent::new();
        creation.federate = false;
        creation.room_type = new.is_space.then_some(ruma::room::RoomType::Space);
        let mut request = Request::new();
        request.creation_content = Some(raw(&creation)?);
        request.name = Some(new.name);
        request.topic = Some(new.topic);
        request.invite = new.invite;
        request.power_level_content_override = Some(raw(&new.power)?);
        // Who made a room is above all levels in it, for ever: the levels of ours are made for that.
        request.room_version = Some(ruma::RoomVersionId::V12);
        request.preset = Some(api::room::create_room::v3::RoomPreset::PrivateChat);
        let states = new.state.into_iter().map(|(kind, content)| {
            raw(&serde_json::json!({"type": kind, "state_key": "", "content": content}))
        });
        request.initial_state = states.collect::<Result<_>>()?;
        Ok(self.call(request, patience.once()).await?.room_id)
    }

    /// Has the server set a state by itself after `delay`, unless [`put_off`](Client::put_off) comes
    /// before. The answer names it.
    pub(crate) async fn put_state_later<T: Serialize + Sync>(
        &self,
        room: &RoomId,
        kind: &str,
        key: &str,
        content: &T,
        delay: Duration,
        patience: Patience,
    ) -> Result<String> {
        use api::delayed_events::DelayParameters;
        use api::delayed_events::delayed_state_event::unstable::Request;
        let request = Request::new_raw(
            room.to_owned(),
            key.to_owned(),
            kind.into(),
            DelayParameters::Timeout { timeout: delay },
            raw(content)?,
        );
        Ok(self.call(request, patience).await?.delay_id)
    }

    /// Has a state that is to come by itself wait as long again.
    pub(crate) async fn put_off(&self, delayed: &str, patience: Patience) -> Result<()> {
        use api::delayed_events::update_delayed_event::{UpdateAction, unstable_v2};
        let delayed = delayed.to_owned();
        let request = unstable_v2::Request::new(delayed, UpdateAction::Restart);
        self.call(request, patience).await.map(drop)
    }
}

fn raw<T: Serialize, R>(content: &T) -> Result<Raw<R>> {
    let text = to_raw_value(content).map_err(|error| MatrixError::Request(error.to_string()))?;
    Ok(Raw::from_json(text))
}

/// The events that are any: what is none of the specification's does not hide the others.
fn read<R, T: DeserializeOwned>(events: &[Raw<R>]) -> Vec<T> {
    let texts = events.iter().map(|event| event.json().get());
    texts
        .filter_map(|text| serde_json::from_str(text).ok())
        .collect()
}
