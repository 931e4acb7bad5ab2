//! A token: used as a header, never shown.

use std::fmt;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};

/// What a server knows us by. It is wiped from memory when dropped, and printed as `Token(…)`.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
}

impl Token {
    /// A token, without blanks around it.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` if it is empty or no header can hold it. The message does not show it.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::config_invalid("the token is empty"));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::config_invalid(
                "the token holds a blank or a character that no token has",
            )
            .with_hint("copy it once more; only its first line may be there"));
        }
        Ok(Token {
            secret: SecretString::from(text),
        })
    }

    /// `SCHEME TOKEN`, marked so that no log shows it.
    pub(crate) fn header(&self, scheme: &str) -> Result<HeaderValue> {
        let text = format!("{scheme} {}", self.secret.expose_secret());
        let mut header = HeaderValue::from_str(&text)
            .map_err(|_| Error::config_invalid("the token cannot stand in a header"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The text with `…` wherever the token stands.
    pub(super) fn hidden_in(&self, text: Vec<u8>) -> Vec<u8> {
        let secret = self.secret.expose_secret();
        match String::from_utf8_lossy(&text) {
            shown if shown.contains(secret) => shown.replace(secret, "…").into_bytes(),
            _ => text,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
