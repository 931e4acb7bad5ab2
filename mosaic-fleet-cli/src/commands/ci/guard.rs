//! `ci guard`: may I push, may I merge?

use std::time::Duration;

use clap::{Args, ValueEnum};
use mosaic_fleet::ci::guard::{GuardOptions, GuardResult, Purpose, guard, whole_commit};
use mosaic_fleet::forge::{Origin, RepoName};
use mosaic_fleet::text::one_line;
use mosaic_fleet::{Error, Result};

use super::{Where, here};
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;
use crate::values;

/// Wait until a branch is clear for a push or a merge
///
/// push: nothing is active on the branch. merge: also, the head's own pipeline succeeded. Pipelines of
/// pull requests are not the branch's. Without a CI instance the statuses of the head are read, which
/// do not tell of older commits. This is no lock: another may push at the same moment.
#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// What the branch is to be clear for: push or merge
    #[arg(long, value_name = "push|merge", hide_possible_values = true)]
    purpose: For,
    /// The branch; the default branch without it
    #[arg(short = 'B', long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The repository; that of origin without it
    #[arg(short = 'r', long, value_name = "OWNER/NAME")]
    repo: Option<RepoName>,
    /// The commit whose pipeline is meant, instead of the branch's head
    #[arg(long, value_name = "SHA", value_parser = whole_commit)]
    head: Option<String>,
    /// Look at least this often
    #[arg(short, long, value_name = "DURATION", default_value = "15s", value_parser = values::duration)]
    interval: Duration,
    /// The longest time to wait; one look always comes before
    #[arg(short, long, value_name = "DURATION", default_value = "15m", value_parser = values::duration)]
    timeout: Duration,
    /// How long a head may be without a pipeline before it counts as one that has none
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = values::duration)]
    grace: Duration,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum For {
    Push,
    Merge,
}

impl Guard {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let repo = match &self.repo {
            Some(repo) => repo.clone(),
            None => origin(session).await?,
        };
        let forge = self.place.login.forge(session, &repo).await?;
        let ci = self.place.service(session, &repo, Some(&forge))?;
        let purpose = match self.purpose {
            For::Push => Purpose::Push,
            For::Merge => Purpose::Merge,
        };
        let mut options = GuardOptions::new(purpose)
            .with_timeout(self.timeout)
            .with_interval(self.interval)
            .with_grace(self.grace);
        options.head.clone_from(&self.head);
        let output = &session.output;
        let mut waits =
            |why: &str| output.progress(&format!("ci-guard: waiting: {}\n", one_line(why)));
        let branch = self.branch.as_deref();
        let guarded = guard(&*forge, &*ci, &repo, branch, &options, &mut waits).await?;
        output.result(&format!("{}\n", guarded.summary(&options)))?;
        if output.is_json() {
            output.document(&Document::new(&guarded))?;
        }
        Ok(match guarded.result {
            GuardResult::Clear => Answer::Done,
            GuardResult::Otherwise => Answer::Otherwise,
            GuardResult::TimedOut => Answer::TimedOut,
            _ => Answer::Unknown,
        })
    }
}

async fn origin(session: &Session) -> Result<RepoName> {
    let found = Origin::of(&here()?, &session.environment).await;
    found.map(|origin| origin.repo).ok_or_else(|| {
        Error::invalid_argument("this folder has no `origin` that names a repository")
            .with_hint("name it: -r OWNER/NAME")
    })
}
