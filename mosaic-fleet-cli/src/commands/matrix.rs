//! `matrix provision`: the Space and rooms of a fleet, made as the roster has them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mosaic_fleet::transport::matrix::{
    MATRIX_SCHEME, MatrixConfig, Provision as Library, ProvisionStep, Provisioned, RoomAgent,
};
use serde_json::{Value, json};

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// Set a fleet up on a Matrix homeserver
#[derive(Debug, Subcommand)]
pub(crate) enum Matrix {
    Provision(Provision),
}

/// Make the Space, rooms and levels that the roster asks for; what is there already is left as it is
#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Take accounts that no list of the roster names out of the rooms
    #[arg(long)]
    remove: bool,
    /// The file with the admin's token, instead of the roster's token_file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Matrix {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self {
            Matrix::Provision(command) => command.run(session).await,
        }
    }
}

impl Provision {
    async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let roster = fleet.roster();
        let mut block = roster.block(MATRIX_SCHEME).cloned().unwrap_or(Value::Null);
        if let (Some(file), Some(fields)) = (&self.token_file, block.as_object_mut()) {
            fields.insert("token_file".to_owned(), json!(file));
        }
        let config = MatrixConfig::from_block(&block, &session.environment)?;
        let gateways = block.get("gateways").cloned().unwrap_or_default();
        let agents = roster.agents.iter().filter_map(|agent| {
            let host = agent.host.as_deref()?;
            let scheme = agent.transport.as_ref().unwrap_or(&roster.transport);
            let has_room = scheme == MATRIX_SCHEME || gateways.get(host).is_some();
            has_room.then(|| RoomAgent::new(agent.name.clone(), host))
        });
        let library = Library::new(config, agents.collect())?.with_removal(self.remove);
        let output = &session.output;
        let dry = self.dry_run;
        let told = |step: &ProvisionStep| output.progress(&format!("{}\n", words(step, dry)));
        let provisioned = library.run(dry, told).await?;
        if output.is_json() {
            output.document(&Document::new(&provisioned))?;
        } else {
            output.result(&text(&provisioned, dry))?;
        }
        Ok(Answer::Done)
    }
}

fn words(step: &ProvisionStep, dry: bool) -> String {
    let would = if dry { "would " } else { "" };
    let room = |agent: &Option<mosaic_fleet::AgentName>| match agent {
        Some(agent) => format!("the room of {agent}"),
        None => "the Space".to_owned(),
    };
    match step {
        ProvisionStep::MakeSpace => format!("{would}make the Space"),
        ProvisionStep::MakeRoom { agent } => format!("{would}make the room of {agent}"),
        ProvisionStep::PutIntoSpace { agent } => {
            format!("{would}put the room of {agent} into the Space")
        }
        ProvisionStep::SetAgent { agent } => {
            format!("{would}say in the room of {agent} which host and gateway are its")
        }
        ProvisionStep::SetLevels { agent } => format!("{would}set the levels of {}", room(agent)),
        ProvisionStep::Invite { agent, account } => {
            format!("{would}invite {account} into {}", room(agent))
        }
        ProvisionStep::TakeOutOfSpace { agent } => {
            format!("{would}take the room of {agent} out of the Space")
        }
        ProvisionStep::Left { agent, account } => format!(
            "{account} is in {} and in no list of the roster: it may send nothing, and reads on until you remove it (--remove)",
            room(agent)
        ),
        ProvisionStep::Remove { agent, account } => {
            format!("{would}take {account} out of {}", room(agent))
        }
        other => format!("{would}do {other:?}"),
    }
}

fn text(provisioned: &Provisioned, dry: bool) -> String {
    match &provisioned.space {
        None => String::new(),
        Some(_) if dry && provisioned.steps.is_empty() => "all is there\n".to_owned(),
        Some(space) => format!(
            "in the roster, under `matrix:`\n  space: \"{space}\"\n  admin: \"{}\"\n",
            provisioned.admin
        ),
    }
}
