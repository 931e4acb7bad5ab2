//! One thing that was checked on this host, and how it came out.

use serde::Serialize;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Finding {
    /// As it should be.
    Ok,
    /// It works, with a drawback.
    Warning,
    /// It does not work.
    Failure,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it came out.
    pub finding: Finding,
    /// What was seen.
    pub seen: String,
    /// What would mend it.
    pub fix: Option<String>,
}

impl Check {
    /// A check that came out as `finding`.
    pub fn new(name: impl Into<String>, finding: Finding, seen: impl Into<String>) -> Self {
        Check {
            name: name.into(),
            finding,
            seen: seen.into(),
            fix: None,
        }
    }

    /// Says what would mend it.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
