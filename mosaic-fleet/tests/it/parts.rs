//! One roster, several places: each agent is reached where it is, and no place hides another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mosaic_fleet::registry::{Context, Factory, Reach};
use mosaic_fleet::transport::memory::{MemoryOptions, MemoryTransport};
use mosaic_fleet::{
    AgentName, AgentState, DynTransport, Error, ErrorKind, Fleet, FleetOptions, ListOptions,
    Message, Registry, Result, SendOptions,
};
use serde_json::Value;

/// The transports that were opened, by their host.
type Opened = Arc<Mutex<BTreeMap<String, MemoryTransport>>>;

fn name(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

/// A scheme with a transport for each host. Nobody answers on `dead`, and `broken` has no transport.
fn hosts(opened: &Opened) -> Factory {
    let opened = Arc::clone(opened);
    Arc::new(move |_: &Value, context: &Context| {
        let host = context.host.clone().unwrap_or_else(|| "here".to_owned());
        if host == "broken" {
            return Err(Error::config_invalid("nothing is known of that host"));
        }
        let agents = ["same", "far", "more"].map(name);
        let agents = agents.into_iter().filter(|_| host != "here");
        let options = MemoryOptions::new()
            .with_instance(&host)
            .with_agents(agents);
        let transport = MemoryTransport::with_options(options);
        transport.set_reachable(host != "dead");
        opened.lock().unwrap().insert(host, transport.clone());
        Ok(Arc::new(transport) as DynTransport)
    })
}

struct Mixed {
    fleet: Fleet,
    opened: Opened,
    _home: tempfile::TempDir,
}

fn mixed(agents: &str) -> Mixed {
    let home = tempfile::tempdir().unwrap();
    let opened = Opened::default();
    let mut registry = Registry::builtin();
    let factory = hosts(&opened);
    registry
        .register_reaching("hosts", Reach::EachHost, factory)
        .unwrap();
    let afar = MemoryOptions::new()
        .with_instance("afar")
        .with_agents([name("distant")]);
    let afar: DynTransport = Arc::new(MemoryTransport::with_options(afar));
    let factory: Factory = Arc::new(move |_: &Value, context: &Context| {
        assert_eq!(context.host, None, "it knows where its agents are");
        Ok(Arc::clone(&afar))
    });
    registry
        .register_reaching("everywhere", Reach::Everywhere, factory)
        .unwrap();
    let environment = [("HOME".to_owned(), home.path().display().to_string())];
    let options = FleetOptions::from_environment(environment)
        .with_roster_text(format!("version: 1\ntransport: hosts\nagents:\n{agents}"))
        .with_registry(registry);
    Mixed {
        fleet: Fleet::open(options).unwrap(),
        opened,
        _home: home,
    }
}

const AGENTS: &str = "
  - { name: same, class: here }
  - { name: far, host: box1 }
  - { name: lost, host: dead }
  - { name: odd, host: broken }
  - { name: distant, transport: everywhere, host: box9 }
  - { name: stuck, transport: memory, host: box1 }
";

impl Mixed {
    fn on(&self, host: &str) -> MemoryTransport {
        self.opened.lock().unwrap()[host].clone()
    }

    async fn send(&self, to: &str) -> Result<String> {
        let (to, message) = (name(to), Message::new("do it"));
        let receipt = self.fleet.send(&to, message, SendOptions::new()).await?;
        Ok(receipt.transport)
    }
}

#[tokio::test]
async fn a_text_goes_where_its_agent_is_and_nowhere_else() {
    let mixed = mixed(AGENTS);
    // Both places have a `same`; the roster's is here.
    mixed.on("here").add_agent(name("same"));
    assert_eq!(mixed.send("same").await.unwrap(), "memory:here");
    assert_eq!(mixed.send("far").await.unwrap(), "memory:box1");
    assert_eq!(mixed.send("distant").await.unwrap(), "memory:afar");
    assert_eq!(mixed.on("here").inbox(&name("same")).len(), 1);
    assert_eq!(mixed.on("box1").inbox(&name("same")).len(), 0);
    assert_eq!(mixed.on("box1").inbox(&name("far")).len(), 1);
    let kind = |result: Result<String>| result.unwrap_err().kind();
    assert_eq!(kind(mixed.send("lost").await), ErrorKind::Unavailable);
    assert_eq!(kind(mixed.send("odd").await), ErrorKind::ConfigInvalid);
    // A transport of this host only is not asked for one of another.
    let error = mixed.send("stuck").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("another host (box1)"), "{error}");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("run mosaic-fleet on that host")
    );
    // One that no roster has is sought here, not on every host.
    assert_eq!(kind(mixed.send("more").await), ErrorKind::AgentNotFound);
}

#[tokio::test]
async fn a_place_that_does_not_answer_hides_no_other() {
    let mixed = mixed(AGENTS);
    let status = mixed.fleet.status(&[], true).await.unwrap();
    let shown = |in_roster: bool| -> Vec<(String, AgentState, Option<String>)> {
        let agents = status
            .agents
            .iter()
            .filter(|agent| agent.in_roster == in_roster);
        let agents = agents.map(|agent| &agent.status);
        let agents = agents.map(|one| (one.name.to_string(), one.state, one.host.clone()));
        agents.collect()
    };
    let expected = [
        ("same", AgentState::Stopped, None),
        ("far", AgentState::Idle, Some("box1")),
        ("lost", AgentState::Unknown, Some("dead")),
        ("odd", AgentState::Unknown, Some("broken")),
        ("distant", AgentState::Idle, Some("box9")),
        ("stuck", AgentState::Unknown, Some("box1")),
    ]
    .map(|(name, state, host)| (name.to_owned(), state, host.map(str::to_owned)));
    assert_eq!(shown(true), expected);
    // The `same` of another host is told, and not taken for the roster's.
    let besides: Vec<String> = shown(false).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(besides, ["more", "same"]);
    let scopes: Vec<&str> = status.errors.iter().map(|one| one.scope.as_str()).collect();
    assert_eq!(scopes, ["memory:dead", "hosts:broken", "memory:box1"]);
    // Who asks only for those that can be asked hears of no error of theirs.
    let list = mixed.fleet.list(ListOptions::new()).await;
    assert_eq!(list.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn all_are_closed() {
    let mixed = mixed(AGENTS);
    mixed.send("far").await.unwrap();
    mixed.fleet.close().await.unwrap();
    let error = mixed.send("far").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn a_scheme_that_is_named_twice_is_one_place() {
    let mixed = mixed("\n  - { name: same, transport: hosts }\n  - { name: far }\n");
    assert_eq!(mixed.opened.lock().unwrap().len(), 1);
    let one = mixed.fleet.transport_of(&name("same")).unwrap();
    assert!(Arc::ptr_eq(&one, mixed.fleet.transport()));
}
