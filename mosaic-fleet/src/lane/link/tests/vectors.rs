//! Texts and what they link, class by class. The file says for each what Gitea closes as well; that was
//! compared with what Gitea 1.26 answers.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::forge::{Pull, RepoName};
use crate::lane::{LinkGrammar, LinkRules, PullLinks, Signal};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Where {
    Body,
    Title,
    Branch,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    class: String,
    r#where: Where,
    text: String,
    links: Vec<u64>,
    closes: Vec<u64>,
    why: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn grammar() -> LinkGrammar {
    let lane = RepoName::new("acme/widget").unwrap();
    LinkGrammar::new(&lane, "https://git.example.com/", &LinkRules::new())
}

fn pull(place: &Where, text: &str) -> Pull {
    match place {
        Where::Body => Pull::new(1, "").with_body(text),
        Where::Title => Pull::new(1, text),
        Where::Branch => Pull::new(1, "").with_branch(text),
    }
}

fn closed(read: &PullLinks) -> Vec<u64> {
    let closed = read.links.iter().filter(|(_, link)| link.will_close);
    closed.map(|(number, _)| *number).collect()
}

#[test]
fn every_vector_links_what_it_says() {
    let grammar = grammar();
    let mut wrong = Vec::new();
    for vector in vectors() {
        let read = grammar.read(&pull(&vector.r#where, &vector.text));
        let links: Vec<u64> = read.links.keys().copied().collect();
        let closes = closed(&read);
        if (&links, &closes) != (&vector.links, &vector.closes) {
            let Vector {
                class, text, why, ..
            } = vector;
            wrong.push(format!(
                "{class}: {text:?} ({why}): links {links:?}, closes {closes:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_class_has_both_links_and_none() {
    let vectors = vectors();
    let classes = |links: bool| -> BTreeSet<&str> {
        let of = vectors.iter().filter(|v| v.links.is_empty() != links);
        of.map(|vector| vector.class.as_str()).collect()
    };
    assert_eq!(classes(true).len(), 17);
    let with_none = classes(false);
    let without: Vec<_> = classes(true).difference(&with_none).copied().collect();
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn a_signal_is_told_once_and_the_surest_first() {
    let pull = Pull::new(1, "Fix #546 and #547")
        .with_body("closes #546\n\nfixes #546, part of #548 and #547")
        .with_branch("fix/546-x");
    let read = grammar().read(&pull);
    let signals: Vec<_> = read.links[&546].signals.iter().copied().collect();
    assert_eq!(
        signals,
        [Signal::Body, Signal::TitleKeyword, Signal::Branch]
    );
    assert!(read.links[&546].will_close);
    assert_eq!(read.links[&547].signals, BTreeSet::from([Signal::Title]));
    assert_eq!(read.mentions, BTreeSet::from([548]));
}

#[test]
fn the_last_keyword_decides_and_the_title_is_read_first() {
    for (title, body, signals, closes) in [
        ("x", "Closes #546, reopens #546", "body", false),
        ("Fix #546", "Reopens #546", "title_keyword", false),
        ("Fix #546", "Reopens #547", "title_keyword", true),
        ("Reopen #546", "Fixes #546", "body title", true),
        ("Reopen #546", "x", "title", false),
        ("Reopen #546, fix #546", "x", "title_keyword", true),
        (
            "Fix acme/widget#546",
            "Reopens #546",
            "title_keyword",
            false,
        ),
    ] {
        let read = grammar().read(&Pull::new(1, title).with_body(body));
        let link = &read.links[&546];
        let told: Vec<_> = link.signals.iter().map(|signal| signal.as_str()).collect();
        assert_eq!(
            (told.join(" ").as_str(), link.will_close),
            (signals, closes),
            "{title}: {body}"
        );
    }
    let alone = grammar().read(&Pull::new(1, "x").with_body("Reopens #546"));
    assert_eq!(alone.mentions, BTreeSet::from([546]));
    let unread = grammar().read(&Pull::new(1, "x").with_body("x\n\n[^1]: fixes #546"));
    assert!(unread.mentions.is_empty());
}

#[test]
fn a_mention_is_text_that_people_see() {
    let body = "See #11, acme/widget#12, (#13) and https://git.example.com/acme/widget/issues/14; \
        [x](/acme/widget/issues/15). `#16` <!-- #17 --> other/repo#18 x#19 !20 &#21; \\#22 \
        https://example.org/#23 [#24](https://example.org) acme/widget!25";
    let read = grammar().read(&Pull::new(1, "").with_body(body));
    assert_eq!(read.mentions, BTreeSet::from([11, 12, 13, 14, 15, 25]));
}

#[test]
fn a_pull_request_is_not_about_itself() {
    let own = Pull::new(546, "Fix #546")
        .with_body("Closes #546, see #546")
        .with_branch("546-x");
    let read = grammar().read(&own);
    assert!(
        read.links.is_empty() && read.mentions.is_empty(),
        "{read:?}"
    );
}

#[test]
fn the_words_are_a_setting() {
    let lane = RepoName::new("acme/widget").unwrap();
    let rules =
        LinkRules::new().with_keywords(["Schließt", " cerró ", "关闭", "two words", "", "9"]);
    let grammar = LinkGrammar::new(&lane, "https://git.example.com/", &rules);
    let body = "schließt #11, CERRÓ: #12\n关闭 #13\ncloses #14, two words #15, 9 #16";
    let read = grammar.read(&Pull::new(1, "").with_body(body));
    assert_eq!(closed(&read), [11, 12, 13]);
    assert_eq!(read.links.len(), 3);
}

#[test]
fn a_forge_may_live_in_a_folder_and_on_a_port() {
    let lane = RepoName::new("acme/widget").unwrap();
    let grammar = LinkGrammar::new(&lane, "http://[::1]:3000/git/", &LinkRules::new());
    let body = "closes http://[::1]:3000/git/acme/widget/issues/11\n\
        closes [x](/git/acme/widget/issues/12), closes [x](/acme/widget/issues/13), \
        closes http://[::1]/git/acme/widget/issues/14";
    let read = grammar.read(&Pull::new(1, "").with_body(body));
    assert_eq!(read.links.keys().copied().collect::<Vec<_>>(), [11, 12, 13]);
}

#[test]
fn a_url_that_is_none_has_no_addresses() {
    let lane = RepoName::new("acme/widget").unwrap();
    let grammar = LinkGrammar::new(&lane, "", &LinkRules::new());
    let body =
        "closes https:///acme/widget/issues/11, closes [x](/acme/widget/issues/12), closes #13";
    let read = grammar.read(&Pull::new(1, "").with_body(body));
    assert_eq!(read.links.keys().copied().collect::<Vec<_>>(), [12, 13]);
}
