//! How a lane's issues are written: `#5`, `acme/widget#5`, and their addresses. What stands before
//! them is no concern of this file.

use unicode_normalization::char::is_combining_mark;
use url::Url;

use super::scan::step;
use crate::forge::RepoName;

/// Where a lane is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `owner/name`.
    repo: String,
    /// Host, and port where it is not the usual one; empty if not known.
    host: String,
    /// The folder of the host that the forge lives in, `/git`; mostly empty.
    folder: String,
}

/// A number, and where the text goes on behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) number: u64,
    pub(super) end: usize,
    /// How it is written.
    pub(super) form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `#5` or `!5`.
    Short,
    /// `acme/widget#5`.
    Long,
    /// `https://git.example.com/acme/widget/issues/5`.
    Address,
    /// `/acme/widget/issues/5`.
    Path,
}

impl Place {
    pub(super) fn new(repo: &RepoName, url: &str) -> Self {
        let (mut host, mut folder) = (String::new(), String::new());
        if let Ok(url) = Url::parse(url) {
            host = url.host_str().unwrap_or_default().to_owned();
            if let Some(port) = url.port() {
                host = format!("{host}:{port}");
            }
            folder = url.path().trim_end_matches('/').to_owned();
        }
        Place {
            repo: repo.as_str().to_owned(),
            host,
            folder,
        }
    }

    /// The lane's issue that is written at `at`, if one is and its number ends there.
    pub(super) fn reference(&self, text: &str, at: usize) -> Option<Found> {
        let found = match text.as_bytes().get(at)? {
            b'#' | b'!' => number(text, at + 1, Form::Short),
            b'/' => self.address(text, at),
            _ => self.long(text, at).or_else(|| self.address(text, at)),
        }?;
        ends(text, &found).then_some(found)
    }

    /// The number of the lane's issue that a link leads to.
    pub(super) fn destination(&self, link: &str) -> Option<Found> {
        let found = self.address(link, 0)?;
        matches!(link.as_bytes().get(found.end), None | Some(b'?' | b'#')).then_some(found)
    }

    /// Whether the lane's own name ends at `end`, with nothing glued to its front.
    pub(super) fn ends_with_name(&self, text: &str, end: usize) -> bool {
        let Some(start) = end.checked_sub(self.repo.len()) else {
            return false;
        };
        after(text, start, &self.repo).is_some()
            && !text[..start]
                .chars()
                .next_back()
                .is_some_and(|c| is_word(c) || "-./".contains(c))
    }

    fn long(&self, text: &str, at: usize) -> Option<Found> {
        let mark = after(text, at, &self.repo)?;
        match text.as_bytes().get(mark)? {
            b'#' | b'!' => number(text, mark + 1, Form::Long),
            _ => None,
        }
    }

    /// `[https:][//HOST][/FOLDER]/OWNER/NAME/issues/N`; pull requests have numbers of the same row.
    fn address(&self, text: &str, at: usize) -> Option<Found> {
        let scheme = ["https:", "http:", ""]
            .iter()
            .find_map(|scheme| after(text, at, scheme))?;
        let path = match after(text, scheme, "//") {
            Some(_) if self.host.is_empty() => return None,
            Some(host) => after(text, host, &self.host)?,
            None if scheme > at => return None,
            None => at,
        };
        let form = if path > at { Form::Address } else { Form::Path };
        let path = after(text, path, &self.folder).unwrap_or(path);
        let name = after(text, after(text, path, "/")?, &self.repo)?;
        let row = ["/issues/", "/pulls/"]
            .iter()
            .find_map(|row| after(text, name, row))?;
        number(text, row, form)
    }
}

/// A letter, a digit, or what belongs to one.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || is_combining_mark(c)
}

/// The place behind `word`, if it stands at `at`; letters of any case are the same.
fn after(text: &str, at: usize, word: &str) -> Option<usize> {
    step(word.len());
    let end = at + word.len();
    let there = text.as_bytes().get(at..end)?;
    there.eq_ignore_ascii_case(word.as_bytes()).then_some(end)
}

/// The digits at `at`. One that Gitea cannot hold is none.
fn number(text: &str, at: usize, form: Form) -> Option<Found> {
    let digits = text.as_bytes()[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let end = at + digits.count();
    step(end - at);
    let number: i64 = text[at..end].parse().ok()?;
    let number = u64::try_from(number).ok()?;
    Some(Found { number, end, form })
}

/// Whether a number is over where its digits are: `#546-alpha` and `#546.1` are other things.
fn ends(text: &str, found: &Found) -> bool {
    step(2);
    let mut rest = text[found.end..].chars();
    match rest.next() {
        Some('-' | '.') => !rest.next().is_some_and(is_word),
        Some('/') if matches!(found.form, Form::Address | Form::Path) => {
            !rest.next().is_some_and(is_word)
        }
        Some(c) => !is_word(c),
        None => true,
    }
}
