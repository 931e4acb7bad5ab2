//! What can go wrong between us and a homeserver, and the one conversion to the public error.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Retry, Stage};

/// A failure below the transport.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum MatrixError {
    /// The server answered and refused.
    #[error("{host}: {words} ({code})")]
    Refused {
        host: String,
        status: u16,
        /// `M_FORBIDDEN` and the like.
        code: String,
        /// The server's own words.
        words: String,
        /// When the server may be asked again.
        after: Option<Duration>,
        /// Of this try or one before it the server may have done what was asked.
        lost: bool,
    },
    /// No answer. `reached`: the request may have arrived, and its answer was lost.
    #[error("{host}: {words}")]
    Unreachable {
        host: String,
        words: String,
        reached: bool,
    },
    /// The server answered with what the specification does not know.
    #[error("{host}: its answer cannot be read: {words}")]
    Unreadable { host: String, words: String },
    /// We made a request that is none.
    #[error("cannot ask the homeserver: {0}")]
    Request(String),
}

impl MatrixError {
    /// Whether the server refused with one of these words of the specification.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        matches!(self, MatrixError::Refused { code, .. } if codes.contains(&code.as_str()))
    }

    /// The same after earlier tries: `before` says whether one of them may have been done, and is
    /// kept up to date.
    pub(crate) fn after_loss(mut self, before: &mut bool) -> Self {
        if let MatrixError::Refused { lost, .. } | MatrixError::Unreachable { reached: lost, .. } =
            &mut self
        {
            *lost |= *before;
            *before = *lost;
        }
        self
    }

    /// Whether the server may have done what was asked.
    pub(crate) fn may_be_done(&self) -> bool {
        match self {
            MatrixError::Refused { lost, .. } | MatrixError::Unreachable { reached: lost, .. } => {
                *lost
            }
            MatrixError::Unreadable { .. } => true,
            MatrixError::Request(_) => false,
        }
    }

    /// When the server may be asked again, where it says so.
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            MatrixError::Refused { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether another try would end the same: not where it is only something before the homeserver
    /// that refuses, which does not speak its words.
    pub(crate) fn lasts(&self) -> bool {
        match self {
            MatrixError::Refused { status, code, .. } => {
                code.starts_with("M_") && !matches!(status, 429 | 500..)
            }
            MatrixError::Request(_) => true,
            MatrixError::Unreachable { .. } | MatrixError::Unreadable { .. } => false,
        }
    }

    /// What this means for a text or a reset that was on its way: unknown, where the server may hold
    /// it.
    pub(crate) fn in_doubt(self) -> Error {
        if !self.may_be_done() {
            return self.into();
        }
        let message = format!("{self}; the homeserver may hold it or not");
        Error::delivery_unknown(Stage::KeyPressed, message).with_source(self)
    }
}

impl From<MatrixError> for Error {
    fn from(error: MatrixError) -> Error {
        let message = error.to_string();
        let made = match &error {
            MatrixError::Refused {
                status,
                code,
                after,
                ..
            } => match (status, code.as_str()) {
                (401, _) | (_, "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN") if error.lasts() => {
                    Error::new(ErrorKind::Unauthenticated, message)
                        .with_hint("log the account in again and put the new token into its file (token_file, MOSAIC_MATRIX_TOKEN)")
                }
                (429, _) | (_, "M_LIMIT_EXCEEDED") => Error::new(ErrorKind::RateLimited, message)
                    .with_retry(after.map_or(Retry::Safe, Retry::After))
                    .with_hint("have the homeserver's operator lift the limit of this account"),
                (403, _) if error.lasts() => Error::new(ErrorKind::PermissionDenied, message)
                    .with_hint("give the account its level: `mosaic-fleet matrix provision`"),
                (413, _) | (_, "M_TOO_LARGE") => Error::new(ErrorKind::InvalidArgument, message)
                    .with_hint("write the text to a file and send the file's path"),
                // Also what only stands before the homeserver, and does not speak its words.
                _ if !error.lasts() => Error::unavailable(message),
                _ => Error::new(ErrorKind::Unexpected, message),
            },
            MatrixError::Unreachable { .. } | MatrixError::Unreadable { .. } => {
                Error::unavailable(message)
                    .with_hint("is the homeserver up, and its address right (matrix: homeserver)?")
            }
            MatrixError::Request(_) => Error::new(ErrorKind::Unexpected, message),
        };
        made.with_source(error)
    }
}
