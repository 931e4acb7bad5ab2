//! Which issues a pull request is for, by what its body, its title and its branch say. Pure.
//!
//! The rule for each of the three lives below: [`markdown`] makes plain readings of a body, [`scan`]
//! finds keywords and numbers in plain text, [`place`] knows how the lane's issues are written, and
//! [`branch`] reads the name of a branch. What follows for an issue is decided in `brief`.

mod branch;
mod markdown;
mod place;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::forge::forges::LaneRules;
use crate::forge::{Pull, RepoName};
use place::Place;
use scan::{Action, Bound, Gitea, Keywords};

/// The words that close an issue unless a forge is set up otherwise (Gitea's `CLOSE_KEYWORDS`, which
/// cannot be read over its API).
pub const CLOSING_KEYWORDS: [&str; 9] = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
];

/// What may differ between forges and teams in how they link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkRules {
    /// Words that close the issue they stand before, in any case of letters. As on Gitea, a word that
    /// is not of letters only is passed over. [`CLOSING_KEYWORDS`] unless named.
    pub keywords: Vec<String>,
    /// The fewest digits that make a number in the name of a branch an issue's: 3 unless named, so
    /// that `fix/2-typos` is none. `#2` is one whatever its length.
    pub branch_digits: usize,
}

impl Default for LinkRules {
    fn default() -> Self {
        LinkRules {
            keywords: CLOSING_KEYWORDS.map(str::to_owned).to_vec(),
            branch_digits: 3,
        }
    }
}

/// As `forges.yaml` says; what it does not say stays as it is.
impl From<LaneRules> for LinkRules {
    fn from(own: LaneRules) -> Self {
        let mut rules = LinkRules::new();
        if let Some(words) = own.keywords {
            rules = rules.with_keywords(words);
        }
        if let Some(digits) = own.branch_digits {
            rules = rules.with_branch_digits(digits);
        }
        rules
    }
}

impl LinkRules {
    /// The rules of a forge that nobody has changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these words instead.
    #[must_use]
    pub fn with_keywords<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.keywords = words.into_iter().map(Into::into).collect();
        self
    }

    /// With another floor for numbers in branches.
    #[must_use]
    pub fn with_branch_digits(mut self, digits: usize) -> Self {
        self.branch_digits = digits;
        self
    }
}

/// Why a pull request counts as work on an issue, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// The forge itself says that merging it closes the issue.
    Native,
    /// A closing keyword in its body.
    Body,
    /// A closing keyword in its title.
    TitleKeyword,
    /// The issue's number in its title.
    Title,
    /// The issue's number in the name of its branch.
    Branch,
}

impl Signal {
    /// The stable spelling, for example `title_keyword`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Signal::Native => "native",
            Signal::Body => "body",
            Signal::TitleKeyword => "title_keyword",
            Signal::Title => "title",
            Signal::Branch => "branch",
        }
    }
}

/// How a pull request is linked to one issue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Link {
    /// Every reason, the surest first, each once.
    pub signals: BTreeSet<Signal>,
    /// The forge closes the issue when the pull request is merged: it says so, or Gitea's own rule
    /// does, which is narrower than ours: one blank, after a colon or none, and nothing else stands
    /// between keyword and number, so `**Closes:** #5` tells people and not Gitea. An address closes
    /// since Gitea 1.26. A pull request that is only near (by title or branch) closes nothing. The last
    /// keyword for an issue decides, the title being read before the body: after «closes #5, reopens
    /// #5» it stays open, and is linked all the same.
    pub will_close: bool,
}

/// What one pull request says of the lane's numbers. Whether those are open issues is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullLinks {
    /// Its own number.
    pub pull: u64,
    /// The numbers it is linked to.
    pub links: BTreeMap<u64, Link>,
    /// Numbers that its body only mentions.
    pub mentions: BTreeSet<u64>,
}

impl PullLinks {
    /// A pull request that says nothing.
    pub fn new(pull: u64) -> Self {
        PullLinks {
            pull,
            links: BTreeMap::new(),
            mentions: BTreeSet::new(),
        }
    }

    /// Linked to `issue`, for this reason. A pull request is never linked to itself.
    #[must_use]
    pub fn with_link(mut self, issue: u64, signal: Signal, will_close: bool) -> Self {
        if issue != self.pull {
            let link = self.links.entry(issue).or_default();
            link.signals.insert(signal);
            link.will_close |= will_close;
        }
        self
    }
}

/// The rule by which the texts of a lane's pull requests are read. Made once, used for each of them.
///
/// Any text is read in time and space in proportion to its length, however it is made, so nothing is
/// cut off. Markdown is parsed by pulldown-cmark, whose promise the same is for its part.
///
/// ```
/// use mosaic_fleet::forge::{Pull, RepoName};
/// use mosaic_fleet::lane::{LinkGrammar, LinkRules, Signal};
///
/// let lane = RepoName::new("acme/widget")?;
/// let grammar = LinkGrammar::new(&lane, "https://git.example.com/", &LinkRules::new());
/// let pull = Pull::new(600, "Read the whole page").with_body("Closes #546, as #12 did not.");
/// let read = grammar.read(&pull);
/// assert!(read.links[&546].signals.contains(&Signal::Body));
/// assert!(read.links[&546].will_close);
/// assert!(read.mentions.contains(&12));
/// # Ok::<(), mosaic_fleet::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinkGrammar {
    place: Place,
    keywords: Keywords,
    branch_digits: usize,
}

impl LinkGrammar {
    /// The rule for the repository `repo` of the forge that people find at `url`. With a `url` that is
    /// none, only addresses without a host are known for the lane's.
    pub fn new(repo: &RepoName, url: &str, rules: &LinkRules) -> Self {
        LinkGrammar {
            place: Place::new(repo, url),
            keywords: Keywords::new(&rules.keywords),
            branch_digits: rules.branch_digits,
        }
    }

    /// What a pull request says.
    pub fn read(&self, pull: &Pull) -> PullLinks {
        let mut read = PullLinks::new(pull.number);
        let mut mentions = BTreeSet::new();

        let body = markdown::read(&pull.body, &self.place);
        let mut addresses = markdown::Addresses::new(&pull.body);
        // What Gitea sees, it sees in the second.
        let broken = scan::bound(&body.broken, &self.place, &self.keywords);
        for bound in scan::bound(&body.plain, &self.place, &self.keywords)
            .iter()
            .chain(&broken)
            .filter(|bound| bound.action == Action::Closes)
        {
            read = read.with_link(bound.number, Signal::Body, false);
        }
        scan::mentions(&body.plain, &self.place, &mut mentions);
        read.mentions = mentions;

        let title = scan::Reading::of(&pull.title);
        let mut named = BTreeSet::new();
        scan::mentions(&title, &self.place, &mut named);
        let titled = scan::bound(&title, &self.place, &self.keywords);
        for bound in &titled {
            if bound.action == Action::Closes {
                named.remove(&bound.number);
                read = read.with_link(bound.number, Signal::TitleKeyword, false);
            }
        }
        for number in named {
            read = read.with_link(number, Signal::Title, false);
        }
        if let Some(number) = branch::number(&pull.branch, self.branch_digits) {
            read = read.with_link(number, Signal::Branch, false);
        }

        let actions = last_actions([titled, broken], |address| {
            addresses.action(address, &self.keywords)
        });
        for (number, link) in &mut read.links {
            link.will_close = actions.get(number) == Some(&Action::Closes);
        }

        read.mentions
            .retain(|number| *number != pull.number && !read.links.contains_key(number));
        read
    }
}

/// What Gitea does with each number in the end: the last of all that these texts ask for.
fn last_actions(
    texts: [Vec<Bound>; 2],
    mut look_up: impl FnMut(String) -> Option<Action>,
) -> BTreeMap<u64, Action> {
    let mut last = BTreeMap::new();
    for mut text in texts {
        text.sort_by_key(|bound| bound.turn);
        for bound in text {
            let action = match bound.gitea {
                Gitea::Does(action) => Some(action),
                Gitea::Nothing => None,
                Gitea::LooksUp(address) => look_up(address),
            };
            last.extend(action.map(|action| (bound.number, action)));
        }
    }
    last
}
