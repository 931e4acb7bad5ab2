//! A wait in words: the lines that monitors have always read, and what people are told besides.

use std::time::Duration;

use super::{News, WaitOptions, WaitResult, Waited, WaitedFor, Wanted};
use crate::ci::CiInfo;
use crate::ci::head::short;
use crate::ci::listen::GAP;
use crate::forge::RepoName;
use crate::text::one_line;

/// The line that a wait begins with.
///
/// ```
/// use mosaic_fleet::ci::{CiInfo, wait::{WaitOptions, Wanted, header}};
/// use mosaic_fleet::forge::RepoName;
///
/// let repo = RepoName::new("acme/widget")?;
/// let info = CiInfo::new("build", "https://ci.example.com/");
/// assert_eq!(
///     header(&repo, &[Wanted::new(12), Wanted::new(13)], &info, &WaitOptions::new()),
///     "ci-wait: acme/widget pipelines [12 13] (instance=build, every 30s, timeout 3600s)",
/// );
/// # Ok::<(), mosaic_fleet::Error>(())
/// ```
pub fn header(repo: &RepoName, wanted: &[Wanted], info: &CiInfo, options: &WaitOptions) -> String {
    let numbers = joined(wanted.iter().map(|want| want.number));
    let every = seconds(options.interval.max(GAP));
    let timeout = seconds(options.timeout);
    format!(
        "ci-wait: {repo} pipelines [{numbers}] (instance={}, every {every}s, timeout {timeout}s)",
        one_line(&info.instance)
    )
}

impl News {
    /// The line of an end; nothing for any other news.
    pub fn line(&self) -> Option<String> {
        match self {
            News::Ended { number, status } => Some(format!(
                "  pipeline {number} TERMINAL: {}",
                one_line(status.as_str())
            )),
            _ => None,
        }
    }

    /// What a person should know besides.
    pub fn note(&self) -> Option<String> {
        match self {
            News::Ended { number, status } => {
                let meaning = status.meaning()?;
                Some(format!("pipeline {number} {meaning}"))
            }
            News::Followed { from, to } => Some(format!(
                "pipeline {to} is waited for in the place of {from}"
            )),
            News::UnknownStatus { number, word } => Some(format!(
                "pipeline {number} is {:?}, which this version does not know: it is not taken to be over",
                one_line(word)
            )),
            News::Trouble(words) => Some(format!("{}; asking again", one_line(words))),
            News::Back => Some("there are answers again".to_owned()),
            News::Changed(_) => None,
        }
    }
}

impl WaitedFor {
    /// How it is, in a line: `pipeline 12: failure  c0ffee1234  https://…`.
    pub fn line(&self) -> String {
        let status = self.status.as_ref();
        let word = status.map_or("unknown", |status| status.as_str());
        let mut line = format!("pipeline {}: {word}", self.number);
        if let Some(meaning) = status.and_then(|status| status.meaning()) {
            line.push_str(&format!(" ({meaning})"));
        }
        for more in [self.commit.as_deref().map(short), self.url.as_deref()] {
            line.extend(more.into_iter().flat_map(|more| ["  ", more]));
        }
        one_line(&line)
    }
}

impl Waited {
    /// The line that a wait ends with.
    pub fn summary(&self, options: &WaitOptions) -> String {
        let ended = self.pipelines.iter().filter(|one| one.ended);
        let words = ended.map(|one| {
            let status = one
                .status
                .as_ref()
                .map_or("unknown", |status| status.as_str());
            format!("{}={}", one.number, one_line(status))
        });
        let pending = joined(self.pending.iter().copied());
        match self.result {
            WaitResult::Success => "ci-wait: ALL SUCCESS".to_owned(),
            WaitResult::Otherwise if self.pending.is_empty() => {
                format!("ci-wait: all terminal, NOT all success — {}", joined(words))
            }
            WaitResult::Otherwise => format!(
                "ci-wait: NOT all success — {} — pending: {pending}",
                joined(words)
            ),
            WaitResult::TimedOut => format!(
                "ci-wait: TIMEOUT after {}s — pending: {pending}",
                seconds(options.timeout)
            ),
            WaitResult::Unknown => format!(
                "ci-wait: COULD NOT TELL — {} — pending: {pending}",
                one_line(self.why.as_deref().unwrap_or("no answer"))
            ),
        }
    }
}

fn joined(words: impl Iterator<Item = impl ToString>) -> String {
    let words: Vec<String> = words.map(|word| word.to_string()).collect();
    words.join(" ")
}

/// `30`, `0.5`.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Status;
    use crate::ci::wait::WaitedFor;

    fn one(number: u64, status: &str, ended: bool) -> WaitedFor {
        WaitedFor {
            number,
            instead_of: None,
            id: None,
            status: Some(Status::new(status)),
            ended,
            commit: None,
            url: None,
            waited_ms: 0,
        }
    }

    fn waited(result: WaitResult, pipelines: Vec<WaitedFor>) -> Waited {
        let open = pipelines.iter().filter(|one| !one.ended);
        Waited {
            repo: RepoName::new("acme/widget").unwrap(),
            result,
            pending: open.map(|one| one.number).collect(),
            pipelines,
            why: Some("401".to_owned()),
        }
    }

    #[test]
    fn the_lines_that_monitors_read() {
        let options = WaitOptions::new().with_timeout(Duration::from_secs(60));
        let ended = vec![one(12, "failure", true), one(13, "success", true)];
        let open = vec![one(12, "failure", true), one(13, "running", false)];
        for (result, pipelines, line) in [
            (WaitResult::Success, &ended, "ci-wait: ALL SUCCESS"),
            (
                WaitResult::Otherwise,
                &ended,
                "ci-wait: all terminal, NOT all success — 12=failure 13=success",
            ),
            (
                WaitResult::Otherwise,
                &open,
                "ci-wait: NOT all success — 12=failure — pending: 13",
            ),
            (
                WaitResult::TimedOut,
                &open,
                "ci-wait: TIMEOUT after 60s — pending: 13",
            ),
            (
                WaitResult::Unknown,
                &open,
                "ci-wait: COULD NOT TELL — 401 — pending: 13",
            ),
        ] {
            assert_eq!(waited(result, pipelines.clone()).summary(&options), line);
        }
        let status = Status::Blocked;
        let news = News::Ended { number: 12, status };
        assert_eq!(
            news.line().as_deref(),
            Some("  pipeline 12 TERMINAL: blocked")
        );
        assert_eq!(
            news.note().as_deref(),
            Some("pipeline 12 waits for approval")
        );
        let word = "\u{1b}[2Jx".to_owned();
        let news = News::UnknownStatus { number: 12, word };
        assert!(!news.note().unwrap().contains('\u{1b}'));
    }
}
