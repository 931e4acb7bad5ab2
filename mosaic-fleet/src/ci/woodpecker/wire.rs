//! What Woodpecker answers, 2.x and 3.x. Fields that are not needed are not read; any may be missing.

use serde::Deserialize;

use crate::ci::{self, Canceled, Status, Step, Workflow};

#[derive(Debug, Deserialize)]
pub(super) struct Repo {
    pub(super) id: u64,
    // A server that does not say so shows only what is enabled.
    #[serde(default = "yes")]
    pub(super) active: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    #[serde(rename = "login")]
    _login: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    #[serde(default)]
    id: u64,
    number: u64,
    #[serde(default)]
    parent: i64,
    status: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    branch: String,
    // Unix seconds; 0 is not yet.
    #[serde(default, alias = "started_at")]
    started: i64,
    #[serde(default, alias = "finished_at")]
    finished: i64,
    #[serde(default)]
    cancel_info: Option<CancelInfo>,
    #[serde(default)]
    workflows: Option<Vec<Part>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CancelInfo {
    canceled_by_user: Option<String>,
    superseded_by: Option<i64>,
    canceled_by_step: Option<String>,
}

/// A workflow or a step.
#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    children: Option<Vec<Part>>,
}

/// What an event tells, as far as it is believed.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) repo: EventRepo,
    pub(super) pipeline: EventPipeline,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventRepo {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventPipeline {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) status: String,
}

impl From<Pipeline> for ci::Pipeline {
    fn from(wire: Pipeline) -> Self {
        let mut pipeline = ci::Pipeline::new(wire.number, Status::new(&wire.status));
        pipeline.id = wire.id;
        pipeline.commit = wire.commit;
        pipeline.branch = wire.branch;
        pipeline.event = wire.event;
        pipeline.started = positive(wire.started);
        pipeline.finished = positive(wire.finished);
        pipeline.parent = positive(wire.parent);
        pipeline.canceled = wire.cancel_info.and_then(canceled);
        let workflows = wire.workflows.into_iter().flatten();
        pipeline.workflows = workflows.map(Workflow::from).collect();
        pipeline
    }
}

/// An empty one, as some versions always send it, says nothing.
fn canceled(info: CancelInfo) -> Option<Canceled> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let by = some(info.canceled_by_user).or(some(info.canceled_by_step));
    let superseded_by = info.superseded_by.and_then(positive);
    (by.is_some() || superseded_by.is_some()).then_some(Canceled { by, superseded_by })
}

fn positive(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

impl From<Part> for Workflow {
    fn from(part: Part) -> Self {
        let mut workflow = Workflow::new(part.name, Status::new(&part.state));
        let steps = part.children.into_iter().flatten();
        // A service runs for as long as the others do.
        let steps = steps.filter(|step| step.kind != "service");
        workflow.steps = steps
            .map(|step| Step::new(step.name, Status::new(&step.state)))
            .collect();
        workflow
    }
}
