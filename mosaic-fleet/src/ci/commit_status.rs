//! Pipelines by the statuses that they leave on a commit: needs no token of a CI service, and works
//! for Gitea Actions as for Woodpecker. Less is known so: a blocked pipeline looks like one that has
//! not begun, a status that the service failed to post stays as it was, a job of Gitea Actions that waits
//! for another one may have none yet, and of two workflows with the same name and jobs one is seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Ci, CiInfo, Phase, Pipeline, Status, Target, Workflow};
use crate::error::{Error, Result};
use crate::forge::{CommitStatus, Forge, RepoName, StatusState};

/// The statuses of a forge, read as pipelines.
///
/// ```
/// use mosaic_fleet::ci::{Status, commit_status::pipelines};
/// use mosaic_fleet::forge::{CommitStatus, StatusState};
///
/// let url = "https://ci.example.com/repos/7/pipeline/21/1";
/// let test = CommitStatus::new("ci/woodpecker/push/test", StatusState::Success).with_url(url);
/// let lint = CommitStatus::new("ci/woodpecker/push/lint", StatusState::Pending).with_url(url);
///
/// let all = pipelines("c0ffee", &[test, lint]);
/// assert_eq!((all[0].number, &all[0].status), (21, &Status::Running));
/// ```
#[derive(Debug, Clone)]
pub struct CommitStatusCi {
    forge: Arc<dyn Forge>,
}

impl CommitStatusCi {
    /// The statuses of this forge.
    pub fn new(forge: Arc<dyn Forge>) -> Self {
        CommitStatusCi { forge }
    }
}

#[async_trait]
impl Ci for CommitStatusCi {
    fn info(&self) -> CiInfo {
        let forge = self.forge.info();
        CiInfo::new(format!("statuses:{}", forge.login), forge.url)
    }

    /// The forge says with each answer whether it knows us.
    async fn check(&self) -> Result<()> {
        Ok(())
    }

    async fn pipeline(
        &self,
        repo: &RepoName,
        number: u64,
        commit: Option<&str>,
    ) -> Result<Option<Pipeline>> {
        let commit = commit.ok_or_else(|| {
            Error::invalid_argument("a forge knows the statuses of commits, not pipelines")
                .with_hint("name the CI instance, or ask for the head of a branch (--head)")
        })?;
        let all = self.of_commit(repo, commit, None).await?;
        Ok(all.into_iter().find(|pipeline| pipeline.number == number))
    }

    async fn of_commit(
        &self,
        repo: &RepoName,
        commit: &str,
        _branch: Option<&str>,
    ) -> Result<Vec<Pipeline>> {
        let statuses = self.forge.statuses(repo, commit).await?;
        Ok(pipelines(commit, &statuses))
    }

    /// Those of the commit at the branch's head; what runs for older ones is not seen.
    async fn active(&self, repo: &RepoName, target: &Target<'_>) -> Result<Vec<Pipeline>> {
        let mut all = self.of_commit(repo, target.head, None).await?;
        all.retain(|pipeline| !pipeline.is_of_pull() && pipeline.status.phase() != Phase::Ended);
        Ok(all)
    }
}

/// What the statuses of a commit tell of pipelines, the newest first: statuses whose address names
/// the same number are one pipeline, and those without a number are pipeline 0. Pure.
pub fn pipelines(commit: &str, statuses: &[CommitStatus]) -> Vec<Pipeline> {
    let mut found: BTreeMap<u64, Vec<&CommitStatus>> = BTreeMap::new();
    for status in statuses {
        let number = number(&status.url).unwrap_or_default();
        found.entry(number).or_default().push(status);
    }
    let newest_first = found.into_iter().rev();
    newest_first
        .map(|(number, statuses)| {
            let words: Vec<Status> = statuses.iter().map(|one| word(&one.state)).collect();
            let mut pipeline = Pipeline::new(number, combined(&words));
            pipeline.commit = commit.to_owned();
            let first = statuses.first();
            pipeline.event = first.map_or_else(String::new, |one| event(&one.context));
            pipeline.url = first.map_or_else(String::new, |one| one.url.clone());
            let parts = statuses.iter().zip(words);
            pipeline.workflows = parts
                .map(|(one, word)| Workflow::new(&*one.context, word))
                .collect();
            pipeline
        })
        .collect()
}

/// `…/pipeline/21/1` (Woodpecker) and `…/actions/runs/21/jobs/0` (Gitea Actions).
fn number(url: &str) -> Option<u64> {
    let parts: Vec<&str> = url.split(['/', '?', '#']).collect();
    let behind = |word: &str| {
        let at = parts.iter().rposition(|part| *part == word)?;
        parts.get(at + 1)?.parse().ok()
    };
    behind("pipeline").or_else(|| behind("runs"))
}

/// `ci/woodpecker/EVENT/…`, or `WORKFLOW / JOB (EVENT)`; empty where the context does not tell.
fn event(context: &str) -> String {
    let word = match context.strip_prefix("ci/woodpecker/") {
        Some(rest) => rest.split('/').next(),
        None => context
            .strip_suffix(')')
            .and_then(|rest| rest.rsplit_once(" ("))
            .map(|(_, word)| word),
    };
    match word.unwrap_or_default() {
        "pr" => "pull_request".to_owned(),
        word => word.to_owned(),
    }
}

fn word(state: &StatusState) -> Status {
    match state {
        StatusState::Pending => Status::Pending,
        StatusState::Success => Status::Success,
        StatusState::Error => Status::Error,
        StatusState::Skipped => Status::Skipped,
        // As Gitea itself combines them since 1.25.
        StatusState::Failure | StatusState::Warning => Status::Failure,
        StatusState::Other(word) => Status::Other(word.clone()),
    }
}

/// One status of several: it has ended when all have, and the worst counts.
fn combined(all: &[Status]) -> Status {
    let has = |wanted: &dyn Fn(&Status) -> bool| all.iter().any(wanted);
    let unknown = all.iter().find(|one| matches!(one, Status::Other(_)));
    let waits = has(&|one| *one == Status::Pending);
    match unknown {
        Some(unknown) => unknown.clone(),
        None if waits && all.iter().all(|one| *one == Status::Pending) => Status::Pending,
        None if waits => Status::Running,
        None if has(&|one| *one == Status::Error) => Status::Error,
        None if has(&|one| *one == Status::Failure) => Status::Failure,
        None => Status::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(context: &str, state: &str, url: &str) -> CommitStatus {
        CommitStatus::new(context, StatusState::new(state)).with_url(url)
    }

    #[test]
    fn statuses_of_one_number_are_one_pipeline() {
        let woodpecker = |pid: u64| format!("https://ci.example.com/repos/7/pipeline/21/{pid}");
        let actions = "https://git.example.com/acme/widget/actions/runs/5/jobs/0";
        let all = pipelines(
            "c0ffee",
            &[
                status("ci/woodpecker/push/test", "success", &woodpecker(1)),
                status("ci/woodpecker/push/lint", "failure", &woodpecker(2)),
                status("build / all (pull_request)", "pending", actions),
                status("elsewhere", "skipped", ""),
            ],
        );
        let seen: Vec<_> = all
            .iter()
            .map(|one| (one.number, one.status.as_str(), one.event.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (21, "failure", "push"),
                (5, "pending", "pull_request"),
                (0, "success", "")
            ]
        );
        assert!(all[0].is_quiet() && all[1].is_of_pull());
        assert!(all.iter().all(|one| one.commit == "c0ffee"));
    }

    #[test]
    fn all_must_have_ended_and_the_worst_counts() {
        for (states, expected) in [
            ("success success", "success"),
            ("success skipped", "success"),
            ("pending pending", "pending"),
            ("pending failure", "running"),
            ("success warning", "failure"),
            ("failure error", "error"),
            ("success tomorrow", "tomorrow"),
        ] {
            let states = states.split(' ').map(StatusState::new);
            let words: Vec<Status> = states.map(|state| word(&state)).collect();
            assert_eq!(combined(&words).as_str(), expected);
        }
    }

    #[test]
    fn a_number_stands_behind_its_word() {
        for (url, expected) in [
            ("https://ci/repos/7/pipeline/21", Some(21)),
            ("https://ci/repos/7/pipeline/21/1", Some(21)),
            ("https://ci/repos/7/pipeline/21?x=1#y", Some(21)),
            ("https://git/pipeline/runs/actions/runs/5", Some(5)),
            ("https://git/a/b/actions/runs/5", Some(5)),
            ("https://ci/repos/7/pipeline/", None),
            ("", None),
        ] {
            assert_eq!(number(url), expected, "{url}");
        }
    }
}
