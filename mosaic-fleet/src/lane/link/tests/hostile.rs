//! Texts made to hurt: nothing panics, and work grows as the text does. Work is counted, not timed: the
//! characters that the scanner looks at, and the sizes of what it is given. How pulldown-cmark parses
//! is its own promise.

use proptest::prelude::*;

use super::STEPS;
use crate::forge::{Pull, RepoName};
use crate::lane::link::markdown;
use crate::lane::link::place::Place;
use crate::lane::{LinkGrammar, LinkRules};

fn lane() -> RepoName {
    RepoName::new("acme/widget").unwrap()
}

fn grammar() -> LinkGrammar {
    LinkGrammar::new(&lane(), "https://git.example.com/", &LinkRules::new())
}

/// The characters looked at for a text in all three places, and the size of its readings.
fn work(text: &str) -> usize {
    let pull = Pull::new(1, text).with_body(text).with_branch(text);
    STEPS.with(|steps| steps.set(0));
    grammar().read(&pull);
    let place = Place::new(&lane(), "https://git.example.com/");
    let body = markdown::read(text, &place);
    let sizes = body.plain.text.len() + body.broken.text.len();
    STEPS.with(|steps| steps.get()) + sizes
}

/// Nine keywords at each edge in three texts are the most of it, and the 64 addresses that are looked
/// up in a whole body. A square would make thousands of it with texts as long as these.
const WORK_A_BYTE: usize = 200;

/// Pieces that nest, that never end, or that almost link; each is repeated.
const PIECES: &[&str] = &[
    "#",
    "!",
    ">",
    "> ",
    "[",
    "]",
    "[[",
    "](",
    "![",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "``",
    "` `` ",
    "<",
    "<!--",
    "<a",
    "<a b='",
    "&",
    "&#",
    "\\",
    "|",
    "|-",
    "- ",
    " - ",
    "1. ",
    "(",
    ":",
    "\0",
    "\n",
    "\n\n",
    "\t",
    " ",
    "closes ",
    "closes:",
    "closes: (",
    "closes\n",
    "closes #",
    "closes #1 ",
    "#1",
    "#1,",
    "0",
    "9",
    "closes closes #1",
    "fix",
    "acme/widget",
    "acme/widget#",
    "closes acme/widget#1",
    "https://",
    "https://x ",
    "closes https://git.example.com/acme/widget/issues/",
    "[x](/acme/widget/issues/1)",
    "[x]: /y\n",
    "[x]\n",
    "closes [x](/acme/widget/issues/1) ",
    "closes [x](",
    "é",
    "✅",
    "\u{301}",
    "\u{200f}",
    "a\u{301}",
    "&nbsp;",
    "  \n",
    "```\n",
    "~~~ x\n",
    "<details>\n",
    "| a | b |\n|---|---|\n",
    "# ",
    "===\n",
    "x_y",
    "-546",
    "/2024-11",
    "*a_",
    "**a*",
    "[a](b",
    "<https://",
    "<?",
    "<![CDATA[",
    "]]>",
    "--",
    "$",
    "^",
    "[^1]: ",
    "[^1]",
    "> [^1]: ",
    "[^1]: x[^1]\n\n",
    "[^",
    "reopens #1 closes #1 ",
];

#[test]
fn a_piece_repeated_costs_what_its_length_costs() {
    for piece in PIECES {
        let text = piece.repeat(5_000 / piece.len());
        let work = work(&text);
        assert!(work <= WORK_A_BYTE * text.len(), "{piece:?}: {work}");
        // A keyword before and a number behind, so that something is looked for at both ends.
        let text = format!("closes {text} #1");
        let more = self::work(&text);
        assert!(more <= WORK_A_BYTE * text.len(), "{piece:?}: {more}");
    }
}

#[test]
fn a_large_body_is_read_to_its_end() {
    for piece in ["#", "closes ", ">", "[", "` ", "<", "**", "x "] {
        let body = format!(
            "{}\n\n\n# fixes #546\n",
            piece.repeat(100_000 / piece.len())
        );
        let read = grammar().read(&Pull::new(1, "").with_body(&body));
        assert!(read.links.contains_key(&546), "{piece:?}");
    }
}

#[test]
fn many_addresses_are_looked_up_a_bounded_number_of_times() {
    for before in ["", &"x ".repeat(20_000)] {
        let mut body = before.to_owned();
        for number in 100..1_100 {
            body.push_str(&format!(
                "closes [x](/acme/widget/issues/{number}) (/acme/widget/issues/{number}?)\n"
            ));
        }
        let read = grammar().read(&Pull::new(1, "").with_body(&body));
        assert_eq!(read.links.len(), 1_000);
        assert!(read.links[&100].will_close);
        assert!(work(&body) <= WORK_A_BYTE * body.len());
    }
}

/// Any text, and texts of pieces that were made to hurt.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (proptest::sample::select(PIECES), 1..12_usize).prop_map(|(piece, n)| piece.repeat(n)),
    ];
    prop_oneof![
        1 => any::<String>(),
        4 => proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #[test]
    fn no_text_panics_and_all_is_accounted_for(text in any_text()) {
        let pull = Pull::new(1, &text).with_body(&text).with_branch(&text);
        let read = grammar().read(&pull);
        for (number, link) in &read.links {
            prop_assert!(!link.signals.is_empty());
            prop_assert!(!read.mentions.contains(number));
        }
        prop_assert!(!read.links.contains_key(&1) && !read.mentions.contains(&1));
        prop_assert!(work(&text) <= WORK_A_BYTE * (text.len() + 1));
    }

    /// A paragraph of its own is read alike, whatever stands before it and has ended.
    #[test]
    fn a_paragraph_keeps_its_link(text in "[ -~]{0,40}", number in 2..1_000_000_u64) {
        prop_assume!(!text.contains('<'));
        let body = format!("{text}\n\n# closes #{number}\n");
        let read = grammar().read(&Pull::new(1, "").with_body(body));
        prop_assert!(read.links.contains_key(&number));
        prop_assert!(read.links[&number].will_close);
    }
}
