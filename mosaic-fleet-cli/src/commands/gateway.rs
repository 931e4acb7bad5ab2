//! `gateway`: the process that brings texts from the rooms of this host's agents to the agents.

use clap::Args;
use mosaic_fleet::transport::matrix::{
    Gateway as Library, GatewayOptions, MATRIX_SCHEME, MatrixConfig, gateway_folder,
};
use mosaic_fleet::transport::tmux::{DEFAULT_SCHEME, short_host_name};
use mosaic_fleet::{Fleet, Result};
use serde_json::Value;

use super::interrupted;
use super::run::{journal, tell_manager};
use crate::app::{Answered, Session};
use crate::exit::Answer;

/// Serve the Matrix rooms of this host's agents, until it is stopped
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    /// This host, as the roster's agents and `matrix: gateways` name it; its short name otherwise
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

impl Gateway {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        journal();
        let host = self.host.clone().unwrap_or_else(short_host_name);
        let whole = session.fleet()?;
        let roster = whole.roster();
        let block = roster.block(MATRIX_SCHEME).unwrap_or(&Value::Null);
        let config = MatrixConfig::from_block(block, &session.environment)?;
        let options = session.options().with_lasting(true);
        let local = Fleet::on_host(roster, &host, DEFAULT_SCHEME, options)?;
        let folder = gateway_folder(&session.environment, &config, &host)?;
        let serving = GatewayOptions::new(&host, local.names(), folder);
        let gateway = Library::new(config, local.transport().clone(), serving)?;
        let stop = async {
            if let Err(error) = interrupted().await {
                tracing::error!(%error, "signals are not heard");
                std::future::pending::<()>().await;
            }
        };
        let agents = local.names().len();
        let ready = || {
            tracing::info!(
                event = "ready",
                host,
                agents,
                "serves {agents} agents of {host}"
            );
            tell_manager(true, &format!("serves {agents} agents"));
        };
        let ran: Result<()> = gateway.run(stop, ready).await;
        let closed = local.close().await;
        ran.and(closed).map(|()| Answer::Done)
    }
}
