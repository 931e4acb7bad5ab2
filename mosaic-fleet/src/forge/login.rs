//! A login: which forge is asked, and as whom.

use std::fmt;

pub use crate::http::Token;

/// Where a forge is and what it knows us by.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// What people call it.
    pub name: String,
    /// The forge's address.
    pub url: String,
    /// Without one, only what everybody may see is seen.
    pub token: Option<Token>,
    /// The forge's certificate is not checked.
    pub insecure: bool,
}

impl Login {
    /// A login without a token.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Login {
            name: name.into(),
            url: url.into(),
            token: None,
            insecure: false,
        }
    }

    /// With a token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
