//! How agents are, as C holds it.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use mosaic_fleet::fleet::FleetStatus;
use mosaic_fleet::{AgentStatus, Error};
use serde_json::json;

use super::code::{Numbered, mf_code, mf_state};
use super::error::mf_error;
use super::guard::{Outcome, read, release};
use super::table::{self, Handle};
use super::text::{give, owned, owned_option, pointer};

/// How agents were at one moment. Freed by `mf_status_free`.
pub struct mf_status {
    _opaque: (),
}

/// Agents, what could not be asked, and the whole as JSON.
pub(super) struct Seen {
    agents: Vec<Agent>,
    errors: Vec<CString>,
    json: String,
}

struct Agent {
    name: CString,
    state: mf_state,
    evidence: CString,
    runtime: Option<CString>,
    class: Option<CString>,
    question: Option<CString>,
    in_roster: bool,
}

impl Handle for Seen {
    type Opaque = mf_status;
    const NAME: &'static str = "mf_status";
}

impl Agent {
    fn new(status: &AgentStatus, class: Option<&String>, in_roster: bool) -> Self {
        Agent {
            name: owned(status.name.as_str()),
            state: status.state.number(),
            evidence: owned(&status.evidence),
            runtime: owned_option(status.runtime.as_ref()),
            class: owned_option(class),
            question: owned_option(status.question.as_ref()),
            in_roster,
        }
    }
}

impl Seen {
    /// A handle of a fleet's status.
    pub(super) fn fleet(status: &FleetStatus) -> Outcome<*mut mf_status> {
        let agents = status
            .agents
            .iter()
            .map(|agent| Agent::new(&agent.status, agent.class.as_ref(), agent.in_roster));
        let errors = status
            .errors
            .iter()
            .map(|error| owned(&format!("{}: {}", error.scope, error.error)));
        table::put(Arc::new(Seen {
            agents: agents.collect(),
            errors: errors.collect(),
            json: json!(status).to_string(),
        }))
    }

    /// A handle of a transport's list.
    pub(super) fn list(list: &[AgentStatus]) -> Outcome<*mut mf_status> {
        let agents = list.iter().map(|status| Agent::new(status, None, false));
        table::put(Arc::new(Seen {
            agents: agents.collect(),
            errors: Vec::new(),
            json: json!(list).to_string(),
        }))
    }

    fn agent(&self, index: usize) -> Outcome<&Agent> {
        let agent = self.agents.get(index);
        agent.ok_or_else(|| beyond(index, self.agents.len(), "agents"))
    }
}

pub(super) fn beyond(index: usize, count: usize, what: &str) -> super::guard::Failure {
    Error::invalid_argument(format!("no index {index}: there are {count} {what}")).into()
}

/// How many agents there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_count(
    status: *const mf_status,
    count: *mut usize,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Seen, _>(status, count, err, |seen| Ok(seen.agents.len())) }
}

/// An agent's name. Valid until the status is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_name(
    status: *const mf_status,
    index: usize,
    name: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, name, err, |seen| {
            Ok(seen.agent(index)?.name.as_ptr())
        })
    }
}

/// How an agent is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_state(
    status: *const mf_status,
    index: usize,
    state: *mut mf_state,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Seen, _>(status, state, err, |seen| Ok(seen.agent(index)?.state)) }
}

/// What the state was read from, for people. Valid until the status is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_evidence(
    status: *const mf_status,
    index: usize,
    evidence: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, evidence, err, |seen| {
            Ok(seen.agent(index)?.evidence.as_ptr())
        })
    }
}

/// An agent's runtime (`claude`, `pi`, ...), or NULL. Valid until the status is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_runtime(
    status: *const mf_status,
    index: usize,
    runtime: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, runtime, err, |seen| {
            Ok(pointer(seen.agent(index)?.runtime.as_ref()))
        })
    }
}

/// An agent's class in the roster, or NULL. Valid until the status is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_class(
    status: *const mf_status,
    index: usize,
    class_name: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, class_name, err, |seen| {
            Ok(pointer(seen.agent(index)?.class.as_ref()))
        })
    }
}

/// The question that an agent asks, for `MF_STATE_WAITING`, or NULL. Valid until the status is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_question(
    status: *const mf_status,
    index: usize,
    question: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, question, err, |seen| {
            Ok(pointer(seen.agent(index)?.question.as_ref()))
        })
    }
}

/// 1 for an agent of the roster, 0 for one that runs besides (or in the answer to a list).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_in_roster(
    status: *const mf_status,
    index: usize,
    in_roster: *mut u32,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, in_roster, err, |seen| {
            Ok(u32::from(seen.agent(index)?.in_roster))
        })
    }
}

/// How many things could not be asked. Where this is not 0, an agent may be told as unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_error_count(
    status: *const mf_status,
    count: *mut usize,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Seen, _>(status, count, err, |seen| Ok(seen.errors.len())) }
}

/// What could not be asked, and why, as a sentence. Valid until the status is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_error(
    status: *const mf_status,
    index: usize,
    message: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Seen, _>(status, message, err, |seen| {
            let error = seen.errors.get(index);
            let error = error.ok_or_else(|| beyond(index, seen.errors.len(), "errors"))?;
            Ok(error.as_ptr())
        })
    }
}

/// The whole answer as JSON: what `mosaic-fleet status --json` prints, or an array for a list.
/// `*json` is freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_json(
    status: *const mf_status,
    json: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Seen, _>(status, json, err, |seen| Ok(give(&seen.json))) }
}

/// Frees a status. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_status_free(status: *mut mf_status) -> mf_code {
    release::<Seen>(status)
}
