//! Errors across rooms: the kind, the reason, the stage, the words and the advice arrive as they were.

use super::protocol::Failure;
use crate::error::{Error, ErrorKind, Refusal, Result, Stage};
use crate::options::ResetMode;
use crate::text::one_line;

/// The mode of a reset by its word.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn named_mode(word: &str) -> Result<ResetMode> {
    let mut modes = [ResetMode::Clear, ResetMode::New].into_iter();
    modes
        .find(|mode| mode.as_str() == word)
        .ok_or_else(|| Error::invalid_argument("no such mode of a reset"))
}

impl Failure {
    /// An error, to cross a room. Causes stay behind: they may name files of the host.
    pub(crate) fn of(error: &Error) -> Self {
        Failure {
            code: error.kind().as_str().to_owned(),
            message: error.message().to_owned(),
            reason: error.refusal().map(|refusal| refusal.as_str().to_owned()),
            stage: error.stage().map(|stage| stage.as_str().to_owned()),
            hint: error.hint().map(str::to_owned),
        }
    }

    /// The error that crossed a room. What a terminal would obey is left out.
    pub(crate) fn error(self) -> Error {
        let message = one_line(&self.message);
        let kind = ErrorKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.code);
        let refusal = self.reason.as_deref().and_then(|reason| {
            let mut all = Refusal::ALL.into_iter();
            all.find(|refusal| refusal.as_str() == reason)
        });
        let stage = match self.stage.as_deref() {
            Some("pasted") => Stage::Pasted,
            // The doubt that leaves least to be assumed.
            _ => Stage::KeyPressed,
        };
        let error = match (kind, refusal) {
            (Some(ErrorKind::Refused), Some(refusal)) => Error::refused(refusal, message),
            (Some(ErrorKind::DeliveryUnknown), _) => Error::delivery_unknown(stage, message),
            // Whether something was typed is not to be guessed from a word that is not known.
            (None, _) | (Some(ErrorKind::Refused), None) => {
                Error::delivery_unknown(stage, format!("{message} ({})", one_line(&self.code)))
            }
            (Some(kind), _) => Error::new(kind, message),
        };
        match self.hint {
            Some(hint) => error.with_hint(one_line(&hint)),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_arrives_as_it_was() {
        let refused = Refusal::ALL.map(|refusal| Error::refused(refusal, "why"));
        let unknown = [Stage::Pasted, Stage::KeyPressed];
        let unknown = unknown.map(|stage| Error::delivery_unknown(stage, "lost"));
        let plain = ErrorKind::ALL.into_iter();
        let plain = plain.filter(|kind| *kind != ErrorKind::Refused);
        let plain = plain.map(|kind| Error::new(kind, "what"));
        for error in refused.into_iter().chain(unknown).chain(plain) {
            let error = error.with_hint("do this");
            let there = serde_json::to_string(&Failure::of(&error)).unwrap();
            let back = serde_json::from_str::<Failure>(&there).unwrap().error();
            assert_eq!(back.kind(), error.kind());
            assert_eq!(back.refusal(), error.refusal());
            if error.kind() == ErrorKind::DeliveryUnknown {
                assert_eq!(back.stage(), error.stage().or(Some(Stage::KeyPressed)));
            }
            assert_eq!(back.message(), error.message());
            assert_eq!(back.hint(), error.hint());
        }
    }

    #[test]
    fn what_is_not_known_is_in_doubt_and_obeys_no_terminal() {
        for (code, reason) in [
            ("refused", Some("moody")),
            ("exploded", None),
            ("refused", None),
        ] {
            let failure = Failure {
                code: code.to_owned(),
                message: "a\u{1b}[31mb\nc".to_owned(),
                reason: reason.map(str::to_owned),
                stage: None,
                hint: Some("\u{7}".to_owned()),
            };
            let error = failure.error();
            assert_eq!(error.kind(), ErrorKind::DeliveryUnknown, "{code}");
            assert!(!format!("{error:?}{error}{:?}", error.hint()).contains('\u{1b}'));
        }
    }
}
