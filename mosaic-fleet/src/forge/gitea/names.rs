//! Which milestones and labels there are. The forge drops names that it does not know from a filter,
//! and then gives every issue; it cuts names at commas, and does not look at the labels of an
//! organisation. So names are checked here first, issues are filtered here, and the forge's filter
//! only saves requests where it cannot take away too much.

use std::collections::BTreeSet;

use futures::future::try_join;

use super::Gitea;
use super::wire::{WireLabel, WireMilestone};
use crate::error::{self, Error, ErrorKind, Result};
use crate::forge::{Issue, IssueFilter, RepoName};

/// So many names are shown to somebody who missed one.
const SHOWN: usize = 5;

/// What is known of a filter's names.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// A title that the forge takes as it is meant.
    milestone: Option<String>,
    /// Names that it takes as they are meant, with commas between them.
    labels: Option<String>,
    /// Labels that are not the repository's own, where its owner's cannot be read; with the error if
    /// no issue has one either.
    unsure: Vec<(String, Error)>,
}

impl Known {
    /// The part of the filter that the forge may do.
    pub(super) fn query(&self) -> Vec<(&str, &str)> {
        // A label that is on any open issue is known; so all are looked at.
        if !self.unsure.is_empty() {
            return Vec::new();
        }
        let milestone = self.milestone.as_deref().map(|title| ("milestones", title));
        let labels = self.labels.as_deref().map(|names| ("labels", names));
        milestone.into_iter().chain(labels).collect()
    }

    /// Whether the labels that are nowhere listed are on some issue.
    ///
    /// # Errors
    ///
    /// Says which is not.
    pub(super) fn check(self, issues: &[Issue]) -> Result<()> {
        for (name, error) in self.unsure {
            if !issues.iter().any(|issue| issue.labels.contains(&name)) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The labels of a repository's owner.
enum Owned {
    Labels(Vec<String>),
    /// No organisation that the login may see.
    Nobody,
    Hidden(Error),
}

impl Gitea {
    /// Looks the names of a filter up.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a milestone or a label that does not exist.
    pub(super) async fn known(&self, repo: &RepoName, filter: &IssueFilter) -> Result<Known> {
        let milestone = async {
            match &filter.milestone {
                Some(title) => self.milestone(repo, title).await,
                None => Ok(None),
            }
        };
        let labels = async {
            match filter.labels.as_slice() {
                [] => Ok(Known::default()),
                wanted => self.labels(repo, wanted).await,
            }
        };
        let (milestone, known) = try_join(milestone, labels).await?;
        Ok(Known { milestone, ..known })
    }

    async fn milestone(&self, repo: &RepoName, title: &str) -> Result<Option<String>> {
        // Of any state: a closed one may have open issues. `name` is a part of the title here.
        let query = [("state", "all"), ("name", title)];
        let near = self.titles(repo, &query).await?;
        let found = if near.iter().any(|known| known == title) {
            near
        } else {
            self.titles(repo, &query[..1]).await?
        };
        if !found.iter().any(|known| known == title) {
            return Err(unknown("milestone", title, repo, &found));
        }
        Ok(taken_as_meant(title, &found).then(|| title.to_owned()))
    }

    async fn titles(&self, repo: &RepoName, query: &[(&str, &str)]) -> Result<Vec<String>> {
        let found: Vec<WireMilestone> = self.of_repo_list(repo, &["milestones"], query).await?;
        Ok(found.into_iter().map(|milestone| milestone.title).collect())
    }

    async fn labels(&self, repo: &RepoName, wanted: &[String]) -> Result<Known> {
        let own = async {
            let found: Vec<WireLabel> = self.of_repo_list(repo, &["labels"], &[]).await?;
            Ok(found
                .into_iter()
                .map(|label| label.name)
                .collect::<Vec<_>>())
        };
        let (own, owned) = try_join(own, self.labels_of(repo.owner())).await?;
        let (mut all, mut unsure) = (own.clone(), Vec::new());
        if let Owned::Labels(names) = &owned {
            all.extend_from_slice(names);
        }
        for name in wanted.iter().filter(|name| !all.contains(name)) {
            let error = unknown("label", name, repo, &all);
            match &owned {
                Owned::Labels(_) => return Err(error),
                Owned::Nobody => unsure.push((name.clone(), error)),
                Owned::Hidden(why) => {
                    let error = Error::new(ErrorKind::PermissionDenied, format!("{error}; {why}"))
                        .with_hint(format!(
                            "if it is a label of {}, the token needs the scope read:organization",
                            repo.owner()
                        ));
                    unsure.push((name.clone(), error));
                }
            }
        }
        let all_seen = matches!(owned, Owned::Labels(_) | Owned::Nobody);
        let sent: BTreeSet<&str> = wanted
            .iter()
            .map(String::as_str)
            .filter(|name| all_seen && own.iter().any(|known| known == name))
            .filter(|name| taken_as_meant(name, &all))
            .collect();
        Ok(Known {
            milestone: None,
            labels: (!sent.is_empty()).then(|| sent.into_iter().collect::<Vec<_>>().join(",")),
            unsure,
        })
    }

    async fn labels_of(&self, owner: &str) -> Result<Owned> {
        let path = ["api", "v1", "orgs", owner, "labels"];
        let found = self.list(&path, &[], |answer| match answer.status {
            404 => Err(Error::invalid_argument("no organisation")),
            _ => self
                .read_any::<Option<Vec<Option<WireLabel>>>>(answer)
                .map(Option::unwrap_or_default),
        });
        match found.await {
            Ok(found) => Ok(Owned::Labels(
                found.into_iter().map(|label| label.name).collect(),
            )),
            Err(error) => match error.kind() {
                ErrorKind::InvalidArgument => Ok(Owned::Nobody),
                ErrorKind::PermissionDenied => Ok(Owned::Hidden(error)),
                _ => Err(error),
            },
        }
    }
}

/// Whether the forge's filter takes the name for itself and for nothing else: it cuts at commas, may
/// cut blanks off, and of two names that are alike it knows one.
fn taken_as_meant(name: &str, all: &[String]) -> bool {
    let folded = name.to_lowercase();
    let alike = all.iter().filter(|known| known.to_lowercase() == folded);
    !name.contains(',') && name.trim() == name && alike.count() == 1
}

fn unknown(what: &str, name: &str, repo: &RepoName, all: &[String]) -> Error {
    let folded = name.to_lowercase();
    let is_near = |known: &&String| {
        let known = known.to_lowercase();
        let within = known.contains(&folded) || folded.contains(&known);
        !folded.is_empty() && (within || error::nearest(&folded, [known.as_str()]).is_some())
    };
    let quoted = |names: Vec<&String>| -> String {
        let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
        names.join(", ")
    };
    let near: Vec<_> = all.iter().filter(is_near).take(SHOWN).collect();
    let error = Error::invalid_argument(format!("there is no {what} {name:?} in {repo}"));
    if !near.is_empty() {
        error.with_hint(format!("near it: {}; a name must be exact", quoted(near)))
    } else if all.is_empty() {
        error.with_hint(format!("it has no {what} at all"))
    } else {
        let some: Vec<_> = all.iter().take(SHOWN).collect();
        let more = if all.len() > SHOWN { " and more" } else { "" };
        error.with_hint(format!("there are {}{more}", quoted(some)))
    }
}
