//! What a roster may name: the transport schemes and runtimes that exist, and the defaults.
//!
//! The words come in from the caller, so that a program with a transport or runtime of its own can
//! read rosters that name it. What a scheme's block may hold is not known here.

/// The transport of a roster that names none.
pub const DEFAULT_TRANSPORT: &str = "tmux";

/// The runtime of an agent for which none is named anywhere.
pub const DEFAULT_RUNTIME: &str = "pi";

/// The schemes this library ships.
pub(super) const SCHEMES: &[&str] = &[DEFAULT_TRANSPORT, "matrix"];

/// The runtimes this library ships.
pub(super) const RUNTIMES: &[&str] = &["claude", "pi", "codex", "gemini", "shell"];

/// The schemes and runtimes that a roster may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known<'a> {
    /// The schemes: legal values of `transport`, and legal top-level blocks.
    pub schemes: &'a [&'a str],
    /// The runtimes; those under `runtimes:` of the roster itself are added.
    pub runtimes: &'a [&'a str],
}

impl<'a> Known<'a> {
    /// Exactly these.
    pub const fn new(schemes: &'a [&'a str], runtimes: &'a [&'a str]) -> Self {
        Known { schemes, runtimes }
    }
}

/// What this library ships.
impl Default for Known<'_> {
    fn default() -> Self {
        Known::new(SCHEMES, RUNTIMES)
    }
}
