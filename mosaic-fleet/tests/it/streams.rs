//! The streams of a fleet, over the in-process transport.

use std::sync::Arc;

use futures::{StreamExt, pin_mut};
use mosaic_fleet::transport::memory::{MemoryOptions, MemoryTransport};
use mosaic_fleet::{AgentName, AgentState, ErrorKind, Fleet, FleetOptions, Registry, TailOptions};

#[tokio::test(start_paused = true)]
async fn a_fleet_is_watched_and_followed() {
    let home = tempfile::tempdir().unwrap();
    let roster = home.path().join("roster.yaml");
    let text = "version: 1\ntransport: mine\nagents: [{ name: a }, { name: b }]\n";
    std::fs::write(&roster, text).unwrap();
    let [a, b] = ["a", "b"].map(|name| AgentName::new(name).unwrap());
    let mine = MemoryTransport::with_options(MemoryOptions::new().with_agents([a.clone()]));
    let mut registry = Registry::builtin();
    let shared = mine.clone();
    let factory = Arc::new(move |_: &_, _: &_| -> mosaic_fleet::Result<_> {
        let transport: mosaic_fleet::DynTransport = Arc::new(shared.clone());
        Ok(transport)
    });
    registry.register("mine", factory).unwrap();
    let environment = [("HOME".to_owned(), home.path().display().to_string())];
    let options = FleetOptions::from_environment(environment)
        .with_roster(&roster)
        .with_registry(registry);
    let fleet = Fleet::open(options).unwrap();

    let changes = fleet.watch(&[]);
    pin_mut!(changes);
    let mut first = Vec::new();
    for _ in 0..2 {
        let (name, status) = changes.next().await.unwrap();
        first.push((name.to_string(), status.unwrap().state));
    }
    first.sort_by(|left, right| left.0.cmp(&right.0));
    let expected = [("a", AgentState::Idle), ("b", AgentState::Stopped)];
    assert_eq!(
        first,
        expected.map(|(name, state)| (name.to_owned(), state))
    );
    // One that was not there is told when it is.
    mine.add_agent(b.clone());
    let (name, status) = changes.next().await.unwrap();
    assert_eq!((name, status.unwrap().state), (b, AgentState::Idle));
    mine.set_state(&a, AgentState::Working).unwrap();
    let (name, status) = changes.next().await.unwrap();
    assert_eq!((&name, status.unwrap().state), (&a, AgentState::Working));

    let pieces = fleet.follow(&a, TailOptions::new());
    pin_mut!(pieces);
    assert!(pieces.next().await.unwrap().unwrap().lines.is_empty());
    mine.say(&a, "hello").unwrap();
    assert_eq!(pieces.next().await.unwrap().unwrap().lines, ["hello"]);
    let nobody = AgentName::new("nobody").unwrap();
    let strangers = [nobody];
    let watched = fleet.watch(&strangers);
    pin_mut!(watched);
    let (_, status) = watched.next().await.unwrap();
    assert_eq!(status.unwrap_err().kind(), ErrorKind::AgentNotFound);
    assert!(watched.next().await.is_none());
}
