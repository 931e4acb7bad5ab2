//! The texts that are sent: one to twenty kilobytes, many lines, wide and joined characters,
//! quotes, shell metacharacters, starts and ends that programs trip over. Every one is different.

use mosaic_fleet::Receipt;
use unicode_normalization::UnicodeNormalization;

const LEADS: [&str; 12] = [
    "",
    "- ",
    "# ",
    "? ",
    "> ",
    "& ",
    "@",
    "-- ",
    "'",
    "\"",
    "$(",
    "日本語 ",
];

const TAILS: [&str; 8] = [
    "",
    ";",
    "\\",
    "\"",
    "'",
    " 終わり",
    "👩\u{200d}👩\u{200d}👧",
    "}",
];

const KILOBYTES: [usize; 10] = [0, 1, 2, 1, 5, 0, 8, 3, 20, 1];

const LINES: [&str; 9] = [
    "Look at the parser; it drops the last token.",
    "  indented `code` with $HOME, $(date), ${x} and !history",
    "引用符と絵文字 👩\u{200d}💻🚀 と日本語の長い文。句読点、括弧「」も。",
    "'single' \"double\" \\backslash\\ |pipe| <less> & background; #{format} #[fg=red] %1 %%",
    "",
    "- a list item -flag --long-flag=\"v\" ~/path /tmp/x *.rs [a-z] {1,2}",
    "Ünïcödé naïve façade, Здравствуй мир, 안녕하세요 세계 🇩🇪 👍🏽",
    "end of a line with a semicolon;",
    "\tif tabs { stay(); }",
];

/// The text number `number` of a series. No two series have a word `mark` in common.
pub(crate) fn text(series: &str, number: usize) -> String {
    let mark = mark(series, number);
    let lead = LEADS[number % LEADS.len()];
    let tail = TAILS[number % TAILS.len()];
    let mut text = format!("{lead}{mark} take care of this");
    let size = KILOBYTES[number % KILOBYTES.len()] * 1000;
    // One long line now and then, many short ones otherwise.
    let between = if number % 10 == 3 { " " } else { "\n" };
    for line in LINES.iter().cycle().skip(number) {
        if text.len() + tail.len() >= size {
            break;
        }
        text.push_str(between);
        text.push_str(line);
    }
    text.push_str(" last");
    text + tail
}

/// The word that only this text has.
pub(crate) fn mark(series: &str, number: usize) -> String {
    format!("m{series}x{number:03}z")
}

/// The text as its receipt says that the program took it.
pub(crate) fn taken(text: &str, receipt: &Receipt) -> String {
    let mut text = text.to_owned();
    for change in &receipt.normalised {
        text = match change.as_str() {
            "tabs" => text.replace('\t', "    "),
            "nfc" => text.nfc().collect(),
            "crlf" => text.replace("\r\n", "\n"),
            "trimmed" => text.trim().to_owned(),
            change => panic!("not documented: {change}"),
        };
    }
    text
}
