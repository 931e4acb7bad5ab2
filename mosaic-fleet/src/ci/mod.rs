//! Pipelines: whether they are over, and how they ended.
//!
//! A [`Ci`] is asked what it knows of a pipeline. [`wait`] decides from that when a wait is over,
//! [`guard`] whether a branch is clear; both decisions are pure, and take their clock from outside.
//! [`woodpecker`] is the first `Ci`; [`commit_status`] is the second, through a forge alone.

mod ask;
pub mod commit_status;
pub mod guard;
mod head;
pub mod instance;
mod listen;
pub mod status;
mod trouble;
pub mod wait;
pub mod woodpecker;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::Serialize;

use crate::error::Result;
use crate::forge::RepoName;

pub use commit_status::CommitStatusCi;
pub use head::of_head;
pub use instance::{Instance, InstanceOptions};
pub use status::{Phase, Status};
pub use woodpecker::Woodpecker;

/// How long what runs in a pipeline that has ended may go on.
const SETTLE: Duration = Duration::from_secs(60);

/// A service that runs pipelines, as one user sees it. All calls read, so each may be made again,
/// and each may be dropped at any await.
///
/// # Errors
///
/// All methods: `Unauthenticated` for a token that is not accepted; `InvalidArgument` for a repository
/// that the service does not know, or does not show; `PermissionDenied`; `RateLimited`; `Unavailable`
/// when it cannot be reached, or does not answer in time.
#[async_trait]
pub trait Ci: fmt::Debug + Send + Sync + 'static {
    /// Which service; no I/O.
    fn info(&self) -> CiInfo;

    /// Whether it knows us. A service may answer a stranger with less, and without a word.
    async fn check(&self) -> Result<()>;

    /// A pipeline by its number; `None` if there is no such pipeline. `commit` is what the caller
    /// knows of it: a service that keeps no numbers needs it.
    async fn pipeline(
        &self,
        repo: &RepoName,
        number: u64,
        commit: Option<&str>,
    ) -> Result<Option<Pipeline>>;

    /// The pipelines of a commit, the newest first. With `branch` only those of that branch (and of
    /// pull requests that aim at it), which may be found faster.
    async fn of_commit(
        &self,
        repo: &RepoName,
        commit: &str,
        branch: Option<&str>,
    ) -> Result<Vec<Pipeline>>;

    /// The pipelines of a branch that have not ended, the newest first. Those of pull requests are
    /// not of the branch that they aim at.
    async fn active(&self, repo: &RepoName, target: &Target<'_>) -> Result<Vec<Pipeline>>;

    /// What happens to the pipelines of a repository, as it happens; `None` where the service does
    /// not tell. A hint says when to ask, and proves nothing: hints are lost, late and out of order.
    /// The stream ends with an error when it breaks; a new one must be asked for.
    async fn hints(&self, repo: &RepoName) -> Result<Option<Hints>> {
        let _ = repo;
        Ok(None)
    }
}

/// See [`Ci::hints`].
pub type Hints = BoxStream<'static, Result<Hint>>;

/// Something happened to a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// Which.
    pub number: u64,
    /// It is said to have ended.
    pub ended: bool,
}

impl Hint {
    /// Something happened to pipeline `number`.
    pub fn new(number: u64, ended: bool) -> Self {
        Hint { number, ended }
    }
}

/// Which service, and under which name it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CiInfo {
    /// The name of the instance.
    pub instance: String,
    /// Where people find it, with a slash at the end.
    pub url: String,
}

impl CiInfo {
    /// An instance at `url`.
    pub fn new(instance: impl Into<String>, url: impl Into<String>) -> Self {
        CiInfo {
            instance: instance.into(),
            url: url.into(),
        }
    }
}

/// A branch, and the commit at its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target<'a> {
    /// Its name.
    pub branch: &'a str,
    /// Its head.
    pub head: &'a str,
}

impl<'a> Target<'a> {
    /// `branch`, with its head.
    pub fn new(branch: &'a str, head: &'a str) -> Self {
        Target { branch, head }
    }
}

/// A pipeline, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipeline {
    /// What people call it. A number can be given away again; `id` never is.
    pub number: u64,
    /// Which one it really is; 0 where the service does not say.
    pub id: u64,
    /// How it is.
    pub status: Status,
    /// The commit that it is about.
    pub commit: String,
    /// The branch; for a pull request the one that it aims at.
    pub branch: String,
    /// What it was started by: `push`, `pull_request`, `manual`, `cron`, …
    pub event: String,
    /// When it began, in Unix seconds by the service's clock.
    pub started: Option<u64>,
    /// When it ended, likewise.
    pub finished: Option<u64>,
    /// Its parts, where they were asked for.
    pub workflows: Vec<Workflow>,
    /// That somebody or something ended it, and what took its place.
    pub canceled: Option<Canceled>,
    /// The number of the pipeline that this one does once more.
    pub parent: Option<u64>,
    /// Where people see it.
    pub url: String,
}

impl Pipeline {
    /// A pipeline about nothing in particular.
    pub fn new(number: u64, status: Status) -> Self {
        Pipeline {
            number,
            id: 0,
            status,
            commit: String::new(),
            branch: String::new(),
            event: String::new(),
            started: None,
            finished: None,
            workflows: Vec::new(),
            canceled: None,
            parent: None,
            url: String::new(),
        }
    }

    /// Whether nothing of it runs or waits to run: not even a workflow that a cancel has not reached.
    pub fn is_quiet(&self) -> bool {
        let runs = |workflow: &Workflow| {
            matches!(workflow.status.phase(), Phase::Waiting | Phase::Running)
        };
        self.status.phase() == Phase::Ended && !self.workflows.iter().any(runs)
    }

    /// What runs now, for people: the names of steps, or of workflows without any.
    pub fn at_work(&self) -> Vec<&str> {
        let running = |status: &Status| status.phase() == Phase::Running;
        let workflows = self.workflows.iter().filter(|work| running(&work.status));
        workflows
            .flat_map(|workflow| {
                let steps = workflow.steps.iter().filter(|step| running(&step.status));
                let mut names: Vec<&str> = steps.map(|step| step.name.as_str()).collect();
                if names.is_empty() {
                    names.push(&workflow.name);
                }
                names
            })
            .collect()
    }

    /// Whether the service says that it was canceled, whatever its status is. One that does another
    /// one once more may have that from the other, so its own status tells.
    pub fn was_canceled(&self) -> bool {
        self.canceled.is_some() && self.parent.is_none()
    }

    /// Whether it was started for a pull request; then its branch is only what that aims at.
    pub fn is_of_pull(&self) -> bool {
        self.event.starts_with("pull_request")
    }
}

/// A part of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// Its steps.
    pub steps: Vec<Step>,
}

impl Workflow {
    /// A workflow without steps.
    pub fn new(name: impl Into<String>, status: Status) -> Self {
        Workflow {
            name: name.into(),
            status,
            steps: Vec::new(),
        }
    }
}

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: Status,
}

impl Step {
    /// A step.
    pub fn new(name: impl Into<String>, status: Status) -> Self {
        Step {
            name: name.into(),
            status,
        }
    }
}

/// That a pipeline was canceled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Canceled {
    /// Who did it, where a person did.
    pub by: Option<String>,
    /// The pipeline that took its place.
    pub superseded_by: Option<u64>,
}

impl Canceled {
    /// Canceled, nobody says why.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another pipeline took its place.
    #[must_use]
    pub fn with_superseded_by(mut self, number: u64) -> Self {
        self.superseded_by = Some(number);
        self
    }
}
