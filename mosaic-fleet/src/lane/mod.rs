//! A lane: the open work of a repository, divided into what is free and what somebody is at already.
//!
//! Workers tell from memory, and report issues as to be done that were closed days ago, or that have
//! a pull request. [`brief`] asks the forge. What is decided here is decided by pure functions over
//! [`forge`](crate::forge)'s data: [`LinkGrammar`] says what a pull request is for, [`Brief::of`]
//! divides the issues. How a forge is asked is no part of this room.

mod brief;
mod link;
#[cfg(test)]
mod tests;
mod text;

use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Result;
use crate::forge::{Forge, IssueFilter, RepoName};

pub use brief::{Brief, Candidate, Underway, UnderwayPull};
pub use link::{CLOSING_KEYWORDS, Link, LinkGrammar, LinkRules, PullLinks, Signal};
pub use text::BriefText;

/// How many candidates are asked about at a time.
const ASKED_AT_ONCE: usize = 4;

/// What a brief is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BriefOptions {
    /// Which issues: all open ones, unless named.
    pub filter: IssueFilter,
    /// Asks the forge itself about every candidate, which costs some requests for each.
    pub verify: bool,
    /// How pull requests are linked.
    pub rules: LinkRules,
}

impl BriefOptions {
    /// All open issues, by what is written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only these issues.
    #[must_use]
    pub fn with_filter(mut self, filter: IssueFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Says whether the forge is asked about candidates.
    #[must_use]
    pub fn with_verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// By these rules.
    #[must_use]
    pub fn with_rules(mut self, rules: LinkRules) -> Self {
        self.rules = rules;
        self
    }
}

/// The open work of `repo`, divided.
///
/// Pull requests are read first and issues after them, not at once. So an issue whose pull request
/// was open when the reading began is never told to be free: if it was merged meanwhile and closed
/// the issue, the issue is in no list any more; if it closed nothing, the issue is told to be
/// underway once more. A pull request that is opened while issues are read is missed, as one is that
/// is opened a moment later; with [`BriefOptions::verify`] the forge tells of those that close.
///
/// A repository that was renamed is told, and linked, by its new name.
///
/// A closing keyword in a comment on a pull request counts for Gitea. It is seen only when the forge
/// is asked; one in a commit's message, or in a pull request of another repository, never is.
///
/// ```
/// use async_trait::async_trait;
/// use mosaic_fleet::Result;
/// use mosaic_fleet::forge::{
///     Branch, CommitStatus, Forge, ForgeInfo, Issue, IssueFilter, Pull, RepoName, Repository,
/// };
/// use mosaic_fleet::lane::{self, BriefOptions};
///
/// /// A forge with two issues and one pull request.
/// #[derive(Debug)]
/// struct Small;
///
/// #[async_trait]
/// impl Forge for Small {
///     fn info(&self) -> ForgeInfo {
///         ForgeInfo::new("https://git.example.com/", "robot")
///     }
///     async fn open_issues(&self, _: &RepoName, _: &IssueFilter) -> Result<Vec<Issue>> {
///         Ok(vec![Issue::new(547, "Say it in German"), Issue::new(546, "Read every page")])
///     }
///     async fn open_pulls(&self, _: &RepoName) -> Result<Vec<Pull>> {
///         Ok(vec![Pull::new(600, "Pages").with_body("Closes #546")])
///     }
/// #   async fn repository(&self, repo: &RepoName) -> Result<Repository> {
/// #       Ok(Repository::new(repo.clone(), "main"))
/// #   }
/// #   async fn closing_pulls(&self, _: &RepoName, _: u64) -> Result<Vec<u64>> {
/// #       Ok(Vec::new())
/// #   }
/// #   async fn branch(&self, _: &RepoName, name: &str) -> Result<Branch> {
/// #       Ok(Branch::new(name, ""))
/// #   }
/// #   async fn statuses(&self, _: &RepoName, _: &str) -> Result<Vec<CommitStatus>> {
/// #       Ok(Vec::new())
/// #   }
///     // And the rest of the trait.
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let lane = RepoName::new("acme/widget")?;
/// let brief = lane::brief(&Small, &lane, &BriefOptions::new()).await?;
/// assert_eq!(brief.candidates[0].number, 547);
/// assert_eq!(brief.underway[0].pulls[0].number, 600);
/// assert!(brief.text(100).to_string().contains("  #546  Read every page  [PR open: #600 body]"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Forge`]; half an answer is none.
///
/// # Cancel safety
///
/// Only reads; dropping it leaves nothing behind.
pub async fn brief(forge: &dyn Forge, repo: &RepoName, options: &BriefOptions) -> Result<Brief> {
    let info = forge.info();
    let filter = &options.filter;
    let begun = SystemTime::now();
    // By a name that it had before, texts would be read wrongly.
    let now = forge.repository(repo).await?.name;
    let repo = if now.is(repo) { repo } else { &now };
    let pulls = forge.open_pulls(repo).await?;
    let issues = forge.open_issues(repo, filter).await?;

    let grammar = LinkGrammar::new(repo, &info.url, &options.rules);
    let mut links: Vec<PullLinks> = pulls.iter().map(|pull| grammar.read(pull)).collect();
    let brief = Brief::of(repo, &info.login, filter, begun, &issues, &links);
    if !options.verify {
        return Ok(brief);
    }

    let candidates: Vec<u64> = brief.candidates.iter().map(|issue| issue.number).collect();
    let confirmed: Vec<Vec<PullLinks>> = stream::iter(candidates)
        .map(async |issue| {
            let closing = forge.closing_pulls(repo, issue).await?;
            let link = |pull| PullLinks::new(pull).with_link(issue, Signal::Native, true);
            Ok::<_, crate::Error>(closing.into_iter().map(link).collect())
        })
        .buffered(ASKED_AT_ONCE)
        .try_collect()
        .await?;
    links.extend(confirmed.into_iter().flatten());
    Ok(Brief::of(repo, &info.login, filter, begun, &issues, &links))
}
