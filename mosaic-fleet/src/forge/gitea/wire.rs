//! The forge's answers as they come: any field may be missing or null. What they mean is told by the
//! conversions; what is wrong with an item makes it an empty one, and those are left out of lists.

use serde::{Deserialize, Deserializer};
use url::Url;

use crate::forge::{CommitStatus, Issue, Pull, StatusState};

/// `null` where a value belongs.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An item of a list, told from others by a number that is not 0.
pub(super) trait Item: for<'de> Deserialize<'de> + Send {
    fn key(&self) -> i64;
}

/// An issue or a pull request: the forge mixes them, and so do some mocks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireIssue {
    #[serde(deserialize_with = "nullable")]
    pub(super) number: i64,
    #[serde(deserialize_with = "nullable")]
    title: String,
    #[serde(deserialize_with = "nullable")]
    body: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) state: String,
    assignee: Option<Anything>,
    #[serde(deserialize_with = "nullable")]
    assignees: Vec<Option<Anything>>,
    #[serde(deserialize_with = "nullable")]
    milestone: WireMilestone,
    #[serde(deserialize_with = "nullable")]
    labels: Vec<WireLabel>,
    pub(super) pull_request: Option<Anything>,
    #[serde(deserialize_with = "nullable")]
    pub(super) repository: WireRepository,
    #[serde(deserialize_with = "nullable")]
    head: WireHead,
}

/// Something that is there; what it is does not matter.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Anything {}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireHead {
    #[serde(rename = "ref", deserialize_with = "nullable")]
    reference: String,
    #[serde(deserialize_with = "nullable")]
    label: String,
    #[serde(deserialize_with = "nullable")]
    sha: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireMilestone {
    #[serde(deserialize_with = "nullable")]
    id: i64,
    #[serde(deserialize_with = "nullable")]
    pub(super) title: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireLabel {
    #[serde(deserialize_with = "nullable")]
    id: i64,
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireRepository {
    #[serde(deserialize_with = "nullable")]
    pub(super) full_name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) default_branch: String,
    /// There is no commit in it.
    pub(super) empty: Option<bool>,
    pub(super) has_issues: Option<bool>,
    pub(super) has_pull_requests: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireBranch {
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) commit: WireCommit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireCommit {
    #[serde(deserialize_with = "nullable")]
    pub(super) id: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) message: String,
}

/// All statuses of a commit; the whole may be null where there is none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireStatuses {
    #[serde(deserialize_with = "nullable")]
    pub(super) statuses: Vec<Option<WireStatus>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireStatus {
    #[serde(deserialize_with = "nullable")]
    id: i64,
    #[serde(deserialize_with = "nullable")]
    status: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) context: String,
    #[serde(deserialize_with = "nullable")]
    description: String,
    #[serde(deserialize_with = "nullable")]
    target_url: String,
}

/// Something that happened to an issue.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireEvent {
    #[serde(deserialize_with = "nullable")]
    pub(super) ref_action: String,
    pub(super) ref_issue: Option<WireIssue>,
}

impl Item for WireIssue {
    fn key(&self) -> i64 {
        self.number
    }
}

impl Item for WireMilestone {
    fn key(&self) -> i64 {
        self.id
    }
}

impl Item for WireLabel {
    fn key(&self) -> i64 {
        self.id
    }
}

impl Item for WireStatus {
    fn key(&self) -> i64 {
        self.id
    }
}

impl WireIssue {
    /// Open, as far as it says.
    pub(super) fn is_open(&self) -> bool {
        self.state.is_empty() || self.state == "open"
    }

    pub(super) fn into_issue(self, number: u64) -> Issue {
        Issue {
            number,
            title: self.title,
            assigned: self.assignee.is_some() || self.assignees.iter().any(Option::is_some),
            milestone: Some(self.milestone.title).filter(|title| !title.is_empty()),
            labels: self.labels.into_iter().map(|label| label.name).collect(),
        }
    }

    pub(super) fn into_pull(self, number: u64) -> Pull {
        Pull {
            number,
            title: self.title,
            body: self.body,
            branch: self.head.branch(),
            commit: self.head.sha,
        }
    }
}

impl WireHead {
    /// The branch's own name. When it is gone, `ref` is a place of the forge's, and the name stands in
    /// the label behind its user's; a request that was pushed without a branch has none.
    fn branch(&self) -> String {
        if !self.reference.starts_with("refs/pull/") {
            return self.reference.clone();
        }
        let name = match self.label.split_once(':') {
            Some((_, name)) => name,
            None => &self.label,
        };
        if name.starts_with("refs/pull/") {
            return String::new();
        }
        name.to_owned()
    }
}

impl WireStatus {
    /// Gitea's own checks are told with an address that begins at the server.
    pub(super) fn into_status(self, base: &Url) -> CommitStatus {
        let url = match self.target_url.starts_with('/') {
            true => base.join(&self.target_url).map(String::from).ok(),
            false => None,
        };
        CommitStatus {
            context: self.context,
            state: StatusState::new(&self.status),
            description: self.description,
            url: url.unwrap_or(self.target_url),
        }
    }
}
