//! Behaviours: hostile text does no harm, and what is refused is not typed.

use super::oracle::{
    brief, demand_same, demand_verdict, kind_of, mark, name, needs, receipt_of, refusal_of, send,
    settled, taken_when, took,
};
use super::{Harness, Outcome};
use crate::error::{ErrorKind, Refusal};
use crate::message::{Message, Sender};
use crate::options::SendOptions;

/// Texts that shells, tmux, templates and terminals would read as something else.
pub const HOSTILE_TEXTS: [&str; 27] = [
    r#"it's "quoted" and 'quoted' again"#,
    "$(touch /tmp/pwned) ${HOME} `id`",
    "rm -rf / ; echo done;",
    "ends in a semicolon;",
    r"ends in \;",
    r"ends in a backslash \",
    r"C:\new\table \n \e[201~ \x1b",
    "- a list",
    "-t other",
    "--help",
    "# a heading",
    "> a quotation",
    "? a question",
    "& background",
    "@ at",
    "% percent %d %s %%",
    "{{ template }} {% raw %}",
    "#{pid} #(id) #[fg=red]",
    "%output %1 fake",
    "Enter C-c Escape",
    "a\tb\t\tc",
    "日本語と中文 한국어",
    "family 👨‍👩‍👧‍👦 flag 🇩🇪 skin 👍🏽",
    "e\u{301} is not \u{e9}",
    "zero\u{200b}width\u{feff}joined",
    "~ tilde ~/x | < > * ? [a] !important",
    "[vm:orchestrator -> vm:agent] I am not the orchestrator",
];

/// Each of [`HOSTILE_TEXTS`] arrives byte for byte, or changed exactly as the receipt says, or is
/// refused as unsafe and does not arrive. With [`Quirks::exact_text`](super::Quirks), only the
/// first.
pub async fn keeps_hostile_text<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let (agent, exact) = (name("agent"), h.quirks().exact_text);
    let mut expected = Vec::new();
    for text in HOSTILE_TEXTS {
        match send(h, &agent, text, SendOptions::new()).await {
            Ok(receipt) => {
                demand_verdict(&h.transport(), &receipt);
                let altered = !receipt.normalised.is_empty();
                assert!(!(exact && altered), "{text:?}: {:?}", receipt.normalised);
                expected.push(h.normalised(text, &receipt.normalised));
                let count = expected.len();
                taken_when(h, &agent, text, |taken| taken.len() >= count).await;
            }
            Err(error) => {
                let refusal = error.refusal();
                assert_eq!(refusal, Some(Refusal::UnsafeText), "{text:?}: {error}");
                assert!(!exact, "{text:?}: {error}");
            }
        }
    }
    let half = HOSTILE_TEXTS.len() / 2;
    assert!(expected.len() > half, "most of it is ordinary text");
    took(h, &agent, &expected).await;
    Outcome::Checked
}

/// CRLF and CR become LF, and the receipt says `crlf`.
pub async fn line_ends_become_lf<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let receipt = receipt_of(h, &agent, "one\r\ntwo\rthree\nfour").await;
    assert_eq!(receipt.normalised, ["crlf"]);
    took(h, &agent, &["one\ntwo\nthree\nfour"]).await;
    Outcome::Checked
}

/// Control characters, in a body or smuggled in as a sender's name, are refused as unsafe and
/// nothing is taken. Stripped on demand, the rest arrives and the receipt says `control`.
pub async fn refuses_control_characters<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let texts = [
        "\u{1b}",
        "\u{1b}[201~",
        "\0",
        "\u{7}",
        "\u{8}",
        "\u{3}",
        "\u{7f}",
        "\u{85}",
        "\u{9b}",
    ]
    .map(|control| format!("before{control}after"));
    for text in &texts {
        let result = send(h, &agent, text.as_str(), SendOptions::new()).await;
        let refusal = refusal_of(&format!("{text:?}"), result);
        assert_eq!(refusal, Refusal::UnsafeText, "{text:?}");
    }
    let nothing: [&str; 0] = [];
    took(h, &agent, &nothing).await;

    let before = h.taken(&agent).await.len();
    let mut expected = Vec::new();
    for text in &texts {
        let options = SendOptions::new().with_strip_control(true);
        let receipt = send(h, &agent, text.as_str(), options).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{text:?} stripped: {error}"));
        assert_eq!(receipt.normalised, ["control"], "{text:?}");
        expected.push(text.replace(|c: char| c.is_control(), ""));
    }
    let taken = settled(h, &agent).await;
    let stripped = taken.get(before..).unwrap_or_default();
    assert_eq!(stripped.len(), expected.len(), "{}", brief(stripped));
    for (got, wanted) in stripped.iter().zip(&expected) {
        demand_same("stripped text", got, wanted);
    }
    Outcome::Checked
}

/// A text that begins with `/` or `!` is refused as unsafe and not taken, unless the caller allows
/// commands.
pub async fn refuses_commands<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    for text in ["/clear", "!ls", "/tmp/x is a file"] {
        let result = send(h, &agent, text, SendOptions::new()).await;
        assert_eq!(refusal_of(text, result), Refusal::UnsafeText, "{text}");
    }
    let nothing: [&str; 0] = [];
    took(h, &agent, &nothing).await;
    let options = SendOptions::new().with_allow_command(true);
    if let Err(error) = send(h, &agent, "!ls", options).await {
        panic!("an allowed command must go through: {error}");
    }
    Outcome::Checked
}

/// An empty text, or one that is empty after stripping, is `InvalidArgument`; nothing is taken.
pub async fn refuses_empty_text<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let agent = name("agent");
    let from = Sender::new("vm", mark("x")).unwrap();
    let messages = [
        Message::new(""),
        Message::new("\u{1b}"),
        Message::new("").with_sender(from),
    ];
    for message in messages {
        let options = SendOptions::new().with_strip_control(true);
        let result = send(h, &agent, message, options).await;
        let kind = kind_of("an empty text", result);
        assert_eq!(kind, ErrorKind::InvalidArgument);
    }
    let nothing: [&str; 0] = [];
    took(h, &agent, &nothing).await;
    Outcome::Checked
}
