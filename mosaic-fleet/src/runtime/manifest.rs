//! The manifest of a runtime: everything this library knows of one agent program, as data.
//!
//! Shipped manifests are the files of `src/runtimes/`; a roster may change or add some. Types and
//! their documentation only: reading a screen by them is `composer.rs`.

use std::fmt;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::questions::{AnswerRules, DialogPattern};
use crate::options::ResetMode;

/// What is known of one agent program.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The runtime's name, as the roster uses it. Filled in from the key it stands under.
    #[serde(default)]
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Versions of the program that the patterns were seen with.
    #[serde(default)]
    pub seen: Vec<String>,
    /// The command that starts it, as words. The roster's `command` overrides it.
    pub launch: Vec<String>,
    /// Names of the program's process, one of which must run in the terminal's foreground for a
    /// text to be typed. Empty: any program will do.
    #[serde(default)]
    pub processes: Vec<String>,
    /// Patterns of which one must match before the program takes texts. Empty: the composer being
    /// drawn is enough.
    #[serde(default)]
    pub ready: Vec<Pattern>,
    /// Where the composer is.
    pub composer: ComposerLayout,
    /// Patterns of a running turn.
    #[serde(default)]
    pub busy: Vec<Pattern>,
    /// While a command runs, another process than the first has the terminal, as under a shell.
    #[serde(default)]
    pub yields_terminal: bool,
    /// Patterns above the composer of a turn that ended without the program telling its hooks: it
    /// was interrupted, or failed.
    #[serde(default)]
    pub cut_short: Vec<Pattern>,
    /// Patterns of messages held for after the turn.
    #[serde(default)]
    pub queued: Vec<Pattern>,
    /// Whether a text sent to the busy program is held for after the turn. Where it is not, a busy
    /// agent is refused (`NotReady`).
    #[serde(default)]
    pub queues: bool,
    /// Patterns of a question that the submit key would answer.
    #[serde(default)]
    pub dialog: Vec<DialogPattern>,
    /// What the empty composer shows, where that is not drawn dim; the whole of its text must match.
    #[serde(default)]
    pub placeholders: Vec<Expression>,
    /// How a question is answered.
    #[serde(default)]
    pub answer: AnswerRules,
    /// What the composer shows instead of a long paste, blanks left out; the whole of its text
    /// must be made of matches.
    #[serde(default)]
    pub collapsed: Vec<Expression>,
    /// How a composed text is submitted.
    #[serde(default)]
    pub submit: SubmitRules,
    /// How a text is pasted.
    #[serde(default)]
    pub paste: PasteRules,
    /// What the program would do to a text, so that we do it first or refuse.
    #[serde(default)]
    pub text: TextRules,
    /// How our own unsubmitted text is taken out of the composer again.
    #[serde(default)]
    pub clear: Option<Clearing>,
    /// How a person's draft is put away for a text of ours. Without it a draft is a refusal.
    #[serde(default)]
    pub stash: Option<Stash>,
    /// How the conversation is forgotten. Without it the program is restarted instead.
    #[serde(default)]
    pub reset: ResetRules,
    /// A shorthand: the command of the default reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_command: Option<String>,
    /// Keys that end the program.
    #[serde(default)]
    pub exit: Vec<String>,
}

impl Manifest {
    /// The words of questions that are looked for on the screen at the moment of a key.
    pub(crate) fn words_on_screen(&self) -> Vec<&str> {
        let on_screen = self
            .dialog
            .iter()
            .filter(|dialog| dialog.place != Place::Title);
        on_screen
            .filter_map(|dialog| dialog.words.as_deref())
            .collect()
    }

    /// The command of a reset, the default one without a mode, and what proves it.
    pub fn reset_for(&self, mode: Option<ResetMode>) -> Option<(ResetMode, ResetCommand)> {
        let default = self
            .reset
            .default
            .or(self.reset.clear.as_ref().map(|_| ResetMode::Clear))
            .or(self.reset.new.as_ref().map(|_| ResetMode::New));
        let mode = mode
            .or(default)
            .or(self.reset_command.as_ref().map(|_| ResetMode::Clear))?;
        let declared = match mode {
            ResetMode::Clear => self.reset.clear.clone(),
            ResetMode::New => self.reset.new.clone(),
        };
        let is_default = default.is_none_or(|default| default == mode);
        match (&self.reset_command, declared) {
            (Some(command), Some(declared)) if is_default => {
                let proof = if declared.command == *command {
                    declared.proof
                } else {
                    Vec::new()
                };
                let command = command.clone();
                let gap_ms = declared.gap_ms;
                Some((
                    mode,
                    ResetCommand {
                        command,
                        proof,
                        gap_ms,
                    },
                ))
            }
            (Some(command), None) if is_default => Some((
                mode,
                ResetCommand {
                    command: command.clone(),
                    proof: Vec::new(),
                    gap_ms: 0,
                },
            )),
            (_, declared) => declared.map(|declared| (mode, declared)),
        }
    }
}

/// A regular expression, compiled once. Written as a plain string.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Expression(Regex);

impl Expression {
    /// The compiled expression.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.as_str())
    }
}

impl TryFrom<String> for Expression {
    type Error = regex::Error;
    fn try_from(source: String) -> Result<Self, regex::Error> {
        Regex::new(&source).map(Expression)
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> String {
        expression.0.as_str().to_owned()
    }
}

/// Where a pattern is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// Any row of the screen.
    #[default]
    Screen,
    /// A row above the composer.
    Above,
    /// A row below the composer.
    Below,
    /// The terminal's title.
    Title,
    /// All rows as one text, with line ends between them: for a pattern of several rows.
    Whole,
}

/// A pattern and where it is looked for. A plain string is looked for in every row.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PatternSource", into = "PatternSource")]
#[schemars(with = "PatternSource")]
#[non_exhaustive]
pub struct Pattern {
    /// What must match.
    pub matches: Expression,
    /// Where.
    pub place: Place,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum PatternSource {
    Plain(Expression),
    Placed(PlacedPattern),
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlacedPattern {
    /// What must match.
    matches: Expression,
    /// Where.
    #[serde(default, rename = "in")]
    place: Place,
}

impl From<PatternSource> for Pattern {
    fn from(source: PatternSource) -> Self {
        match source {
            PatternSource::Plain(matches) => Pattern {
                matches,
                place: Place::Screen,
            },
            PatternSource::Placed(PlacedPattern { matches, place }) => Pattern { matches, place },
        }
    }
}

impl From<Pattern> for PatternSource {
    fn from(Pattern { matches, place }: Pattern) -> Self {
        match place {
            Place::Screen => PatternSource::Plain(matches),
            place => PatternSource::Placed(PlacedPattern { matches, place }),
        }
    }
}

/// Where the composer is on the screen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ComposerLayout {
    /// A prompt at the cursor, as a shell has it: the composer is what follows the prompt, to the
    /// end of the screen. It is there only while the cursor is in it.
    Prompt {
        /// Matches the whole prompt of an empty composer, up to the cursor.
        prompt: Expression,
        /// Stripped from every row but the first.
        #[serde(default)]
        continuation: Option<Expression>,
    },
    /// Rows between two drawn rules, the last two on the screen.
    Rules {
        /// Matches the upper rule's row.
        top: Expression,
        /// Matches the lower rule's row.
        bottom: Expression,
        /// Stripped from the first row.
        #[serde(default)]
        prompt: Option<Expression>,
        /// Stripped from every row but the first.
        #[serde(default)]
        continuation: Option<Expression>,
        /// Matches the upper rule when the composer is scrolled and its first rows are hidden.
        #[serde(default)]
        scrolled: Option<Expression>,
    },
    /// The last row that starts with a prompt, and the indented rows under it.
    LastPrompt {
        /// Matches the prompt at the start of the row.
        prompt: Expression,
        /// Must match the rows that go on; stripped from them.
        continuation: Expression,
        /// Matches the last such row on the screen, under the composer: then all rows up to it go
        /// on, whatever is in them.
        #[serde(default)]
        footer: Option<Expression>,
    },
}

/// How a composed text is submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SubmitRules {
    /// The keys, in the terminal server's names (`Enter`, `F12`, `C-x C-y`).
    pub key: String,
    /// The program takes a key for part of the paste when it comes sooner than this many
    /// milliseconds after the text is drawn.
    pub gap_ms: u64,
}

impl Default for SubmitRules {
    fn default() -> Self {
        SubmitRules {
            key: "Enter".to_owned(),
            gap_ms: 0,
        }
    }
}

/// How a text is pasted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PasteRules {
    /// The drawn program has bracketed paste on. Where it has not, only single lines are sent.
    pub bracketed: bool,
    /// With these foreground processes only; empty: with any.
    pub bracketed_processes: Vec<String>,
    /// The most characters of one paste; a longer text goes as several, back to back.
    pub chunk_chars: Option<usize>,
    /// The most line ends of one paste.
    pub chunk_newlines: Option<usize>,
    /// Send line ends as LF. Otherwise they go as CR, which programs turn back into LF.
    pub keep_lf: bool,
    /// The most bytes of a text.
    pub max_bytes: Option<u64>,
}

impl Default for PasteRules {
    fn default() -> Self {
        PasteRules {
            bracketed: true,
            bracketed_processes: Vec::new(),
            chunk_chars: None,
            chunk_newlines: None,
            keep_lf: false,
            max_bytes: None,
        }
    }
}

/// Which blanks around a text the program drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trim {
    /// None.
    None,
    /// Those at the end.
    #[default]
    End,
    /// Those at both ends.
    Both,
}

/// What the program does to a text. What can be done without harm is done by us first and
/// reported; what would lose or change meaning is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TextRules {
    /// A tab becomes this many spaces.
    pub tab_width: Option<u8>,
    /// The text is brought to Unicode's composed form.
    pub compose: bool,
    /// Blanks dropped around the text.
    pub trim: Trim,
    /// First characters that run a command.
    pub command_prefixes: String,
    /// Texts that are commands by themselves (`exit`).
    pub command_words: Vec<String>,
    /// Characters that are dropped or changed on the way in.
    pub refused_characters: String,
    /// A text that ends with a backslash is not submitted by the key.
    pub refuse_trailing_backslash: bool,
}

/// How a text is taken out of the composer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Clearing {
    /// The keys that empty the composer.
    pub key: String,
}

/// How a draft is put away by a program that brings it back after the next text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Stash {
    /// The keys that put it away, and that bring it back into an empty composer.
    pub key: String,
    /// Patterns of a screen where a draft is put away already.
    #[serde(default)]
    pub shown: Vec<Pattern>,
}

/// The resets of a program.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResetRules {
    /// The reset that is meant when none is named.
    #[schemars(with = "Option<String>")]
    pub default: Option<ResetMode>,
    /// Empties the conversation.
    pub clear: Option<ResetCommand>,
    /// Begins a new session.
    pub new: Option<ResetCommand>,
}

/// A reset's command and its proof.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResetCommand {
    /// The text that is submitted.
    pub command: String,
    /// Patterns of which one must appear anew. Empty: an empty composer above which the command is
    /// no longer to be seen.
    #[serde(default)]
    pub proof: Vec<Pattern>,
    /// The program loses a text that comes sooner than this many milliseconds after the proof.
    #[serde(default)]
    pub gap_ms: u64,
}
