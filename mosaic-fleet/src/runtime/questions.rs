//! What a manifest knows of a program's questions: how they look, and how they are answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::{Expression, Place};

/// A pattern of an open question.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DialogPattern {
    /// What must match.
    pub matches: Expression,
    /// Where.
    #[serde(default, rename = "in")]
    pub place: Place,
    /// What is waited for: `permission` or `question`.
    #[serde(default = "question")]
    pub waiting_for: String,
    /// Words that the drawn question holds, letters, digits and blanks only. The submit key's
    /// guard looks for them on the terminal server itself, at the very moment of the key.
    #[serde(default)]
    pub words: Option<String>,
}

fn question() -> String {
    "question".to_owned()
}

/// How a question is answered. Without keys it is left to people.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AnswerRules {
    /// The keys that take a choice at once; `{n}` stands for its number.
    pub choice: Option<String>,
    /// The keys that deny.
    pub deny: Option<String>,
    /// A program that fears keys meant for something else is deaf for so many milliseconds after it
    /// has drawn a question: the question must have stood so long before a key is pressed.
    pub gap_ms: u64,
    /// Matches the row of a choice: first its number, then its words.
    pub choices: Expression,
}

impl Default for AnswerRules {
    fn default() -> Self {
        let choices = Expression::try_from(r"^[\s│┃|]*[❯›●>▶]?\s*([1-9])\.\s+(\S.*)$".to_owned());
        AnswerRules {
            choice: None,
            deny: None,
            gap_ms: 0,
            choices: choices.unwrap_or_else(|error| unreachable!("{error}")),
        }
    }
}
