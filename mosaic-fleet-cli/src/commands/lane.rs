//! `lane …`: what work is really open.

use clap::{Args, Subcommand};
use mosaic_fleet::forge::{Forges, IssueFilter, RepoName};
use mosaic_fleet::home::MosaicHome;
use mosaic_fleet::lane::{self, BriefOptions, LinkRules};

use super::ci::Login;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// See what work is really open
#[derive(Debug, Subcommand)]
pub(crate) enum Lane {
    Brief(Brief),
}

impl Lane {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self {
            Lane::Brief(command) => command.run(session).await,
        }
    }
}

/// List the open issues that are free, and those that a pull request is open for
///
/// Every open issue and pull request is read. A pull request is for an issue by a closing word in its
/// text or title, a #number in its title, or a number in its branch's name.
#[derive(Debug, Args)]
pub(crate) struct Brief {
    /// The repository
    #[arg(short = 'r', long, value_name = "OWNER/NAME")]
    repo: RepoName,
    /// Only issues of this milestone: its exact title
    #[arg(short = 'm', long, value_name = "TITLE")]
    milestone: Option<String>,
    /// Only issues with this label: its exact name; may be repeated, all must be there
    #[arg(short = 'l', long = "label", value_name = "NAME")]
    labels: Vec<String>,
    /// Print at most this many of each; all are counted
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Ask the forge itself about each issue that seems free: a request an issue
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    login: Login,
}

impl Brief {
    async fn run(&self, session: &Session) -> Answered {
        let forge = self.login.forge(session, &self.repo).await?;
        let home = MosaicHome::from_environment(&session.environment);
        let rules = Forges::read(&home)?.lane_rules(&self.repo);
        let mut filter = IssueFilter::new();
        filter.milestone.clone_from(&self.milestone);
        filter.labels.clone_from(&self.labels);
        let options = BriefOptions::new()
            .with_filter(filter)
            .with_verify(self.verify)
            .with_rules(LinkRules::from(rules));
        let brief = lane::brief(&*forge, &self.repo, &options).await?;
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(&brief))?,
            false => output.result(&brief.text(self.limit).to_string())?,
        }
        Ok(Answer::Done)
    }
}
