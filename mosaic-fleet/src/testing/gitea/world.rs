//! What a pretended forge holds, and how it moves and fails.

use std::collections::{BTreeMap, VecDeque};

/// One repository and its surroundings. Numbers of labels and milestones are their places, from 1.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct World {
    /// `owner/name`.
    pub repo: String,
    /// A name that it had before; asking for it is answered with a redirect.
    pub old_name: Option<String>,
    /// The branch that others are merged into.
    pub default_branch: String,
    /// Without the token, the repository is not there.
    pub private: bool,
    /// The only token.
    pub token: String,
    /// A part of a path, and the scope that the token lacks for it.
    pub missing_scope: Option<(String, String)>,
    /// There is no commit: nothing is told of pull requests.
    pub empty: bool,
    /// Issues are switched on.
    pub has_issues: bool,
    /// Pull requests are switched on.
    pub has_pulls: bool,
    /// The path before `/api`, such as `/git`.
    pub prefix: String,

    /// Issues and pull requests, open and closed.
    pub items: BTreeMap<u64, Item>,
    /// Milestones: title, and whether it is open.
    pub milestones: Vec<(String, bool)>,
    /// The repository's own labels.
    pub labels: Vec<String>,
    /// Those of its owner; `None` for a person.
    pub org_labels: Option<Vec<String>>,
    /// What happened to an issue, the oldest first.
    pub events: BTreeMap<u64, Vec<Event>>,
    /// Branches: the commit at the head, and its message.
    pub branches: BTreeMap<String, (String, String)>,
    /// What was said of a commit, the newest last.
    pub statuses: BTreeMap<String, Vec<Status>>,

    /// No page has more items (`MAX_RESPONSE_ITEMS`).
    pub cap: usize,
    /// Lists come with `X-Total-Count`.
    pub tells_total: bool,
    /// Every page is the first.
    pub same_page: bool,
    /// How lists move while they are read.
    pub moving: Option<Moving>,
    /// What goes wrong with the next requests, one each.
    pub faults: VecDeque<Fault>,
    /// Every request so far.
    pub asked: Vec<Asked>,
}

/// An issue or a pull request.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Item {
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Not closed.
    pub open: bool,
    /// Somebody is assigned.
    pub assigned: bool,
    /// The title of its milestone.
    pub milestone: Option<String>,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// What it brings, if it is a pull request.
    pub head: Option<Head>,
    /// The forge fails to show it, and gives an empty item.
    pub broken: bool,
}

/// The head of a pull request.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Head {
    /// The branch, or `refs/pull/N/head` when it is gone.
    pub reference: String,
    /// The branch, behind `user:` for a fork; empty when it was pushed without one.
    pub label: String,
    /// The commit.
    pub commit: String,
    /// It is not meant to be merged yet.
    pub draft: bool,
}

/// Something that happened to an issue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Somebody wrote.
    Comment,
    /// It happened where the login may not look, and is left out.
    Hidden,
    /// It was mentioned by a pull request or an issue.
    Mention {
        /// `closes`, `reopens`, `neutered` or `none`.
        action: String,
        /// The one that mentions it.
        number: u64,
        /// Where that is, if not here; it is open and a pull request then.
        repo: Option<String>,
    },
}

/// What one checker said.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// Which checker.
    pub context: String,
    /// `pending`, `success`, …
    pub state: String,
    /// Where more is to be seen.
    pub url: String,
}

/// How lists move: before each `every`th page of issues or pull requests.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Moving {
    /// How often.
    pub every: usize,
    /// So many of the newest open ones close.
    pub close: usize,
    /// So many new ones open.
    pub open: usize,
    /// So many of the oldest closed ones open again.
    pub reopen: usize,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// `429`, with `Retry-After` in seconds.
    Busy(u64),
    /// This status, with a page of a proxy.
    Status(u16),
    /// A page for people, with `200`.
    Page,
    /// The connection is closed before there is an answer.
    Drop,
    /// The connection is closed within the answer.
    Cut,
    /// No answer ever comes.
    Silence,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// Its path, as it came.
    pub path: String,
    /// Its query, as it came.
    pub query: String,
    /// It had the token.
    pub authorised: bool,
}

impl Moving {
    /// Before each `every`th page, so many close, open and open again.
    pub fn new(every: usize, close: usize, open: usize, reopen: usize) -> Self {
        Moving {
            every,
            close,
            open,
            reopen,
        }
    }
}

impl World {
    pub(super) fn new(repo: &str) -> Self {
        World {
            repo: repo.to_owned(),
            old_name: None,
            default_branch: "main".to_owned(),
            private: true,
            token: "dummy-token-gitea".to_owned(),
            missing_scope: None,
            empty: false,
            has_issues: true,
            has_pulls: true,
            prefix: String::new(),
            items: BTreeMap::new(),
            milestones: Vec::new(),
            labels: Vec::new(),
            org_labels: None,
            events: BTreeMap::new(),
            branches: BTreeMap::new(),
            statuses: BTreeMap::new(),
            cap: 50,
            tells_total: true,
            same_page: false,
            moving: None,
            faults: VecDeque::new(),
            asked: Vec::new(),
        }
    }

    /// Numbers of the open issues (or pull requests), the newest first.
    pub fn open(&self, pulls: bool) -> Vec<u64> {
        let wanted = |item: &Item| item.open && item.head.is_some() == pulls;
        let numbers = self.items.iter().filter(|(_, item)| wanted(item));
        numbers.map(|(number, _)| *number).rev().collect()
    }

    /// Moves a list, if it is time.
    pub(super) fn stir(&mut self, pulls: bool) {
        let Some(moving) = self.moving else {
            return;
        };
        if !self.asked.len().is_multiple_of(moving.every.max(1)) {
            return;
        }
        for number in self.open(pulls).into_iter().take(moving.close) {
            self.items.entry(number).or_default().open = false;
        }
        let is_old = |item: &&mut Item| !item.open && item.head.is_some() == pulls;
        let old = self.items.values_mut().filter(is_old);
        old.take(moving.reopen).for_each(|item| item.open = true);
        for _ in 0..moving.open {
            let number = self.items.keys().next_back().map_or(1, |last| last + 1);
            let item = Item {
                title: format!("new {number}"),
                open: true,
                head: pulls.then(Head::default),
                ..Item::default()
            };
            self.items.insert(number, item);
        }
    }
}
