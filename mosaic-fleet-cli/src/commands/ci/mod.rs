//! `ci …`: pipelines, and whether a branch is clear.

mod guard;
mod progress;
mod wait;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use mosaic_fleet::ci::{Ci as Service, InstanceOptions, instance};
use mosaic_fleet::forge::gitea::Gitea;
use mosaic_fleet::forge::{Forge, LoginOptions, RepoName, login};
use mosaic_fleet::{Error, Result};

use crate::app::{Answered, Session};

/// Wait for pipelines, and for a branch to be clear
#[derive(Debug, Subcommand)]
pub(crate) enum Ci {
    Wait(Box<wait::Wait>),
    Status(wait::Status),
    Guard(guard::Guard),
}

impl Ci {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self {
            Ci::Wait(command) => command.run(session).await,
            Ci::Status(command) => command.run(session).await,
            Ci::Guard(command) => command.run(session).await,
        }
    }
}

/// Which CI service is asked, and which forge.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// The CI instance, by its name in $MOSAIC_HOME/forges.yaml; else that of $WOODPECKER_SERVER, else the owner's
    #[arg(short = 'a', long, value_name = "INSTANCE")]
    instance: Option<String>,
    #[command(flatten)]
    login: Login,
}

/// Which forge is asked.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The login on the forge, by its name in tea; else $GITEA_LOGIN, $GITEA_INSTANCE_URL, the owner's, origin's, tea's default
    #[arg(short = 'L', long, value_name = "LOGIN")]
    login: Option<String>,
}

impl Login {
    /// The forge that the repository is on.
    pub(crate) async fn forge(&self, session: &Session, repo: &RepoName) -> Result<Arc<dyn Forge>> {
        let mut options = LoginOptions::new(session.environment.clone(), here()?);
        options.login.clone_from(&self.login);
        let login = login::find(repo, &options).await?;
        for warning in &login.warnings {
            session.output.warning(warning);
        }
        Ok(Arc::new(Gitea::new(&login)?))
    }
}

impl Where {
    /// The service that somebody names. Without one, statuses on the forge do where `forge` is there.
    fn service(
        &self,
        session: &Session,
        repo: &RepoName,
        forge: Option<&Arc<dyn Forge>>,
    ) -> Result<Arc<dyn Service>> {
        let mut options = InstanceOptions::new(session.environment.clone());
        options.instance.clone_from(&self.instance);
        let (service, warnings) = instance::service(repo, &options, forge)?;
        for warning in &warnings {
            session.output.warning(warning);
        }
        Ok(service)
    }
}

/// The folder whose repository may tell more.
pub(super) fn here() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Error::config_invalid("the working directory is not there").with_source(error)
    })
}
