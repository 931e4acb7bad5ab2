//! `ci wait` and `ci status`: until pipelines are over, or how they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use mosaic_fleet::Result;
use mosaic_fleet::ci::wait::{
    News, OnBlocked, WaitOptions, WaitResult, Waited, Wanted, header, wait,
};
use mosaic_fleet::ci::{Ci, of_head};
use mosaic_fleet::forge::RepoName;

use super::Where;
use super::progress::Progress;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;
use crate::values;

/// Which pipelines.
#[derive(Debug, Args)]
#[group(skip)]
struct Which {
    /// The repository
    #[arg(short = 'r', long, value_name = "OWNER/NAME")]
    repo: RepoName,
    /// The number of a pipeline; may be repeated
    #[arg(
        short = 'n',
        long = "number",
        value_name = "NUMBER",
        value_delimiter = ',',
        required_unless_present = "head",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    numbers: Vec<u64>,
    /// The pipelines of a branch's head, instead of numbers
    #[arg(long, conflicts_with = "numbers")]
    head: bool,
    /// The branch whose head is meant; the default branch without it
    #[arg(short = 'B', long, value_name = "BRANCH", requires = "head")]
    branch: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Wait until pipelines are over, and say how they ended
///
/// Ends as soon as the last one is over, by the service's events; asks it every --interval besides. An
/// outage of the service is ridden out.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    #[command(flatten)]
    which: Which,
    /// Ask at least this often
    #[arg(short, long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    interval: Duration,
    /// The longest time to wait; one look always comes before
    #[arg(short, long, value_name = "DURATION", default_value = "3600s", value_parser = values::duration)]
    timeout: Duration,
    /// The longest time that the service may be away
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    outage: Duration,
    /// End with the first pipeline that is no success
    #[arg(long)]
    fail_fast: bool,
    /// Wait for what takes the place of a pipeline: a restart, or the one it was canceled for
    #[arg(long)]
    follow: bool,
    /// What a pipeline means that waits for approval
    #[arg(
        long,
        value_name = "fail|wait",
        default_value = "fail",
        hide_possible_values = true
    )]
    blocked: Blocked,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Blocked {
    // It is over, and no success.
    Fail,
    Wait,
}

/// Show how pipelines are, without waiting
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    which: Which,
}

impl Which {
    /// The service, and the pipelines by their numbers.
    async fn find(
        &self,
        session: &Session,
        options: &WaitOptions,
        news: &mut (dyn FnMut(News) + Send),
    ) -> Result<(Arc<dyn Ci>, Vec<Wanted>)> {
        if !self.head {
            let ci = self.place.service(session, &self.repo, None)?;
            let numbers = self.numbers.iter();
            return Ok((ci, numbers.map(|number| Wanted::new(*number)).collect()));
        }
        let forge = self.place.login.forge(session, &self.repo).await?;
        let ci = self.place.service(session, &self.repo, Some(&forge))?;
        let branch = self.branch.as_deref();
        let found = of_head(&*forge, &*ci, &self.repo, branch, options, news).await?;
        Ok((ci, found.iter().map(Wanted::from).collect()))
    }
}

impl Wait {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let begin = Instant::now();
        let options = WaitOptions::new()
            .with_interval(self.interval)
            .with_timeout(self.timeout)
            .with_outage(self.outage)
            .with_fail_fast(self.fail_fast)
            .with_follow(self.follow)
            .with_blocked(match self.blocked {
                Blocked::Fail => OnBlocked::Fail,
                Blocked::Wait => OnBlocked::Wait,
            });
        let output = &session.output;
        let repo = &self.which.repo;
        let mut progress = Progress::new(output);
        let mut tell = |news| progress.tell(&news);
        let (ci, wanted) = self.which.find(session, &options, &mut tell).await?;
        output.success(&format!(
            "{}\n",
            header(repo, &wanted, &ci.info(), &options)
        ))?;
        let left = self.timeout.saturating_sub(begin.elapsed());
        let left = options.clone().with_timeout(left);
        let waited = wait(&*ci, repo, &wanted, &left, &mut tell).await;
        progress.end();
        let waited = waited?;
        output.result(&format!("{}\n", waited.summary(&options)))?;
        answer(session, &waited)
    }
}

impl Status {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let options = WaitOptions::new()
            .with_timeout(Duration::ZERO)
            .with_outage(Duration::ZERO);
        let (ci, wanted) = self.which.find(session, &options, &mut |_| {}).await?;
        let repo = &self.which.repo;
        let waited = wait(&*ci, repo, &wanted, &options, &mut |_| {}).await?;
        for one in &waited.pipelines {
            session.output.result(&format!("{}\n", one.line()))?;
        }
        if let Some(why) = &waited.why {
            session.output.warning(why);
        }
        answer(session, &waited)
    }
}

fn answer(session: &Session, waited: &Waited) -> Answered {
    if session.output.is_json() {
        session.output.document(&Document::new(waited))?;
    }
    Ok(match waited.result {
        WaitResult::Success => Answer::Done,
        WaitResult::Otherwise => Answer::Otherwise,
        WaitResult::TimedOut => Answer::TimedOut,
        _ => Answer::Unknown,
    })
}
