//! The numbers of the ABI, and how they and the core's types turn into each other.
//!
//! A number is never given to something else. A retired one stays here as a comment.

use mosaic_fleet::{
    AgentState, ErrorKind, EvidenceKind, Refusal, ResetMode, Retry, Stage, Verdict,
};

/// What became of a call: 0, the number of an error's kind, or a code that only C has (from 1000).
pub type mf_code = u32;

/// It went well.
pub const MF_CODE_OK: mf_code = 0;
/// A defect of the library or of something below it; please report it.
pub const MF_CODE_UNEXPECTED: mf_code = 1;
/// The transport does not offer this operation or option.
pub const MF_CODE_UNSUPPORTED: mf_code = 2;
/// The caller passed something that can never work.
pub const MF_CODE_INVALID_ARGUMENT: mf_code = 3;
/// A roster, manifest, environment or host set-up is wrong.
pub const MF_CODE_CONFIG_INVALID: mf_code = 4;
/// No agent of that name is known.
pub const MF_CODE_AGENT_NOT_FOUND: mf_code = 5;
/// Nothing was typed, on purpose; `mf_error_reason` says why.
pub const MF_CODE_REFUSED: mf_code = 6;
/// The backend cannot be reached.
pub const MF_CODE_UNAVAILABLE: mf_code = 7;
/// The backend was reached and does not allow this.
pub const MF_CODE_PERMISSION_DENIED: mf_code = 8;
/// The backend does not know who we are.
pub const MF_CODE_UNAUTHENTICATED: mf_code = 9;
/// The backend asks us to slow down.
pub const MF_CODE_RATE_LIMITED: mf_code = 10;
/// The deadline passed before anything irreversible was done.
pub const MF_CODE_TIMEOUT: mf_code = 11;
/// Lost sight of a send after typing began: never send again without a look at the agent.
pub const MF_CODE_DELIVERY_UNKNOWN: mf_code = 12;
/// The transport was closed, or its fleet was freed.
pub const MF_CODE_CLOSED: mf_code = 13;
/// A transport or callback that is not the library's failed.
pub const MF_CODE_PLUGIN: mf_code = 14;
/// A pointer that must point to something is NULL.
pub const MF_CODE_NULL_POINTER: mf_code = 1000;
/// A text is not UTF-8.
pub const MF_CODE_INVALID_UTF8: mf_code = 1001;
/// A handle was freed already, is of another type, or never was one.
pub const MF_CODE_INVALID_HANDLE: mf_code = 1002;
/// A blocking function was called from a callback, whose thread must not block.
pub const MF_CODE_WOULD_BLOCK: mf_code = 1003;
/// A struct or vtable is not of a version that this library can read.
pub const MF_CODE_ABI_MISMATCH: mf_code = 1004;
/// A defect of the library; the call ended and the process lives. Please report it.
pub const MF_CODE_PANIC: mf_code = 1005;

/// What became of a text that was not refused.
pub type mf_verdict = u32;

/// The agent program took this very text.
pub const MF_VERDICT_SUBMITTED: mf_verdict = 1;
/// The agent is busy and its program holds the text for after the turn.
pub const MF_VERDICT_QUEUED: mf_verdict = 2;
/// A store-and-forward transport holds it durably; no word from the agent yet.
pub const MF_VERDICT_ACCEPTED: mf_verdict = 3;
/// It was typed and the submit key pressed, and nothing proves either way.
pub const MF_VERDICT_UNCONFIRMED: mf_verdict = 4;

/// What kind of proof an answer stands on, weakest first.
pub type mf_evidence = u32;

/// Nothing proves it.
pub const MF_EVIDENCE_NONE: mf_evidence = 0;
/// A store-and-forward transport holds the message.
pub const MF_EVIDENCE_STORED: mf_evidence = 1;
/// The composer emptied and the text stands above it.
pub const MF_EVIDENCE_SCREEN: mf_evidence = 2;
/// The program's own transcript has the text.
pub const MF_EVIDENCE_TRANSCRIPT: mf_evidence = 3;
/// The program itself reported the text.
pub const MF_EVIDENCE_HOOK: mf_evidence = 4;
/// A protocol acknowledged it.
pub const MF_EVIDENCE_PROTOCOL: mf_evidence = 5;

/// How an agent is.
pub type mf_state = u32;

/// No state is meant; in an answer: one that this version has no number for.
pub const MF_STATE_NONE: mf_state = 0;
/// The program runs and has not drawn its composer yet.
pub const MF_STATE_STARTING: mf_state = 1;
/// The composer is there and nothing is being worked on.
pub const MF_STATE_IDLE: mf_state = 2;
/// A turn is running.
pub const MF_STATE_WORKING: mf_state = 3;
/// A turn is running and the program holds messages for after it.
pub const MF_STATE_QUEUED: mf_state = 4;
/// It asked a question and waits for a person.
pub const MF_STATE_WAITING: mf_state = 5;
/// The program has ended and its terminal still stands.
pub const MF_STATE_DEAD: mf_state = 6;
/// In the roster, and nothing runs.
pub const MF_STATE_STOPPED: mf_state = 7;
/// It runs, and what it does cannot be told.
pub const MF_STATE_UNKNOWN: mf_state = 8;

/// Which of a program's ways to forget is meant.
pub type mf_reset_mode = u32;

/// The program's own default.
pub const MF_RESET_MODE_DEFAULT: mf_reset_mode = 0;
/// Empty the conversation.
pub const MF_RESET_MODE_CLEAR: mf_reset_mode = 1;
/// Begin a new session.
pub const MF_RESET_MODE_NEW: mf_reset_mode = 2;

/// Why nothing was typed.
pub type mf_refusal = u32;

/// Somebody's unsubmitted text is in the composer.
pub const MF_REFUSAL_DRAFT: mf_refusal = 1;
/// A question is open; a submit key would answer it.
pub const MF_REFUSAL_DIALOG: mf_refusal = 2;
/// The agent's program has ended.
pub const MF_REFUSAL_DEAD: mf_refusal = 3;
/// The program is up but its composer is not, or it is busy and cannot hold a message.
pub const MF_REFUSAL_NOT_READY: mf_refusal = 4;
/// The terminal runs something else than the expected program.
pub const MF_REFUSAL_WRONG_PROGRAM: mf_refusal = 5;
/// A person is reading in a mode that takes the keys.
pub const MF_REFUSAL_IN_MODE: mf_refusal = 6;
/// The text would be altered, run as a command, or do harm.
pub const MF_REFUSAL_UNSAFE_TEXT: mf_refusal = 7;
/// Another sender holds the agent.
pub const MF_REFUSAL_LOCKED: mf_refusal = 8;
/// The agent is at work and the operation would discard it.
pub const MF_REFUSAL_BUSY: mf_refusal = 9;
/// The roster protects this agent's conversation.
pub const MF_REFUSAL_PERSISTENT: mf_refusal = 10;
/// The question to be answered is not open, or has no such choice.
pub const MF_REFUSAL_NO_QUESTION: mf_refusal = 11;

/// How far a send got before it was lost from sight.
pub type mf_stage = u32;

/// The text may be in the composer; the submit key was not pressed.
pub const MF_STAGE_PASTED: mf_stage = 1;
/// The submit key was pressed.
pub const MF_STAGE_KEY_PRESSED: mf_stage = 2;

/// Whether calling again can help.
pub type mf_retry = u32;

/// It will not help, or could do harm (a second delivery).
pub const MF_RETRY_NEVER: mf_retry = 0;
/// Nothing was done; calling again is harmless and may succeed.
pub const MF_RETRY_SAFE: mf_retry = 1;
/// As safe, but not before some time has passed.
pub const MF_RETRY_AFTER: mf_retry = 2;

/// Codes that only C has: they are named here, as the core names its kinds.
pub(super) const OWN_CODES: [(mf_code, &str); 6] = [
    (MF_CODE_NULL_POINTER, "null_pointer"),
    (MF_CODE_INVALID_UTF8, "invalid_utf8"),
    (MF_CODE_INVALID_HANDLE, "invalid_handle"),
    (MF_CODE_WOULD_BLOCK, "would_block"),
    (MF_CODE_ABI_MISMATCH, "abi_mismatch"),
    (MF_CODE_PANIC, "panic"),
];

const VERDICTS: [(u32, Verdict); 4] = [
    (MF_VERDICT_SUBMITTED, Verdict::Submitted),
    (MF_VERDICT_QUEUED, Verdict::Queued),
    (MF_VERDICT_ACCEPTED, Verdict::Accepted),
    (MF_VERDICT_UNCONFIRMED, Verdict::Unconfirmed),
];

const EVIDENCE: [(u32, EvidenceKind); 6] = [
    (MF_EVIDENCE_NONE, EvidenceKind::None),
    (MF_EVIDENCE_STORED, EvidenceKind::Stored),
    (MF_EVIDENCE_SCREEN, EvidenceKind::Screen),
    (MF_EVIDENCE_TRANSCRIPT, EvidenceKind::Transcript),
    (MF_EVIDENCE_HOOK, EvidenceKind::Hook),
    (MF_EVIDENCE_PROTOCOL, EvidenceKind::Protocol),
];

const STATES: [(u32, AgentState); 8] = [
    (MF_STATE_STARTING, AgentState::Starting),
    (MF_STATE_IDLE, AgentState::Idle),
    (MF_STATE_WORKING, AgentState::Working),
    (MF_STATE_QUEUED, AgentState::Queued),
    (MF_STATE_WAITING, AgentState::Waiting),
    (MF_STATE_DEAD, AgentState::Dead),
    (MF_STATE_STOPPED, AgentState::Stopped),
    (MF_STATE_UNKNOWN, AgentState::Unknown),
];

const RESET_MODES: [(u32, ResetMode); 2] = [
    (MF_RESET_MODE_CLEAR, ResetMode::Clear),
    (MF_RESET_MODE_NEW, ResetMode::New),
];

const REFUSALS: [(u32, Refusal); 11] = [
    (MF_REFUSAL_DRAFT, Refusal::Draft),
    (MF_REFUSAL_DIALOG, Refusal::Dialog),
    (MF_REFUSAL_DEAD, Refusal::Dead),
    (MF_REFUSAL_NOT_READY, Refusal::NotReady),
    (MF_REFUSAL_WRONG_PROGRAM, Refusal::WrongProgram),
    (MF_REFUSAL_IN_MODE, Refusal::InMode),
    (MF_REFUSAL_UNSAFE_TEXT, Refusal::UnsafeText),
    (MF_REFUSAL_LOCKED, Refusal::Locked),
    (MF_REFUSAL_BUSY, Refusal::Busy),
    (MF_REFUSAL_PERSISTENT, Refusal::Persistent),
    (MF_REFUSAL_NO_QUESTION, Refusal::NoQuestion),
];

const STAGES: [(u32, Stage); 2] = [
    (MF_STAGE_PASTED, Stage::Pasted),
    (MF_STAGE_KEY_PRESSED, Stage::KeyPressed),
];

/// A type of the core that has numbers here.
pub(super) trait Numbered: Copy + PartialEq + 'static {
    /// What a number of this type is called when it is wrong.
    const NAME: &'static str;
    /// All values that have a number.
    const TABLE: &'static [(u32, Self)];

    /// The value of a number.
    fn from_number(number: u32) -> Option<Self> {
        let found = Self::TABLE.iter().find(|entry| entry.0 == number);
        found.map(|entry| entry.1)
    }

    /// The number of a value; 0 for one that the core has learnt since.
    fn number(self) -> u32 {
        let found = Self::TABLE.iter().find(|entry| entry.1 == self);
        found.map_or(0, |entry| entry.0)
    }
}

macro_rules! numbered {
    ($($type:ty: $name:literal, $table:expr);* $(;)?) => {$(
        impl Numbered for $type {
            const NAME: &'static str = $name;
            const TABLE: &'static [(u32, Self)] = $table;
        }
    )*};
}

numbered! {
    Verdict: "verdict", &VERDICTS;
    EvidenceKind: "kind of evidence", &EVIDENCE;
    AgentState: "state", &STATES;
    ResetMode: "reset mode", &RESET_MODES;
    Refusal: "refusal", &REFUSALS;
    Stage: "stage", &STAGES;
}

/// The kind of a code that is an error's.
pub(super) fn kind_of(code: mf_code) -> Option<ErrorKind> {
    ErrorKind::ALL
        .into_iter()
        .find(|kind| kind.number() == code)
}

/// A retry as its number, and how long to wait in milliseconds.
pub(super) fn retry_of(retry: Retry) -> (mf_retry, u64) {
    match retry {
        Retry::Safe => (MF_RETRY_SAFE, 0),
        Retry::After(delay) => {
            let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            (MF_RETRY_AFTER, delay)
        }
        _ => (MF_RETRY_NEVER, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value has one number, and its constant is called as the core spells it.
    fn check<T: Numbered>(constant: &str, word: impl Fn(T) -> String) {
        let source = include_str!("code.rs");
        for (number, value) in T::TABLE {
            assert_eq!(value.number(), *number);
            assert!(T::from_number(*number) == Some(*value));
            let word = word(*value).to_uppercase();
            let line = format!("pub const MF_{constant}_{word}: mf_");
            let line = source.lines().find(|found| found.starts_with(&line));
            let line = line.unwrap_or_else(|| panic!("no constant for {word}"));
            assert!(line.ends_with(&format!("= {number};")), "{line}");
        }
    }

    #[test]
    fn numbers_are_called_as_the_core_spells_them() {
        check("VERDICT", |verdict: Verdict| verdict.as_str().to_owned());
        check("STATE", |state: AgentState| state.as_str().to_owned());
        check("RESET_MODE", |mode: ResetMode| mode.as_str().to_owned());
        check("REFUSAL", |refusal: Refusal| refusal.as_str().to_owned());
        check("STAGE", |stage: Stage| stage.as_str().to_owned());
        check("EVIDENCE", |kind: EvidenceKind| {
            let word = serde_json::to_value(kind).unwrap();
            word.as_str().unwrap().to_owned()
        });
    }

    #[test]
    fn the_core_s_kinds_are_codes_by_their_number_and_name() {
        let source = include_str!("code.rs");
        for kind in ErrorKind::ALL {
            let name = kind.as_str().to_uppercase();
            let line = format!("pub const MF_CODE_{name}: mf_code = {};", kind.number());
            assert!(source.lines().any(|found| found == line), "{line}");
            assert_eq!(kind_of(kind.number()), Some(kind));
        }
        for (code, name) in OWN_CODES {
            let line = format!(
                "pub const MF_CODE_{}: mf_code = {code};",
                name.to_uppercase()
            );
            assert!(source.lines().any(|found| found == line), "{line}");
        }
    }

    #[test]
    fn every_refusal_of_the_core_has_a_number() {
        for refusal in Refusal::ALL {
            assert_ne!(refusal.number(), 0, "{refusal:?}");
        }
    }
}
