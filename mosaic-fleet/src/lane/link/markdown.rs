//! What of a body is text. Code, HTML blocks, comments and the captions of links are none; emphasis
//! and inline tags are marks on a text, and read twice: as nothing, and as a break.
//!
//! Text is taken as it is spelt, as Gitea takes it, and not as it is shown: `\#5` and `&#35;5` name no
//! issue.

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

use super::place::Place;
use super::scan::{Action, GAP, Keywords, Linked, Reading, UNSEEN, step};

/// Stands for whitespace that is spelt as none: `&nbsp;`.
const SPELT_BLANK: char = '\u{a0}';

/// Both readings of a body.
#[derive(Debug)]
pub(super) struct Readings {
    /// Marks are nothing: `**Closes** #5` is `Closes #5`.
    pub(super) plain: Reading,
    /// Marks are breaks, as for Gitea: `hot*fix #9*` has a `fix #9`.
    pub(super) broken: Reading,
}

/// Reads a body.
pub(super) fn read(source: &str, place: &Place) -> Readings {
    let empty = || Reading {
        markdown: true,
        ..Reading::default()
    };
    let mut readings = Readings {
        plain: empty(),
        broken: empty(),
    };
    // Links and code blocks that are open: their text is none.
    let (mut links, mut code) = (0_usize, 0_usize);
    for (event, range) in events(source) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                if links == 0 {
                    let number = place.destination(&dest_url).map(|found| found.number);
                    readings.link(number, &dest_url);
                }
                links += 1;
            }
            Event::End(TagEnd::Link) => links = links.saturating_sub(1),
            _ if links > 0 => {}
            Event::Start(Tag::CodeBlock(_)) => {
                code += 1;
                readings.both(GAP);
            }
            Event::End(TagEnd::CodeBlock) => {
                code = code.saturating_sub(1);
                readings.both(GAP);
            }
            _ if code > 0 => {}
            Event::Text(text) => readings.text(&text, source, range),
            Event::SoftBreak => readings.both('\n'),
            Event::HardBreak => readings.both(UNSEEN),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_) => readings.broken.text.push('\n'),
            // Edges of blocks and of pictures, whose captions are text; code; the rest of HTML.
            _ => readings.both(GAP),
        }
    }
    readings
}

type Placed<'a> = (Event<'a>, Range<usize>);

/// What a body is made of, as Gitea has it: a footnote comes behind all the rest, in the order in which
/// the text refers to them, and one that nothing refers to is left out. So is a second one by the same
/// label; labels are compared letter by letter.
fn events(source: &str) -> Vec<Placed<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES;
    let mut events = Vec::new();
    let mut open: Vec<(CowStr<'_>, Vec<Placed<'_>>)> = Vec::new();
    let mut notes = HashMap::new();
    let mut wanted = Vec::new();
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        match event {
            Event::Start(Tag::FootnoteDefinition(label)) => open.push((label, Vec::new())),
            Event::End(TagEnd::FootnoteDefinition) => {
                if let Some((label, note)) = open.pop() {
                    notes.entry(label).or_insert(note);
                }
            }
            event => {
                if let Event::FootnoteReference(label) = &event {
                    wanted.push(label.clone());
                }
                let into = open.last_mut().map_or(&mut events, |(_, note)| note);
                into.push((event, range));
            }
        }
    }
    for label in wanted {
        events.extend(notes.remove(&label).into_iter().flatten());
    }
    events
}

impl Readings {
    fn both(&mut self, c: char) {
        self.plain.text.push(c);
        self.broken.text.push(c);
    }

    fn link(&mut self, number: Option<u64>, address: &str) {
        for reading in [&mut self.plain, &mut self.broken] {
            let at = reading.text.len();
            reading.links.extend(number.map(|number| Linked {
                at,
                number,
                address: address.to_owned(),
            }));
            reading.text.push(GAP);
        }
    }

    fn text(&mut self, shown: &str, source: &str, range: Range<usize>) {
        let mut spelt = &source[range.clone()];
        if spelt != shown && shown.chars().all(char::is_whitespace) {
            return self.both(SPELT_BLANK);
        }
        // The text behind an escape begins behind its backslash.
        let escape = range.start.checked_sub(1);
        if let Some(escape) = escape.filter(|at| source.as_bytes()[*at] == b'\\') {
            spelt = &source[escape..range.end];
        }
        for reading in [&mut self.plain, &mut self.broken] {
            let text = spelt.chars().map(|c| if c == GAP { UNSEEN } else { c });
            reading.text.extend(text);
        }
    }
}

/// The addresses that Gitea looks up in the source of a body.
///
/// It takes the first place of an address for all of them: after «see ADDRESS», a «closes ADDRESS»
/// further down closes nothing. Where a caption stands before the address, its bracket counts.
#[derive(Debug)]
pub(super) struct Addresses<'a> {
    source: &'a str,
    known: HashMap<String, Option<Action>>,
}

impl<'a> Addresses<'a> {
    /// More different addresses of the lane than any body has. Further ones do nothing, which
    /// keeps the time that a body takes in proportion to its length.
    const MOST: usize = 64;

    pub(super) fn new(source: &'a str) -> Self {
        Addresses {
            source,
            known: HashMap::new(),
        }
    }

    /// What Gitea (since 1.26) finds a keyword for before `address`.
    pub(super) fn action(&mut self, address: String, keywords: &Keywords) -> Option<Action> {
        if let Some(known) = self.known.get(&address) {
            return *known;
        }
        if self.known.len() == Self::MOST {
            return None;
        }
        let place = self.source.find(&address);
        step(place.unwrap_or(self.source.len()));
        let action = place.and_then(|at| {
            let before = &self.source[..at];
            let caption = before.strip_suffix('(').and_then(|text| text.rfind('['));
            step(at - caption.unwrap_or(0));
            keywords.end(&before[..caption.unwrap_or(at)])
        });
        self.known.insert(address, action);
        action
    }
}
