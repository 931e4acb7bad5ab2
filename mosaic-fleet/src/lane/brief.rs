//! What is free in a lane and what is underway: a partition of its open issues by what its open pull
//! requests say. Pure; reading them is `mod.rs`, showing them is `text`.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use super::link::{PullLinks, Signal};
use crate::forge::{Issue, IssueFilter, RepoName};

/// The open work of a lane at one moment. Its JSON has everything but the login and a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Brief {
    /// Which repository.
    pub repo: RepoName,
    /// As whom the forge was asked.
    #[serde(skip)]
    pub login: String,
    /// When the reading began.
    #[serde(serialize_with = "in_seconds")]
    pub generated_at: SystemTime,
    /// Which issues were asked for.
    #[serde(rename = "filters")]
    pub filter: IssueFilter,
    /// Open issues that no open pull request is linked to, in the forge's order.
    pub candidates: Vec<Candidate>,
    /// Open issues that one is linked to, in the forge's order.
    pub underway: Vec<Underway>,
}

/// An open issue that no open pull request is linked to. That nobody works on it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Its number.
    pub number: u64,
    /// Its title, as the forge has it.
    pub title: String,
    /// Somebody is assigned on the forge.
    pub assigned: bool,
    /// The open pull requests whose body names it without closing it, in ascending order.
    pub mentioned_by: Vec<u64>,
}

/// An open issue that an open pull request is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Underway {
    /// Its number.
    pub number: u64,
    /// Its title, as the forge has it.
    pub title: String,
    /// Somebody is assigned on the forge.
    pub assigned: bool,
    /// The pull requests, the surest first, then in the forge's order. Never empty.
    pub pulls: Vec<UnderwayPull>,
}

/// An open pull request that is linked to an issue. Drafts count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnderwayPull {
    /// Its number.
    pub number: u64,
    /// Why it is taken for work on the issue, the surest first. Never empty.
    pub signals: Vec<Signal>,
    /// The forge closes the issue when it is merged; see [`Link::will_close`](super::Link).
    pub will_close: bool,
}

impl Brief {
    /// Divides the open issues of a lane by what its open pull requests say. What is said of a number
    /// that is none of `issues` (a pull request's, a closed issue's, a colour) is left out.
    ///
    /// One pull request may be in `pulls` several times; what is said of it adds up.
    pub fn of(
        repo: &RepoName,
        login: &str,
        filter: &IssueFilter,
        generated_at: SystemTime,
        issues: &[Issue],
        pulls: &[PullLinks],
    ) -> Self {
        let mut links: BTreeMap<u64, Vec<UnderwayPull>> = BTreeMap::new();
        let mut mentions: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for pull in pulls {
            for (issue, link) in &pull.links {
                let linked = links.entry(*issue).or_default();
                let known = linked.iter().position(|known| known.number == pull.pull);
                let known = known.unwrap_or_else(|| {
                    linked.push(UnderwayPull {
                        number: pull.pull,
                        signals: Vec::new(),
                        will_close: false,
                    });
                    linked.len() - 1
                });
                let known = &mut linked[known];
                known.signals.extend(&link.signals);
                known.signals.sort_unstable();
                known.signals.dedup();
                known.will_close |= link.will_close;
            }
            for issue in &pull.mentions {
                mentions.entry(*issue).or_default().push(pull.pull);
            }
        }

        let (mut candidates, mut underway) = (Vec::new(), Vec::new());
        for issue in issues {
            if let Some(mut pulls) = links.remove(&issue.number) {
                pulls.sort_by_key(|pull| pull.signals.first().copied());
                underway.push(Underway {
                    number: issue.number,
                    title: issue.title.clone(),
                    assigned: issue.assigned,
                    pulls,
                });
            } else {
                let mut mentioned_by = mentions.remove(&issue.number).unwrap_or_default();
                mentioned_by.sort_unstable();
                mentioned_by.dedup();
                candidates.push(Candidate {
                    number: issue.number,
                    title: issue.title.clone(),
                    assigned: issue.assigned,
                    mentioned_by,
                });
            }
        }
        Brief {
            repo: repo.clone(),
            login: login.to_owned(),
            generated_at,
            filter: filter.clone(),
            candidates,
            underway,
        }
    }
}

fn in_seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time = jiff::Timestamp::try_from(*time).map_err(serde::ser::Error::custom)?;
    serializer.collect_str(&format_args!("{time:.0}"))
}
