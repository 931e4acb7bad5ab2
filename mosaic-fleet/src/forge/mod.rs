//! What a forge knows of a repository: its open issues and pull requests, which closes which, the
//! head of a branch and the statuses of a commit. Nothing is ever written to a forge.
//!
//! What follows from that is decided elsewhere, by pure functions: [`lane`](crate::lane) says what is
//! free and what is underway, `ci` says whether a pipeline is over. Which
//! login is used is decided in [`login`].

mod choice;
pub mod forges;
pub mod gitea;
pub mod login;
pub mod origin;
mod program;
pub mod repo;
mod secret_file;
pub mod tea;
mod yaml;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

use crate::error::Result;

pub use forges::Forges;
pub use gitea::Gitea;
pub use login::{Login, LoginOptions};
pub use origin::Origin;
pub use repo::RepoName;
pub use tea::TeaLogins;

/// A forge, as one login sees it. All calls read, so each may be made again, and each may be dropped
/// at any await.
///
/// Every list is complete or the call fails: an issue that is missing would be an answer that lies.
///
/// # Errors
///
/// All methods: `InvalidArgument` for a name that does not exist where the forge itself would answer
/// as if it had not been asked for; `PermissionDenied` where the forge says no (a repository that the
/// login may not see is told like one that is not there); `Unauthenticated` for a token that is not
/// accepted; `RateLimited`; `Unavailable` when it cannot be reached, or does not answer in time.
#[async_trait]
pub trait Forge: fmt::Debug + Send + Sync + 'static {
    /// Where it is and who asks; no I/O.
    fn info(&self) -> ForgeInfo;

    /// The repository itself.
    async fn repository(&self, repo: &RepoName) -> Result<Repository>;

    /// Every open issue that `filter` lets through, the newest first, each once. Pull requests are
    /// none.
    async fn open_issues(&self, repo: &RepoName, filter: &IssueFilter) -> Result<Vec<Issue>>;

    /// Every open pull request, the newest first, each once.
    async fn open_pulls(&self, repo: &RepoName) -> Result<Vec<Pull>>;

    /// The open pull requests of which the forge itself says that merging them closes the issue,
    /// in ascending order. May cost some requests an issue.
    async fn closing_pulls(&self, repo: &RepoName, issue: u64) -> Result<Vec<u64>>;

    /// A branch and its head.
    async fn branch(&self, repo: &RepoName, name: &str) -> Result<Branch>;

    /// The newest status of each context of a commit; nothing if there is none.
    async fn statuses(&self, repo: &RepoName, commit: &str) -> Result<Vec<CommitStatus>>;
}

/// Which forge, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForgeInfo {
    /// Where people find it, with a slash at the end: `https://git.example.com/`.
    pub url: String,
    /// The name of the login.
    pub login: String,
}

impl ForgeInfo {
    /// A forge at `url`, asked as `login`.
    pub fn new(url: impl Into<String>, login: impl Into<String>) -> Self {
        ForgeInfo {
            url: url.into(),
            login: login.into(),
        }
    }
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// Its name, spelt as the forge spells it.
    pub name: RepoName,
    /// The branch that others are merged into.
    pub default_branch: String,
}

impl Repository {
    /// A repository with its default branch.
    pub fn new(name: RepoName, default_branch: impl Into<String>) -> Self {
        Repository {
            name,
            default_branch: default_branch.into(),
        }
    }
}

/// Which open issues are asked for: all, unless something is named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct IssueFilter {
    /// The exact title of their milestone.
    pub milestone: Option<String>,
    /// The exact names of labels, all of which they have.
    pub labels: Vec<String>,
}

impl IssueFilter {
    /// Every open issue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of this milestone.
    #[must_use]
    pub fn with_milestone(mut self, title: impl Into<String>) -> Self {
        self.milestone = Some(title.into());
        self
    }

    /// Only those with this label too.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>) -> Self {
        self.labels.push(name.into());
        self
    }
}

/// An open issue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issue {
    /// Its number; issues and pull requests share one row of numbers.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Somebody is assigned on the forge.
    pub assigned: bool,
    /// The title of its milestone.
    pub milestone: Option<String>,
    /// The names of its labels.
    pub labels: Vec<String>,
}

impl Issue {
    /// An issue that nobody is assigned to.
    pub fn new(number: u64, title: impl Into<String>) -> Self {
        Issue {
            number,
            title: title.into(),
            assigned: false,
            milestone: None,
            labels: Vec::new(),
        }
    }

    /// Says whether somebody is assigned.
    #[must_use]
    pub fn with_assigned(mut self, assigned: bool) -> Self {
        self.assigned = assigned;
        self
    }
}

/// An open pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text, as Markdown.
    pub body: String,
    /// The name of the branch that it brings; empty where it has none (AGit).
    pub branch: String,
    /// The commit at its head.
    pub commit: String,
}

impl Pull {
    /// A pull request without text.
    pub fn new(number: u64, title: impl Into<String>) -> Self {
        Pull {
            number,
            title: title.into(),
            body: String::new(),
            branch: String::new(),
            commit: String::new(),
        }
    }

    /// With this text.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// From this branch.
    #[must_use]
    pub fn with_branch(mut self, branch: impl Into<String>) -> Self {
        self.branch = branch.into();
        self
    }
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// The commit at its head.
    pub commit: String,
    /// The whole message of that commit.
    pub message: String,
}

impl Branch {
    /// A branch with its head.
    pub fn new(name: impl Into<String>, commit: impl Into<String>) -> Self {
        Branch {
            name: name.into(),
            commit: commit.into(),
            message: String::new(),
        }
    }
}

/// What one checker says of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommitStatus {
    /// Which checker, for example `ci/woodpecker/push/test`.
    pub context: String,
    /// What it says.
    pub state: StatusState,
    /// In its words.
    pub description: String,
    /// Where more is to be seen; may be empty.
    pub url: String,
}

impl CommitStatus {
    /// A status of a context.
    pub fn new(context: impl Into<String>, state: StatusState) -> Self {
        CommitStatus {
            context: context.into(),
            state,
            description: String::new(),
            url: String::new(),
        }
    }

    /// With the place where more is to be seen.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }
}

/// The state of a commit's status, in the forge's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusState {
    /// Not over.
    Pending,
    /// All well.
    Success,
    /// It ran and did not succeed.
    Failure,
    /// It could not be run.
    Error,
    /// It ran, with something to look at.
    Warning,
    /// It did not run, on purpose.
    Skipped,
    /// A word that this version does not know.
    Other(String),
}

impl StatusState {
    /// The state of a word, in any case of letters.
    pub fn new(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pending" => StatusState::Pending,
            "success" => StatusState::Success,
            "failure" => StatusState::Failure,
            "error" => StatusState::Error,
            "warning" => StatusState::Warning,
            "skipped" => StatusState::Skipped,
            _ => StatusState::Other(word.to_owned()),
        }
    }
}
