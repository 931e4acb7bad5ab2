//! The operations of a fleet, by name.

use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::{Span, read, set};
use super::asked::{
    Answering, Asking, Draining, Listing, Living, Logging, Looking, LookingAtOne, Nothing, One,
    Opening, Resetting, Sending, Several, Tailing, Waiting, kickstart,
};
use super::{News, document, unknown_operation, versioned};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::fleet::{DrainOptions, Fleet, FleetOptions, LifeOptions, Outcome};
use crate::message::{Receipt, ReceiptId};
use crate::options::{Answer, AnswerOptions, ListOptions, ResetOptions, StatusOptions};
use crate::registry::Registry;

pub(super) const OPERATIONS: &[&str] = &[
    "agent_status",
    "answer",
    "attach_command",
    "close",
    "cutover_plan",
    "doctor",
    "drain",
    "explain",
    "info",
    "leftovers",
    "list",
    "log_command",
    "names",
    "outcome",
    "reset",
    "restart",
    "roster",
    "send",
    "send_each",
    "start",
    "status",
    "stop",
    "tail",
    "verify",
    "wait",
];

pub(super) fn open(arguments: Value, registry: Registry) -> Result<Fleet> {
    let asked: Opening = read(arguments)?;
    let sources = [
        asked.roster.is_some(),
        asked.roster_text.is_some(),
        asked.transport.is_some(),
    ];
    if sources.into_iter().filter(|given| *given).count() > 1 {
        return Err(Error::invalid_argument(
            "roster, roster_text and transport exclude each other",
        ));
    }
    let mut options = FleetOptions::from_environment(asked.environment)
        .with_registry(registry)
        .with_lasting(asked.lasting.unwrap_or(true));
    options.roster = asked.roster;
    options.instance = asked.instance;
    options.roster_text = match asked.transport {
        Some(scheme) => Some(json!({ "version": 1, "transport": scheme }).to_string()),
        None => asked.roster_text,
    };
    Fleet::open(options)
}

#[derive(Serialize)]
struct Sent<'a> {
    receipts: Vec<&'a Receipt>,
    errors: Vec<Unsent<'a>>,
}

#[derive(Serialize)]
struct Unsent<'a> {
    agent: &'a AgentName,
    error: &'a Error,
}

pub(super) async fn call(
    fleet: &Fleet,
    operation: &str,
    arguments: Value,
    news: News<'_>,
) -> Result<Value> {
    match operation {
        "send" => {
            let asked: Sending = read(arguments)?;
            let message = asked.message(fleet).await;
            document(&fleet.send(asked.one()?, message, asked.options()).await?)
        }
        "send_each" => send_each(fleet, &read(arguments)?).await,
        "reset" => {
            let asked: Resetting = read(arguments)?;
            let mut options = ResetOptions::new().with_force(asked.force);
            options.mode = asked.mode;
            set(&mut options.timeout, asked.timeout);
            let kickstart = kickstart(asked.kickstart);
            document(&fleet.reset(&asked.agent, options, &kickstart).await?)
        }
        "status" => {
            let asked: Looking = read(arguments)?;
            document(&fleet.status(&asked.names, !asked.quick).await?)
        }
        "agent_status" => {
            let asked: LookingAtOne = read(arguments)?;
            let mut options = StatusOptions::new();
            options.changed_from = asked.changed_from;
            options.wait = asked.wait.map(|Span(wait)| wait);
            set(&mut options.timeout, asked.timeout);
            document(&fleet.agent_status(&asked.agent, options).await?)
        }
        "list" => {
            let asked: Listing = read(arguments)?;
            let mut options = ListOptions::new().with_composer(!asked.quick);
            set(&mut options.timeout, asked.timeout);
            document(&fleet.list(options).await?)
        }
        "tail" => {
            let asked: Tailing = read(arguments)?;
            document(&fleet.tail(&asked.agent, asked.options()?).await?)
        }
        "answer" => {
            let asked: Answering = read(arguments)?;
            let answer = match (asked.choice, asked.deny) {
                (Some(number), false) => Answer::choice(number)?,
                (None, true) => Answer::Deny,
                _ => {
                    return Err(Error::invalid_argument(
                        "answer takes one of `choice` and `deny`",
                    ));
                }
            };
            let mut options = AnswerOptions::new();
            options.expect = asked.expect;
            set(&mut options.timeout, asked.timeout);
            document(&fleet.answer(&asked.agent, answer, options).await?)
        }
        "outcome" => {
            let asked: Asking = read(arguments)?;
            let receipt = ReceiptId::from_string(asked.receipt);
            document(&fleet.outcome(&receipt).await?)
        }
        "wait" => {
            let asked: Waiting = read(arguments)?;
            if asked.states.is_empty() {
                return Err(Error::invalid_argument("wait for at least one of `states`"));
            }
            let mut timeout = crate::options::DEFAULT_TIMEOUT;
            set(&mut timeout, asked.timeout);
            let reached = fleet.wait_until(&asked.agent, &asked.states, timeout);
            document(&reached.await?)
        }
        _ => keep(fleet, operation, arguments, news).await,
    }
}

/// What is about the fleet as a whole.
async fn keep(fleet: &Fleet, operation: &str, arguments: Value, news: News<'_>) -> Result<Value> {
    let mut tell = |outcome: &Outcome| {
        if let Ok(outcome) = document(outcome) {
            news(outcome);
        }
    };
    match operation {
        "start" | "stop" | "restart" => {
            let asked: Living = read(arguments)?;
            let mut options = LifeOptions::new().with_kickstart(kickstart(asked.kickstart));
            set(&mut options.grace, asked.grace);
            let names = &asked.names;
            let outcomes = match operation {
                "start" => fleet.start(names, &options, tell).await?,
                "stop" => fleet.stop(names, &options, tell).await?,
                _ => fleet.restart(names, &options, tell).await?,
            };
            document(&outcomes)
        }
        "drain" => {
            let asked: Draining = read(arguments)?;
            let mut options = DrainOptions::new().with_force(asked.force);
            set(&mut options.timeout, asked.timeout);
            document(&fleet.drain(&asked.names, &options, &mut tell).await?)
        }
        "cutover_plan" => {
            let asked: Several = read(arguments)?;
            document(&fleet.cutover_plan(&asked.names).await?)
        }
        "explain" => {
            let asked: One = read(arguments)?;
            document(&fleet.explain(&asked.agent).await?)
        }
        "attach_command" => {
            let asked: One = read(arguments)?;
            let words = fleet.attach_command(&asked.agent)?;
            let words = words.iter().map(|word| word.to_string_lossy());
            document(&words.collect::<Vec<_>>())
        }
        "log_command" => {
            let asked: Logging = read(arguments)?;
            let lines = asked.lines.unwrap_or(100);
            document(&fleet.log_command(&asked.agent, lines, asked.follow)?)
        }
        _ => ask(fleet, operation, arguments).await,
    }
}

/// What takes no arguments.
async fn ask(fleet: &Fleet, operation: &str, arguments: Value) -> Result<Value> {
    if !OPERATIONS.contains(&operation) {
        return Err(unknown_operation(operation, OPERATIONS));
    }
    let Nothing {} = read(arguments)?;
    match operation {
        "names" => document(&fleet.names()),
        "roster" => document(fleet.roster()),
        "info" => {
            let transport = fleet.transport();
            let info = transport.info();
            Ok(json!({
                "scheme": info.scheme, "instance": info.instance,
                "capabilities": document(&transport.capabilities())?,
            }))
        }
        "verify" => versioned(&fleet.verify().await?),
        "doctor" => document(&fleet.doctor().await),
        "leftovers" => document(&fleet.leftovers().await),
        "close" => {
            fleet.close().await?;
            Ok(Value::Null)
        }
        _ => Err(unknown_operation(operation, OPERATIONS)),
    }
}

async fn send_each(fleet: &Fleet, asked: &Sending) -> Result<Value> {
    let agents = asked.several(fleet)?;
    let message = asked.message(fleet).await;
    let answers = fleet.send_each(&agents, &message, &asked.options()).await;
    let mut sent = Sent {
        receipts: Vec::new(),
        errors: Vec::new(),
    };
    for (agent, answer) in &answers {
        match answer {
            Ok(receipt) => sent.receipts.push(receipt),
            Err(error) => sent.errors.push(Unsent { agent, error }),
        }
    }
    versioned(&sent)
}
