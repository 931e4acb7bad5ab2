//! `agent …`: the roster's agents, and what is done with one.

use clap::{Args, Subcommand};
use mosaic_fleet::roster::Persona;
use mosaic_fleet::{AgentName, Fleet};
use serde::Serialize;

use super::answer::Answer as AnswerIt;
use super::attach::Attach;
use super::logs::Logs;
use super::reset::Reset;
use super::run::Run;
use super::send::Send;
use super::status;
use super::tail::Tail;
use super::wait::Wait;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;

/// Talk to agents: send, reset, answer, wait, tail, …
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    Roster(List),
    Status(One),
    Send(Box<Send>),
    Reset(Reset),
    Answer(AnswerIt),
    Wait(Wait),
    Tail(Tail),
    Logs(Logs),
    Attach(Attach),
    Run(Run),
}

/// List the agents that should be there, and what each is for
#[derive(Debug, Args)]
pub(crate) struct List {}

/// Show how one agent is; all without a name
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: Option<AgentName>,
}

/// What an orchestrator needs to know of an agent. No environment: it may hold secrets.
#[derive(Serialize)]
struct Entry {
    name: AgentName,
    class: Option<String>,
    runtime: String,
    model_hint: Option<String>,
    reset_between_tasks: bool,
    persistent_persona: Persona,
    working_directory: Option<String>,
    host: Option<String>,
}

#[derive(Serialize)]
struct Entries {
    agents: Vec<Entry>,
}

impl Agent {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self {
            Agent::Roster(_) => list(session),
            Agent::Status(one) => status::one(session, one.agent.as_slice()).await,
            Agent::Send(send) => Box::pin(send.run(session)).await,
            Agent::Reset(reset) => Box::pin(reset.run(session)).await,
            Agent::Answer(answer) => Box::pin(answer.run(session)).await,
            Agent::Wait(wait) => Box::pin(wait.run(session)).await,
            Agent::Tail(tail) => Box::pin(tail.run(session)).await,
            Agent::Logs(logs) => Box::pin(logs.run(session)).await,
            Agent::Attach(attach) => attach.run(session).await,
            Agent::Run(run) => Box::pin(run.run(session)).await,
        }
    }
}

fn list(session: &Session) -> Answered {
    let fleet = session.fleet()?;
    let agents = entries(&fleet);
    let output = &session.output;
    if output.is_json() {
        output.document(&Document::new(Entries { agents }))?;
        return Ok(Answer::Done);
    }
    if agents.is_empty() {
        output.progress("no agents; write a roster with `mosaic-fleet init --write`\n");
        return Ok(Answer::Done);
    }
    let header = ["NAME", "CLASS", "RUNTIME", "MODEL", "CONVERSATION"];
    let mut table = human::table(output.colours(), &header);
    for agent in &agents {
        let conversation = match (agent.persistent_persona, agent.reset_between_tasks) {
            (Persona::Yes, _) => "kept",
            (Persona::Semi, _) => "kept if it can be",
            (_, true) => "reset between tasks",
            _ => "",
        };
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([
            agent.name.to_string(),
            dash(&agent.class),
            agent.runtime.clone(),
            dash(&agent.model_hint),
            conversation.to_owned(),
        ]);
    }
    output.result(&human::rendered(table))?;
    Ok(Answer::Done)
}

fn entries(fleet: &Fleet) -> Vec<Entry> {
    let names = fleet.names();
    let agents = names.iter().filter_map(|name| fleet.agent(name).ok());
    agents
        .map(|agent| Entry {
            name: agent.name.clone(),
            class: agent.class.clone(),
            runtime: fleet.roster().runtime(agent).to_owned(),
            model_hint: agent.model_hint.clone(),
            reset_between_tasks: agent.reset_between_tasks,
            persistent_persona: agent.persistent_persona,
            working_directory: agent.working_directory.clone(),
            host: agent.host.clone(),
        })
        .collect()
}
