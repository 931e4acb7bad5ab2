//! A pipeline of the tests' own Woodpecker, and how it is written down in either version.

use serde_json::{Value, json};

/// A pipeline of the server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FakePipeline {
    /// Its number.
    pub number: u64,
    /// Its real number; the server gives one if it is 0.
    pub id: u64,
    /// Its status, in Woodpecker's words.
    pub status: String,
    /// Its commit.
    pub commit: String,
    /// Its branch; for a pull request the one it aims at.
    pub branch: String,
    /// What started it.
    pub event: String,
    /// The pipeline that it does once more; 0 for none.
    pub parent: u64,
    pub(super) parent_id: u64,
    /// Workflows and their states.
    pub workflows: Vec<(String, String)>,
    /// It was canceled; by the pipeline of this number, unless that is 0.
    pub canceled: Option<u64>,
}

impl FakePipeline {
    /// A push to `main`.
    pub fn new(number: u64, status: &str) -> Self {
        FakePipeline {
            number,
            id: 0,
            status: status.to_owned(),
            commit: "c0ffee".to_owned(),
            branch: "main".to_owned(),
            event: "push".to_owned(),
            parent: 0,
            parent_id: 0,
            workflows: Vec::new(),
            canceled: None,
        }
    }

    /// With this commit.
    #[must_use]
    pub fn of(mut self, commit: &str) -> Self {
        self.commit = commit.to_owned();
        self
    }

    /// On this branch.
    #[must_use]
    pub fn on(mut self, branch: &str) -> Self {
        self.branch = branch.to_owned();
        self
    }

    /// Started by this.
    #[must_use]
    pub fn by(mut self, event: &str) -> Self {
        self.event = event.to_owned();
        self
    }

    /// With a workflow in a state.
    #[must_use]
    pub fn workflow(mut self, name: &str, state: &str) -> Self {
        self.workflows.push((name.to_owned(), state.to_owned()));
        self
    }

    /// Canceled; by the pipeline of this number, unless that is 0.
    #[must_use]
    pub fn canceled(mut self, superseded_by: u64) -> Self {
        self.canceled = Some(superseded_by);
        self
    }

    /// Doing that one once more.
    #[must_use]
    pub fn again(mut self, parent: u64) -> Self {
        self.parent = parent;
        self
    }

    /// With this real number, not that of the pipeline that had the number before.
    #[must_use]
    pub fn with_id(mut self, id: u64) -> Self {
        self.id = id;
        self
    }

    pub(super) fn json(&self, version_2: bool, whole: bool) -> Value {
        let time = |name: &str| match version_2 {
            true => format!("{name}_at"),
            false => name.to_owned(),
        };
        let ended = !matches!(
            &*self.status,
            "created" | "pending" | "running" | "blocked" | "declined"
        );
        let parent = if version_2 {
            self.parent_id
        } else {
            self.parent
        };
        let mut value = json!({
            "id": self.id, "number": self.number, "parent": parent, "status": self.status,
            "event": self.event, "commit": self.commit, "branch": self.branch, "author": "maria",
            time("created"): 1_700_000_000, time("started"): 1_700_000_001,
            time("finished"): if ended { 1_700_000_060 } else { 0 },
        });
        if let Some(by) = self.canceled {
            value["cancel_info"] = match by {
                0 => json!({"canceled_by_user": "maria"}),
                number => json!({"superseded_by": number}),
            };
        }
        if whole {
            let workflow = |(pid, (name, state)): (usize, &(String, String))| {
                json!({
                    "id": pid, "pid": pid, "name": name, "state": state,
                    "children": [{"name": format!("{name}-step"), "state": state, "type": "commands"}],
                })
            };
            value["workflows"] = self.workflows.iter().enumerate().map(workflow).collect();
        }
        value
    }
}
