//! Woodpecker, 2.x and 3.x: pipelines by its REST interface, hints by its event stream. What its
//! answers look like is in `wire.rs`, the stream in `stream.rs`.

mod stream;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Ci, CiInfo, Hints, Instance, Phase, Pipeline, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::forge::RepoName;
use crate::http::{Answer, Http, HttpOptions, Patience};

/// What a page holds; Woodpecker gives no more.
const PAGE: usize = 50;

/// How many pages are looked through: the newest 1,000 pipelines of the repository, or of those that
/// Woodpecker 3 filters. What stands behind them is not seen.
const MOST_PAGES: usize = 20;

/// What is active, in Woodpecker's words: it filters by one at a time.
const ACTIVE: [&str; 4] = ["created", "pending", "running", "blocked"];

/// A Woodpecker server, asked as one user.
#[derive(Debug)]
pub struct Woodpecker {
    info: CiInfo,
    http: Http,
    /// Woodpecker's own numbers of repositories.
    ids: Mutex<BTreeMap<String, u64>>,
}

impl Woodpecker {
    /// The server of an instance. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` for an address that is none.
    pub fn new(instance: &Instance) -> Result<Self> {
        Self::with_patience(instance, Patience::USUAL)
    }

    pub(crate) fn with_patience(instance: &Instance, patience: Patience) -> Result<Self> {
        let Instance { name, server, .. } = instance;
        let options = HttpOptions {
            scheme: "Bearer",
            token: Some(instance.token.clone()),
            insecure: false,
            patience,
        };
        let http = Http::new(server, options).map_err(|error| {
            let message = format!("the CI instance {name}: {}", error.message());
            Error::new(error.kind(), message).with_hint("write it as https://ci.example.com")
        })?;
        let info = CiInfo::new(name, http.base().to_string());
        Ok(Woodpecker {
            info,
            http,
            ids: Mutex::default(),
        })
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer> {
        let path: Vec<&str> = ["api"].iter().chain(path).copied().collect();
        let answer = self.http.get(&path, query).await?;
        match answer.status {
            401 | 403 => Err(self.refused(&answer)),
            _ => Ok(answer),
        }
    }

    fn refused(&self, answer: &Answer) -> Error {
        let message = answer.refusal(&self.http.host()).message().to_owned();
        Error::new(ErrorKind::Unauthenticated, message).with_hint(format!(
            "the token for {} is not accepted: make a new one on its user page, under `CLI & API`",
            self.info.instance
        ))
    }

    /// The repository's number on the server.
    async fn id(&self, repo: &RepoName) -> Result<u64> {
        let known = || self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known().get(repo.as_str()) {
            return Ok(*id);
        }
        let answer = self
            .get(&["repos", "lookup", repo.owner(), repo.name()], &[])
            .await?;
        if answer.status == 404 {
            self.is_woodpecker().await?;
            return Err(Error::invalid_argument(format!(
                "{} knows no repository {repo}",
                self.info.instance
            ))
            .with_hint(
                "check its name, that it is enabled there, and that the token's user may see it",
            ));
        }
        let found: wire::Repo = answer.read(&self.http.host())?;
        if !found.active {
            return Err(Error::invalid_argument(format!(
                "{repo} is not enabled on {}",
                self.info.instance
            )));
        }
        known().insert(repo.as_str().to_owned(), found.id);
        Ok(found.id)
    }

    /// Whether a `404` was Woodpecker's own word. A proxy whose server is down says the same.
    async fn is_woodpecker(&self) -> Result<()> {
        let answer = self.get(&["user"], &[]).await?;
        let host = self.http.host();
        let user: Result<wire::User> = answer.read(&host);
        match user {
            Ok(_) => Ok(()),
            Err(error) if answer.is_success() || answer.status == 404 => Err(Error::unavailable(
                format!("{host} does not answer as Woodpecker does"),
            )
            .with_hint("check the server's address, and that it is up")
            .with_source(error)),
            Err(error) => Err(error),
        }
    }

    /// A page of pipelines, and whether there may be more behind it.
    async fn page(
        &self,
        id: u64,
        page: usize,
        filter: &[(&str, &str)],
    ) -> Result<(Vec<Pipeline>, bool)> {
        let page = page.to_string();
        let size = PAGE.to_string();
        let mut query = vec![("page", page.as_str()), ("perPage", size.as_str())];
        query.extend_from_slice(filter);
        let answer = self
            .get(&["repos", &id.to_string(), "pipelines"], &query)
            .await?;
        let found: Option<Vec<wire::Pipeline>> = answer.read(&self.http.host())?;
        let found = found.unwrap_or_default();
        let more = found.len() >= PAGE;
        let pipelines = found.into_iter().map(|wire| self.read(id, wire));
        Ok((pipelines.collect(), more))
    }

    fn read(&self, repo: u64, wire: wire::Pipeline) -> Pipeline {
        let mut pipeline = Pipeline::from(wire);
        let (repo, number) = (repo.to_string(), pipeline.number.to_string());
        let url = self.http.url(&["repos", &repo, "pipeline", &number], &[]);
        pipeline.url = url.to_string();
        pipeline
    }

    /// Looks through pages, newest first, until `enough`. Each pipeline once, though new ones may
    /// move the pages meanwhile.
    async fn walk(
        &self,
        id: u64,
        filter: &[(&str, &str)],
        mut enough: impl FnMut(&[Pipeline]) -> bool,
    ) -> Result<Vec<Pipeline>> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for number in 1..=MOST_PAGES {
            let (mut page, more) = self.page(id, number, filter).await?;
            let done = !more || enough(&page);
            page.retain(|pipeline| seen.insert(pipeline.id));
            all.append(&mut page);
            if done {
                break;
            }
        }
        Ok(all)
    }
}

#[async_trait]
impl Ci for Woodpecker {
    fn info(&self) -> CiInfo {
        self.info.clone()
    }

    async fn check(&self) -> Result<()> {
        self.is_woodpecker().await
    }

    async fn pipeline(
        &self,
        repo: &RepoName,
        number: u64,
        _commit: Option<&str>,
    ) -> Result<Option<Pipeline>> {
        let id = self.id(repo).await?;
        let path = ["repos", &id.to_string(), "pipelines", &number.to_string()];
        let answer = self.get(&path, &[]).await?;
        if answer.status == 404 {
            self.is_woodpecker().await?;
            return Ok(None);
        }
        let wire: wire::Pipeline = answer.read(&self.http.host())?;
        Ok(Some(self.read(id, wire)))
    }

    async fn of_commit(
        &self,
        repo: &RepoName,
        commit: &str,
        branch: Option<&str>,
    ) -> Result<Vec<Pipeline>> {
        let id = self.id(repo).await?;
        let filter: Vec<(&str, &str)> = branch.map(|name| ("branch", name)).into_iter().collect();
        let is_of = |pipeline: &Pipeline| pipeline.commit == commit;
        let mut pushed = false;
        let all = self.walk(id, &filter, |page| {
            // What else is of this commit came after the push, or hardly before it.
            let enough = pushed;
            pushed |= page.iter().any(|one| is_of(one) && one.event == "push");
            enough
        });
        let mut all = all.await?;
        // Woodpecker 2 gives all of them, whatever is asked for.
        all.retain(|one| is_of(one) && branch.is_none_or(|branch| one.branch == branch));
        Ok(all)
    }

    async fn active(&self, repo: &RepoName, target: &Target<'_>) -> Result<Vec<Pipeline>> {
        let id = self.id(repo).await?;
        let mut all = Vec::new();
        for status in ACTIVE {
            let filter = [("status", status), ("branch", target.branch)];
            let mut ignored = false;
            let found = self.walk(id, &filter, |page| {
                ignored = page.iter().any(|found| found.status.as_str() != status);
                ignored
            });
            let found = found.await?;
            if ignored {
                // Woodpecker 2 gives all of them, whatever is asked for.
                all = self.walk(id, &[], |_| false).await?;
                break;
            }
            all.extend(found);
        }
        all.retain(|pipeline| {
            pipeline.branch == target.branch
                && !pipeline.is_of_pull()
                && pipeline.status.phase() != Phase::Ended
        });
        all.sort_by_key(|pipeline| std::cmp::Reverse(pipeline.number));
        all.dedup_by_key(|pipeline| pipeline.number);
        Ok(all)
    }

    async fn hints(&self, repo: &RepoName) -> Result<Option<Hints>> {
        let id = self.id(repo).await?;
        let hints = stream::open(&self.http, id).await?;
        if hints.is_none() {
            self.is_woodpecker().await?;
        }
        Ok(hints)
    }
}
