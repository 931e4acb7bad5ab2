//! The script: what the program looks like, and which vices it has. Everything is off by default.
//!
//! All times are milliseconds, and `0` means never. `nth` counts from 1 over the program's life.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the program draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// A prompt below ordinary, scrolling output, as readline draws it.
    #[default]
    Line,
    /// A box between two rules, redrawn in place, as Claude Code and pi draw it.
    Box,
}

/// A key that submits the composer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmitKey {
    /// Carriage return. Not listed, it is a newline in the composer.
    Enter,
    /// `ESC[24~`; a dialog ignores it.
    F12,
    /// `C-x C-y`; a dialog ignores it.
    Chord,
}

/// How one scripted agent looks and misbehaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Script {
    /// What the program draws.
    pub style: Style,
    /// Its name in the title, the banner and the reply; `MOSAIC_AGENT_NAME`, else `agent`, if unset.
    pub name: Option<String>,
    /// Where it logs what it took, as JSON lines.
    pub log: Option<PathBuf>,
    /// Prints `demo agent <name> ready` when it is.
    pub banner: bool,
    /// Uses the terminal's alternate screen (then there is no history).
    pub alternate_screen: bool,
    /// Asks for bracketed paste (DECSET 2004). Without it every line of a paste submits.
    pub bracketed: bool,
    /// The keys that submit.
    pub submit_keys: Vec<SubmitKey>,
    /// A dim text in the empty composer.
    pub placeholder: Option<String>,
    /// Replies `  <name>: got it: "<first 60 chars>…"` instead of `ok <seq>`.
    pub reply_echo: bool,
    /// Replies this text instead of `ok <seq>`.
    pub reply_text: Option<String>,
    /// Lines of a reply; all but the first are `ok <seq> (<line>/<lines>)`.
    pub reply_lines: u32,
    /// Takes a text without the white space at its end, as every real program seen does.
    pub trim: bool,

    /// The composer appears this late; input before it is kept as a draft, and no key submits.
    pub startup_ms: u64,
    /// Ordinary output before anything else.
    pub print_flood_lines: u32,
    /// A person's draft that is in the composer from the start.
    pub draft: String,
    /// Works this long before its first turn.
    pub busy_at_start_ms: u64,
    /// Every turn lasts this long; 0 ends it at once.
    pub busy_ms: u64,
    /// The turn of this very text lasts until Escape.
    pub endless_turn: Option<String>,
    /// Something on the screen changes this often, for ever.
    pub noise_ms: u64,

    /// The screen follows the state only this much later, for the echo and for the clearing.
    pub redraw_ms: u64,
    /// Shows a paste of more characters as `[Pasted text #1]`; what is taken stays exact.
    pub collapse_over_chars: usize,
    /// Shows a paste of more newlines as `[Pasted text #1 +22 lines]`.
    pub collapse_over_lines: usize,
    /// Claude 2.1.330: a paste of more characters arrives as `<pasted_content id="…">`.
    pub wrap_over_chars: usize,
    /// Claude 2.1.330: a paste of more newlines arrives as `<pasted_content id="…">`.
    pub wrap_over_lines: usize,
    /// Drops this many characters from the end of every paste.
    pub echo_tail_drop: usize,
    /// Claude 2.1.197: this long after a submit the composer still shows the old text, and a paste
    /// is appended to it.
    pub merge_draft_after_submit_ms: u64,

    /// Gemini: an Enter this soon after a paste is a newline. F12 and the chord are not affected.
    pub swallow_enter_ms: u64,
    /// The first so many submit keys are ignored.
    pub swallow_enters: u32,
    /// Of every nth text the first submit key is ignored.
    pub swallow_every: u32,
    /// Enter (and F12) after a `\` eats it and makes a newline; the chord does not.
    pub backslash_newline: bool,
    /// Claude: `C-s` puts the draft away, and the next submit brings it back, or `C-s` in an empty
    /// composer.
    pub stash: bool,

    /// What dialogs ask about.
    pub dialog_title: String,
    /// A dialog covers the composer from the start.
    pub dialog_at_start: bool,
    /// A dialog opens right after the nth bracketed paste landed.
    pub dialog_on_paste: Vec<u32>,
    /// A dialog opens this long after the first paste was drawn (`Some(0)`: with it).
    pub dialog_on_echo_ms: Option<u64>,
    /// A dialog opens right after the nth text was taken.
    pub dialog_after_take: Vec<u32>,
    /// What dialogs let choose from: the first one approves, Escape takes the last one.
    pub dialog_choices: Vec<String>,
    /// A dialog opens when this very text was taken.
    pub dialog_on_text: Option<String>,
    /// Dialogs ignore the first so many keys.
    pub dialog_deaf_keys: u32,
    /// A person denies an open dialog after this long.
    pub dialog_closes_ms: u64,

    /// It tells its agent's event log what it does, as a program with our hooks.
    pub tells: bool,
    /// It tells its terminal whether it works (OSC 7501), as Codex does.
    pub tells_terminal: bool,
    /// This text starts a new session (`reset`, not `took`).
    pub reset_command: Option<String>,
    /// Its marker `✓ New session started` is printed this much later.
    pub reset_takes_ms: u64,
    /// This long after it every submitted text is lost.
    pub reset_loses_ms: u64,

    /// Dies (code 9) on the nth paste.
    pub crash_on_paste: u32,
    /// Dies (code 9) on the nth submit, which it does not take.
    pub crash_on_submit: u32,
    /// Dies (code 9) right after it took the nth text.
    pub crash_after_take: u32,
    /// Exits with `exit_code` after the turn of the nth text.
    pub exit_after: u32,
    /// The code of `exit_after`.
    pub exit_code: i32,

    /// The probability, per paste, of a fault picked at random (0..1).
    pub fault_rate: f64,
    /// The seed of the faults; each name draws its own sequence from it.
    pub seed: u64,
    /// Dialogs are among the faults.
    pub fault_dialogs: bool,
    /// A fault may also be a crash.
    pub fault_crash: bool,
}

impl Default for Script {
    fn default() -> Self {
        Script {
            style: Style::Line,
            name: None,
            log: None,
            banner: true,
            alternate_screen: false,
            bracketed: true,
            submit_keys: vec![SubmitKey::Enter],
            placeholder: None,
            reply_echo: false,
            reply_text: None,
            reply_lines: 1,
            trim: true,
            startup_ms: 0,
            print_flood_lines: 0,
            draft: String::new(),
            busy_at_start_ms: 0,
            busy_ms: 0,
            endless_turn: None,
            noise_ms: 0,
            redraw_ms: 0,
            collapse_over_chars: 0,
            collapse_over_lines: 0,
            wrap_over_chars: 0,
            wrap_over_lines: 0,
            echo_tail_drop: 0,
            merge_draft_after_submit_ms: 0,
            swallow_enter_ms: 0,
            swallow_enters: 0,
            swallow_every: 0,
            backslash_newline: false,
            stash: false,
            dialog_title: "run a command".to_owned(),
            dialog_choices: vec!["Yes".to_owned(), "No".to_owned()],
            dialog_on_text: None,
            dialog_deaf_keys: 0,
            dialog_at_start: false,
            dialog_on_paste: Vec::new(),
            dialog_on_echo_ms: None,
            dialog_after_take: Vec::new(),
            dialog_closes_ms: 0,
            tells: false,
            tells_terminal: false,
            reset_command: None,
            reset_takes_ms: 0,
            reset_loses_ms: 0,
            crash_on_paste: 0,
            crash_on_submit: 0,
            crash_after_take: 0,
            exit_after: 0,
            exit_code: 0,
            fault_rate: 0.0,
            seed: 0,
            fault_dialogs: true,
            fault_crash: false,
        }
    }
}

impl Script {
    /// A well-behaved agent with a prompt.
    pub fn new() -> Self {
        Script::default()
    }

    /// A well-behaved agent with a box.
    pub fn boxed() -> Self {
        Script {
            style: Style::Box,
            ..Script::default()
        }
    }

    /// The script as the one argument that `scripted-agent --script` takes.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
