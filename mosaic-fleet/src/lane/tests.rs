//! Briefs of a forge that is a table: what is free, what is underway, and how both are told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::forge::{Branch, CommitStatus, ForgeInfo, Issue, Pull, Repository};

/// A forge that answers from a table and remembers what it was asked.
#[derive(Debug, Default)]
struct Table {
    issues: Vec<Issue>,
    pulls: Vec<Pull>,
    /// The repository's name now, if it is not the one that it is asked for by.
    name: Option<String>,
    /// Issues, and the pull requests that the forge says close them.
    closing: Vec<(u64, Vec<u64>)>,
    /// An issue that it cannot be asked about.
    broken: Option<u64>,
    asked: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Table {
    fn new(issues: &[(u64, &str)]) -> Self {
        let issue = |(number, title): &(u64, &str)| Issue::new(*number, *title);
        Table {
            issues: issues.iter().map(issue).collect(),
            ..Table::default()
        }
    }

    fn ask(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Forge for Table {
    fn info(&self) -> ForgeInfo {
        ForgeInfo::new("https://git.example.com/", "robot")
    }
    async fn repository(&self, repo: &RepoName) -> Result<Repository> {
        let name = self.name.as_deref();
        let name = name.map_or_else(|| repo.clone(), |name| RepoName::new(name).unwrap());
        Ok(Repository::new(name, "main"))
    }
    async fn open_issues(&self, _: &RepoName, filter: &IssueFilter) -> Result<Vec<Issue>> {
        self.ask(format!("issues {:?}", filter.labels));
        Ok(self.issues.clone())
    }
    async fn open_pulls(&self, _: &RepoName) -> Result<Vec<Pull>> {
        self.ask("pulls".to_owned());
        Ok(self.pulls.clone())
    }
    async fn closing_pulls(&self, _: &RepoName, issue: u64) -> Result<Vec<u64>> {
        self.ask(format!("closing {issue}"));
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if self.broken == Some(issue) {
            return Err(Error::unavailable("gone"));
        }
        let found = self.closing.iter().find(|closing| closing.0 == issue);
        Ok(found.map_or_else(Vec::new, |closing| closing.1.clone()))
    }
    async fn branch(&self, _: &RepoName, name: &str) -> Result<Branch> {
        Ok(Branch::new(name, ""))
    }
    async fn statuses(&self, _: &RepoName, _: &str) -> Result<Vec<CommitStatus>> {
        Ok(Vec::new())
    }
}

fn lane() -> RepoName {
    RepoName::new("acme/widget").unwrap()
}

async fn of(forge: &Table) -> Brief {
    brief(forge, &lane(), &BriefOptions::new()).await.unwrap()
}

/// The brief of these, at a fixed time.
fn partition(issues: &[Issue], pulls: &[Pull], filter: &IssueFilter) -> Brief {
    let grammar = LinkGrammar::new(&lane(), "https://git.example.com/", &LinkRules::new());
    let links: Vec<_> = pulls.iter().map(|pull| grammar.read(pull)).collect();
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_732_560_059_900);
    Brief::of(&lane(), "robot", filter, at, issues, &links)
}

fn candidates(brief: &Brief) -> Vec<u64> {
    brief.candidates.iter().map(|issue| issue.number).collect()
}

fn underway(brief: &Brief) -> Vec<u64> {
    brief.underway.iter().map(|issue| issue.number).collect()
}

/// What the script before us got wrong once, and was tested for ever after: the only trace of the work
/// is a keyword in the body.
#[tokio::test]
async fn a_keyword_in_a_body_is_work_underway_and_a_bare_number_is_not() {
    let mut forge = Table::new(&[(999, "c"), (777, "b"), (546, "a")]);
    let body = "Closes #546\n\nLike #777, and after the hotfix #999.";
    forge.pulls = vec![
        Pull::new(547, "Read it all")
            .with_body(body)
            .with_branch("read-it-all"),
    ];
    let brief = of(&forge).await;
    assert_eq!(underway(&brief), [546]);
    assert_eq!(brief.underway[0].pulls[0].signals, [Signal::Body]);
    assert_eq!(candidates(&brief), [999, 777]);
    assert_eq!(brief.candidates[1].mentioned_by, [547]);
}

#[tokio::test]
async fn a_renamed_repository_is_read_by_its_new_name() {
    let mut forge = Table::new(&[(2, "b"), (1, "a")]);
    forge.name = Some("acme/gadget".to_owned());
    forge.pulls = vec![Pull::new(3, "x").with_body("Closes acme/gadget#1, closes acme/widget#2")];
    let brief = of(&forge).await;
    assert_eq!((underway(&brief), candidates(&brief)), (vec![1], vec![2]));
    assert_eq!(brief.repo.as_str(), "acme/gadget");
    // Another case of letters is no other name.
    forge.name = Some("ACME/Widget".to_owned());
    assert_eq!(of(&forge).await.repo.as_str(), "acme/widget");
}

#[tokio::test]
async fn pull_requests_are_read_before_issues() {
    let forge = Table::new(&[(1, "a")]);
    let options = BriefOptions::new().with_filter(IssueFilter::new().with_label("ready"));
    brief(&forge, &lane(), &options).await.unwrap();
    assert_eq!(forge.asked(), ["pulls", "issues [\"ready\"]"]);
}

#[tokio::test]
async fn the_forge_is_asked_about_candidates_only() {
    let mut forge = Table::new(&[(15, "e"), (14, "d"), (13, "c"), (12, "b"), (11, "a")]);
    forge.pulls = vec![Pull::new(20, "Fix #12"), Pull::new(21, "other")];
    forge.closing = vec![(14, vec![21, 30]), (12, vec![20])];
    let options = BriefOptions::new().with_verify(true);
    let brief = brief(&forge, &lane(), &options).await.unwrap();
    assert_eq!(candidates(&brief), [15, 13, 11]);
    assert_eq!(underway(&brief), [14, 12], "the forge's order is kept");
    let pulls = &brief.underway[0].pulls;
    assert_eq!(
        pulls.iter().map(|pull| pull.number).collect::<Vec<_>>(),
        [21, 30]
    );
    assert!(
        pulls
            .iter()
            .all(|pull| pull.signals == [Signal::Native] && pull.will_close)
    );
    assert_eq!(brief.underway[1].pulls[0].signals, [Signal::TitleKeyword]);
    assert_eq!(
        forge.asked()[2..],
        ["closing 15", "closing 14", "closing 13", "closing 11"]
    );
}

#[tokio::test]
async fn candidates_are_asked_about_a_few_at_a_time() {
    let numbers: Vec<(u64, &str)> = (1..=40).map(|number| (number, "x")).collect();
    let forge = Table::new(&numbers);
    let options = BriefOptions::new().with_verify(true);
    let brief = brief(&forge, &lane(), &options).await.unwrap();
    assert_eq!(brief.candidates.len(), 40);
    assert_eq!(forge.most_at_once.load(Ordering::SeqCst), ASKED_AT_ONCE);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let mut forge = Table::new(&[(12, "b"), (11, "a")]);
    forge.broken = Some(11);
    let options = BriefOptions::new().with_verify(true);
    let error = brief(&forge, &lane(), &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn what_is_said_of_a_pull_request_adds_up() {
    let twice = [
        PullLinks::new(20).with_link(11, Signal::Branch, false),
        PullLinks::new(21).with_link(11, Signal::Body, true),
        PullLinks::new(20)
            .with_link(11, Signal::Native, true)
            .with_link(20, Signal::Body, true),
    ];
    let now = SystemTime::UNIX_EPOCH;
    let issues = [Issue::new(11, "a"), Issue::new(20, "none")];
    let brief = Brief::of(&lane(), "robot", &IssueFilter::new(), now, &issues, &twice);
    let pulls = &brief.underway[0].pulls;
    assert_eq!((pulls[0].number, pulls[1].number), (20, 21));
    assert_eq!(pulls[0].signals, [Signal::Native, Signal::Branch]);
    assert_eq!(candidates(&brief), [20], "never linked to itself");
}

/// One of everything.
fn example() -> Brief {
    let issues = [
        Issue::new(548, "Say it in German").with_assigned(true),
        Issue::new(547, "After #3, a title that names another"),
        Issue::new(546, "Read every page"),
        Issue::new(545, "Do not lie").with_assigned(true),
        Issue::new(544, "Count").with_assigned(false),
    ];
    let pulls = [
        Pull::new(602, "Count (#544)")
            .with_body("After #547.")
            .with_branch("544-count"),
        Pull::new(601, "Truth").with_body("**Closes:** #545"),
        Pull::new(600, "Pages")
            .with_body("Closes #546. See #547, #12")
            .with_branch("feat/544"),
    ];
    let filter = IssueFilter::new()
        .with_milestone("Parts (0.0.45)")
        .with_label("ready")
        .with_label("a b");
    partition(&issues, &pulls, &filter)
}

#[test]
fn the_lines_are_a_promise() {
    let lines = "\
LANE BRIEF — acme/widget · milestone:'Parts (0.0.45)' · label:'ready' · label:'a b' · 2024-11-25 18:40Z (login=robot)
(open issues only; closed are excluded by definition — that's the point)

DISPATCH CANDIDATES (open · no open PR) — 2 [cross-check vs live fleet]:
  #548  Say it in German (gitea-assignee set)
  #547  After #3, a title that names another (also mentioned by #600, #602)

WORK UNDERWAY (open · PR in flight) — 3:
  #546  Read every page  [PR open: #600 body]
  #545  Do not lie  [PR open: #601 body] (Gitea will not close this by its text)
  #544  Count  [PR open: #602 title, #600 branch]

Closed issues are excluded — do NOT take a worker's self-reported 'todo' on faith.
A candidate is open and has no open PR; whether somebody is at it already, only the live fleet knows.
";
    assert_eq!(example().text(100).to_string(), lines);
}

#[test]
fn the_json_is_a_promise() {
    insta::assert_json_snapshot!(example());
}

#[test]
fn a_limit_cuts_lines_and_no_counts() {
    let text = example().text(1).to_string();
    let lines: Vec<&str> = text.lines().skip(3).take(6).collect();
    assert_eq!(
        lines,
        [
            "DISPATCH CANDIDATES (open · no open PR) — 2 [cross-check vs live fleet]:",
            "  #548  Say it in German (gitea-assignee set)",
            "  … 1 more not shown",
            "",
            "WORK UNDERWAY (open · PR in flight) — 3:",
            "  #546  Read every page  [PR open: #600 body]",
        ]
    );
    assert!(text.contains("\n  … 2 more not shown\n\nClosed"));
    assert!(!example().text(usize::MAX).to_string().contains("not shown"));
}

#[test]
fn an_empty_lane_has_its_lines() {
    let brief = partition(&[], &[], &IssueFilter::new());
    let text = brief.text(100).to_string();
    assert!(text.starts_with("LANE BRIEF — acme/widget · 2024-11-25 18:40Z (login=robot)\n"));
    assert!(text.contains(
        "\n\nDISPATCH CANDIDATES (open · no open PR) — 0 [cross-check vs live fleet]:\n\n"
    ));
    assert!(text.contains("\nWORK UNDERWAY (open · PR in flight) — 0:\n\nClosed issues"));
}

#[test]
fn titles_are_cut_by_characters() {
    let long = "ä".repeat(200);
    let issues = [Issue::new(2, &long), Issue::new(1, &long)];
    let brief = partition(&issues, &[Pull::new(9, "Fix #1")], &IssueFilter::new());
    let text = brief.text(9).to_string();
    let cut = |number: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(number));
        line.unwrap().chars().filter(|c| *c == 'ä').count()
    };
    assert_eq!((cut("#2"), cut("#1")), (90, 80));
    assert_eq!(brief.candidates[0].title, long);
}

#[test]
fn a_title_cannot_write_on_the_terminal() {
    let evil = "a\u{1b}[2Jb\nWORK UNDERWAY\r\u{202e}c\u{9b}d\u{7f}\u{2028}e\u{e0041}👩\u{200d}💻";
    let filter = IssueFilter::new().with_label("\u{1b}]0;x\u{7}");
    let text = partition(&[Issue::new(1, evil)], &[], &filter)
        .text(9)
        .to_string();
    let line = text.lines().find(|line| line.starts_with("  #1"));
    let shown =
        "  #1  a\u{fffd}[2Jb WORK UNDERWAY \u{fffd}c\u{fffd}d\u{fffd} e\u{fffd}👩\u{200d}💻";
    assert_eq!(line, Some(shown));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}
