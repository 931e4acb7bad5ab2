//! Lanes and CI, by name: the forge and the service are found as the commands find them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Span, read, set};
use super::{News, versioned};
use crate::ci::guard::{GuardOptions, Purpose, guard, whole_commit};
use crate::ci::wait::{self, OnBlocked, WaitOptions, Wanted};
use crate::ci::{Ci, InstanceOptions, instance, of_head};
use crate::error::{Error, Result};
use crate::forge::{Forge, Forges, Gitea, IssueFilter, LoginOptions, Origin, RepoName, login};
use crate::home::MosaicHome;
use crate::lane::{BriefOptions, LinkRules, brief};

type Environment = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Briefing {
    repo: String,
    milestone: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    verify: bool,
    login: Option<String>,
    folder: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    repo: String,
    #[serde(default)]
    numbers: Vec<u64>,
    #[serde(default)]
    head: bool,
    branch: Option<String>,
    interval: Option<Span>,
    timeout: Option<Span>,
    outage: Option<Span>,
    #[serde(default)]
    fail_fast: bool,
    #[serde(default)]
    follow: bool,
    blocked: Option<Blocked>,
    instance: Option<String>,
    login: Option<String>,
    folder: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Blocked {
    Fail,
    Wait,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guarding {
    repo: Option<String>,
    branch: Option<String>,
    purpose: Clear,
    head: Option<String>,
    interval: Option<Span>,
    timeout: Option<Span>,
    outage: Option<Span>,
    grace: Option<Span>,
    instance: Option<String>,
    login: Option<String>,
    folder: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Clear {
    Push,
    Merge,
}

/// What finds the forge and the service.
struct Where<'a> {
    environment: &'a Environment,
    login: Option<String>,
    instance: Option<String>,
    /// Whose `origin` may tell the login.
    folder: PathBuf,
}

impl Where<'_> {
    async fn forge(&self, repo: &RepoName, news: News<'_>) -> Result<Arc<dyn Forge>> {
        let mut options = LoginOptions::new(self.environment.clone(), self.folder.clone());
        options.login.clone_from(&self.login);
        let login = login::find(repo, &options).await?;
        warn(&login.warnings, news);
        Ok(Arc::new(Gitea::new(&login)?))
    }

    fn service(
        &self,
        repo: &RepoName,
        forge: Option<&Arc<dyn Forge>>,
        news: News<'_>,
    ) -> Result<Arc<dyn Ci>> {
        let mut options = InstanceOptions::new(self.environment.clone());
        options.instance.clone_from(&self.instance);
        let (service, warnings) = instance::service(repo, &options, forge)?;
        warn(&warnings, news);
        Ok(service)
    }
}

fn warn(warnings: &[String], news: News<'_>) {
    for warning in warnings {
        news(json!({ "warning": warning }));
    }
}

/// The folder that was named, else the process's own.
fn folder(named: Option<PathBuf>) -> Result<PathBuf> {
    match named {
        Some(folder) => Ok(folder),
        None => std::env::current_dir().map_err(|error| {
            Error::config_invalid("the working directory is not there").with_source(error)
        }),
    }
}

pub(super) async fn call(
    environment: &Environment,
    operation: &str,
    arguments: Value,
    news: News<'_>,
) -> Result<Value> {
    match operation {
        "lane_brief" => lane_brief(environment, read(arguments)?, news).await,
        "ci_guard" => ci_guard(environment, read(arguments)?, news).await,
        "ci_status" => {
            let mut asked: Waiting = read(arguments)?;
            asked.timeout = Some(Span(Duration::ZERO));
            ci_wait(environment, asked, news).await
        }
        _ => ci_wait(environment, read(arguments)?, news).await,
    }
}

async fn lane_brief(environment: &Environment, asked: Briefing, news: News<'_>) -> Result<Value> {
    let repo: RepoName = asked.repo.parse()?;
    let place = Where {
        environment,
        login: asked.login,
        instance: None,
        folder: folder(asked.folder)?,
    };
    let forge = place.forge(&repo, news).await?;
    let home = MosaicHome::from_environment(environment);
    let rules = Forges::read(&home)?.lane_rules(&repo);
    let mut filter = IssueFilter::new();
    filter.milestone = asked.milestone;
    filter.labels = asked.labels;
    let options = BriefOptions::new()
        .with_filter(filter)
        .with_verify(asked.verify)
        .with_rules(LinkRules::from(rules));
    versioned(&brief(&*forge, &repo, &options).await?)
}

async fn ci_wait(environment: &Environment, asked: Waiting, news: News<'_>) -> Result<Value> {
    let began = Instant::now();
    let repo: RepoName = asked.repo.parse()?;
    if asked.head != asked.numbers.is_empty() {
        return Err(Error::invalid_argument(
            "name pipelines by one of `numbers` and `head`",
        ));
    }
    if asked.branch.is_some() && !asked.head {
        return Err(Error::invalid_argument("`branch` goes with `head`"));
    }
    let mut options = WaitOptions::new()
        .with_fail_fast(asked.fail_fast)
        .with_follow(asked.follow);
    set(&mut options.interval, asked.interval);
    set(&mut options.timeout, asked.timeout);
    set(&mut options.outage, asked.outage);
    if let Some(Blocked::Wait) = asked.blocked {
        options = options.with_blocked(OnBlocked::Wait);
    }
    let place = Where {
        environment,
        login: asked.login,
        instance: asked.instance,
        folder: folder(asked.folder)?,
    };
    let (ci, wanted) = if asked.head {
        let forge = place.forge(&repo, news).await?;
        let ci = place.service(&repo, Some(&forge), news)?;
        let branch = asked.branch.as_deref();
        let mut tell = |told: wait::News| tell(&told, news);
        let found = of_head(&*forge, &*ci, &repo, branch, &options, &mut tell).await?;
        (ci, found.iter().map(Wanted::from).collect())
    } else {
        let ci = place.service(&repo, None, news)?;
        let numbers = asked.numbers.iter();
        (
            ci,
            numbers
                .map(|number| Wanted::new(*number))
                .collect::<Vec<_>>(),
        )
    };
    options.timeout = options.timeout.saturating_sub(began.elapsed());
    let mut tell = |told: wait::News| tell(&told, news);
    versioned(&wait::wait(&*ci, &repo, &wanted, &options, &mut tell).await?)
}

/// `{line}` for what a person should read, `{note}` for what may be shown and overwritten.
fn tell(told: &wait::News, news: News<'_>) {
    if let Some(line) = told.line() {
        news(json!({ "line": line }));
    } else if let Some(note) = told.note() {
        news(json!({ "note": note }));
    }
}

async fn ci_guard(environment: &Environment, asked: Guarding, news: News<'_>) -> Result<Value> {
    let folder = folder(asked.folder)?;
    let repo = match &asked.repo {
        Some(repo) => repo.parse()?,
        None => Origin::of(&folder, environment)
            .await
            .map(|origin| origin.repo)
            .ok_or_else(|| {
                Error::invalid_argument("the folder has no `origin` that names a repository")
                    .with_hint("name it: `repo`")
            })?,
    };
    let mut options = GuardOptions::new(match asked.purpose {
        Clear::Push => Purpose::Push,
        Clear::Merge => Purpose::Merge,
    });
    options.head = asked.head.as_deref().map(whole_commit).transpose()?;
    set(&mut options.interval, asked.interval);
    set(&mut options.timeout, asked.timeout);
    set(&mut options.outage, asked.outage);
    set(&mut options.grace, asked.grace);
    let place = Where {
        environment,
        login: asked.login,
        instance: asked.instance,
        folder,
    };
    let forge = place.forge(&repo, news).await?;
    let ci = place.service(&repo, Some(&forge), news)?;
    let mut waits = |why: &str| news(json!({ "note": why }));
    let branch = asked.branch.as_deref();
    versioned(&guard(&*forge, &*ci, &repo, branch, &options, &mut waits).await?)
}
