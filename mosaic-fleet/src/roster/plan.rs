//! What to do so that reality becomes what is desired: a pure comparison, decided before anything
//! is touched. Doing it, and finding out what is real, is the fleet's.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::agent::{AgentName, AgentState};
use crate::error::{Error, ErrorKind, Result};

/// What a caller wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Have the agents run.
    Start,
    /// Have nothing left of them.
    Stop,
    /// Have them run from their beginning.
    Restart,
}

/// What is there under a name. A name that is not reported is taken as stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actual {
    /// Whose state it is.
    pub name: AgentName,
    /// The state.
    pub state: AgentState,
}

impl Actual {
    /// The agent `name` is in `state`.
    pub const fn new(name: AgentName, state: AgentState) -> Self {
        Actual { name, state }
    }
}

/// What is to be done for one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// Nothing is there: start it.
    Start,
    /// Its program has ended and its terminal stands: clear that away and start it.
    Replace,
    /// It runs: end it and start it.
    Restart,
    /// It runs, or its terminal stands: end it.
    Stop,
    /// It runs already.
    AlreadyRunning,
    /// It ran already with nobody to keep it, and is kept from now on, as it is.
    Adopt,
    /// Nothing to do.
    NotRunning,
}

impl StepKind {
    /// Whether there is nothing to do.
    pub const fn is_idle(self) -> bool {
        matches!(self, StepKind::AlreadyRunning | StepKind::NotRunning)
    }
}

/// What is to be done, for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// For whom.
    pub agent: AgentName,
    /// What.
    pub what: StepKind,
}

/// The steps, in the order in which they are to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// One a selected agent: in the order of the roster, then the strangers that were asked for.
    pub steps: Vec<Step>,
    /// What stands there, is not in the roster, and is not touched; by name.
    pub strangers: Vec<AgentName>,
}

impl Plan {
    /// Whether every step is idle.
    pub fn is_idle(&self) -> bool {
        self.steps.iter().all(|step| step.what.is_idle())
    }
}

/// Plans `action` for `names`; for none of them, that is all of `desired`.
///
/// `desired` is the roster's agents in order (with those an operator added), `actual` is what is
/// there. An agent that is there and not desired is a stranger: it can be stopped by its name, and
/// is otherwise left alone.
///
/// # Errors
/// - `AgentNotFound` for a name that is neither desired nor there, with the nearest suggested.
/// - `InvalidArgument` for starting or restarting a stranger that does not run already: how is not
///   known.
pub fn plan(
    desired: &[AgentName],
    actual: &[Actual],
    action: Action,
    names: &[AgentName],
) -> Result<Plan> {
    let states: HashMap<&AgentName, AgentState> = actual
        .iter()
        .rev()
        .map(|actual| (&actual.name, actual.state))
        .collect();
    let state = |name: &AgentName| states.get(name).copied().unwrap_or(AgentState::Stopped);
    let home: HashSet<&AgentName> = desired.iter().collect();
    let asked: HashSet<&AgentName> = names.iter().collect();

    let mut strangers: Vec<&AgentName> = states
        .iter()
        .filter(|(name, state)| **state != AgentState::Stopped && !home.contains(*name))
        .map(|(name, _)| *name)
        .collect();
    strangers.sort();

    let mut seen = HashSet::new();
    let mut steps: Vec<Step> = desired
        .iter()
        .filter(|name| names.is_empty() || asked.contains(name))
        .filter(|name| seen.insert(*name))
        .map(|name| step(name, action, state(name)))
        .collect();
    for name in &strangers {
        if asked.contains(*name) {
            steps.push(stranger(name, action, state(name))?);
        }
    }
    let there: HashSet<&AgentName> = strangers.iter().copied().collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| !home.contains(name) && !there.contains(name))
    {
        let known = desired.iter().chain(strangers.iter().copied());
        return Err(Error::agent_not_found(
            unknown.as_str(),
            known.map(AgentName::as_str),
        ));
    }
    strangers.retain(|name| !asked.contains(*name));
    Ok(Plan {
        steps,
        strangers: strangers.into_iter().cloned().collect(),
    })
}

fn step(name: &AgentName, action: Action, state: AgentState) -> Step {
    let what = match (action, state) {
        (Action::Stop, AgentState::Stopped) => StepKind::NotRunning,
        (Action::Stop, _) => StepKind::Stop,
        (Action::Start | Action::Restart, AgentState::Stopped) => StepKind::Start,
        (Action::Start | Action::Restart, AgentState::Dead) => StepKind::Replace,
        (Action::Start, _) => StepKind::AlreadyRunning,
        (Action::Restart, _) => StepKind::Restart,
    };
    Step {
        agent: name.clone(),
        what,
    }
}

fn stranger(name: &AgentName, action: Action, state: AgentState) -> Result<Step> {
    let step = step(name, action, state);
    match step.what {
        StepKind::Stop | StepKind::AlreadyRunning => Ok(step),
        _ => Err(Error::new(
            ErrorKind::InvalidArgument,
            "it is not in the roster, so how to start it is not known",
        )
        .with_agent(name)
        .with_hint("add it to the roster first")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(name: &str) -> AgentName {
        AgentName::new(name).unwrap()
    }

    fn names(list: &[&str]) -> Vec<AgentName> {
        list.iter().map(|one| name(one)).collect()
    }

    fn actual(list: &[(&str, AgentState)]) -> Vec<Actual> {
        list.iter()
            .map(|(one, state)| Actual::new(name(one), *state))
            .collect()
    }

    fn kinds(plan: &Plan) -> Vec<(&str, StepKind)> {
        plan.steps
            .iter()
            .map(|step| (step.agent.as_str(), step.what))
            .collect()
    }

    #[test]
    fn what_each_action_does_in_each_state() {
        use {AgentState as S, StepKind as K};
        let table = [
            (S::Stopped, K::Start, K::NotRunning, K::Start),
            (S::Dead, K::Replace, K::Stop, K::Replace),
            (S::Idle, K::AlreadyRunning, K::Stop, K::Restart),
            (S::Working, K::AlreadyRunning, K::Stop, K::Restart),
            (S::Unknown, K::AlreadyRunning, K::Stop, K::Restart),
        ];
        for (state, start, stop, restart) in table {
            let there = actual(&[("a", state)]);
            for (action, what) in [
                (Action::Start, start),
                (Action::Stop, stop),
                (Action::Restart, restart),
            ] {
                let plan = plan(&names(&["a"]), &there, action, &[]).unwrap();
                assert_eq!(kinds(&plan), [("a", what)], "{action:?} {state:?}");
            }
        }
    }

    #[test]
    fn steps_come_in_the_order_of_the_roster_whatever_was_asked() {
        let roster = names(&["c", "a", "b"]);
        let plan = plan(&roster, &[], Action::Start, &names(&["b", "c", "b"])).unwrap();
        assert_eq!(
            kinds(&plan),
            [("c", StepKind::Start), ("b", StepKind::Start)]
        );
    }

    #[test]
    fn a_stranger_is_stopped_by_name_and_never_by_all() {
        let there = actual(&[("mine", AgentState::Idle), ("a", AgentState::Idle)]);
        let all = plan(&names(&["a"]), &there, Action::Stop, &[]).unwrap();
        assert_eq!(kinds(&all), [("a", StepKind::Stop)]);
        assert_eq!(all.strangers, names(&["mine"]));

        let one = plan(&names(&["a"]), &there, Action::Stop, &names(&["mine"])).unwrap();
        assert_eq!(kinds(&one), [("mine", StepKind::Stop)]);
        assert!(one.strangers.is_empty());

        let error = plan(&names(&["a"]), &there, Action::Restart, &names(&["mine"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn a_name_that_is_nowhere_is_not_found_and_the_nearest_is_told() {
        let error = plan(&names(&["coder0"]), &[], Action::Stop, &names(&["codr0"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AgentNotFound);
        assert_eq!(
            error.to_string(),
            "codr0: no such agent (did you mean coder0?)"
        );
    }

    fn apply(plan: &Plan, there: &[Actual]) -> Vec<Actual> {
        let mut after: HashMap<AgentName, AgentState> = there
            .iter()
            .rev()
            .map(|actual| (actual.name.clone(), actual.state))
            .collect();
        for step in &plan.steps {
            match step.what {
                StepKind::Stop => after.insert(step.agent.clone(), AgentState::Stopped),
                StepKind::AlreadyRunning | StepKind::NotRunning => None,
                _ => after.insert(step.agent.clone(), AgentState::Starting),
            };
        }
        after
            .into_iter()
            .map(|(name, state)| Actual::new(name, state))
            .collect()
    }

    fn some_state() -> impl Strategy<Value = AgentState> {
        prop::sample::select(vec![
            AgentState::Starting,
            AgentState::Idle,
            AgentState::Working,
            AgentState::Waiting,
            AgentState::Dead,
            AgentState::Stopped,
            AgentState::Unknown,
        ])
    }

    fn some_names() -> impl Strategy<Value = Vec<AgentName>> {
        prop::collection::btree_set("[a-f][0-3]", 0..12)
            .prop_map(|set| set.iter().map(|one| name(one)).collect::<Vec<_>>())
            .prop_shuffle()
    }

    fn world() -> impl Strategy<Value = (Vec<AgentName>, Vec<Actual>)> {
        let there = some_names().prop_flat_map(|names| {
            let count = names.len();
            prop::collection::vec(some_state(), count).prop_map(move |states| {
                let pairs = names.iter().cloned().zip(states);
                pairs
                    .map(|(name, state)| Actual::new(name, state))
                    .collect()
            })
        });
        (some_names(), there)
    }

    fn some_action() -> impl Strategy<Value = Action> {
        prop::sample::select(vec![Action::Start, Action::Stop, Action::Restart])
    }

    proptest! {
        #[test]
        fn all_means_each_of_the_roster_once_and_nobody_else(
            (roster, there) in world(), action in some_action()
        ) {
            let plan = plan(&roster, &there, action, &[]).unwrap();
            let planned: Vec<_> = plan.steps.iter().map(|step| step.agent.clone()).collect();
            prop_assert_eq!(&planned, &roster);
            for stranger in &plan.strangers {
                prop_assert!(!roster.contains(stranger));
            }
        }

        #[test]
        fn nothing_is_left_to_do_afterwards((roster, there) in world(), stop: bool) {
            let action = if stop { Action::Stop } else { Action::Start };
            let first = plan(&roster, &there, action, &[]).unwrap();
            let after = apply(&first, &there);
            let second = plan(&roster, &after, action, &[]).unwrap();
            prop_assert!(second.is_idle());
            prop_assert_eq!(second.strangers, first.strangers);
        }

        #[test]
        fn only_who_was_asked_for_is_touched(
            (roster, there) in world(), asked in some_names(), action in some_action()
        ) {
            prop_assume!(!asked.is_empty());
            if let Ok(plan) = plan(&roster, &there, action, &asked) {
                let planned: Vec<_> = plan.steps.iter().map(|step| &step.agent).collect();
                prop_assert_eq!(planned.len(), asked.len());
                prop_assert!(planned.iter().all(|name| asked.contains(name)));
            }
        }
    }
}
