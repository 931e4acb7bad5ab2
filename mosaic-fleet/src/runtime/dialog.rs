//! An open question as it can be answered: what it says, which choices it shows. Pure.

use super::composer::read;
use super::echo::squash;
use super::manifest::{Manifest, Place};
use super::questions::DialogPattern;
use super::screen::Screen;
use crate::error::{Error, Refusal, Result};
use crate::options::Answer;

/// How many rows above its choices may belong to a question.
const MOST_ROWS: usize = 10;

/// The longest landmark, in characters.
const LANDMARK: usize = 60;

/// An open question.
#[derive(Debug, Clone)]
pub(crate) struct Dialog<'a> {
    /// The pattern that found it.
    pub(crate) pattern: &'a DialogPattern,
    /// The row that matched, or the title.
    pub(crate) question: String,
    /// The rows that make it up: what is asked about, the question, the choices.
    pub(crate) rows: Vec<String>,
    /// Number and words of each choice.
    choices: Vec<(u8, String)>,
}

/// The question that is open on a screen. One whose words stand above a drawn composer is none.
pub(crate) fn open_dialog<'a>(manifest: &'a Manifest, screen: &Screen) -> Option<Dialog<'a>> {
    let reading = read(manifest, screen);
    let question = reading.question.as_ref()?.text.clone();
    let asked_at = screen.rows.iter().rposition(|row| row.trim() == question);
    let pattern = manifest.dialog.iter().find(|dialog| {
        let text = match (dialog.place, asked_at) {
            (Place::Title, _) => Some(&screen.title),
            (_, Some(row)) => screen.rows.get(row),
            (_, None) => None,
        };
        text.is_some_and(|text| text.trim() == question && dialog.matches.regex().is_match(text))
    })?;
    let choices = choices(manifest, &screen.rows);
    let last = choices.iter().map(|(row, ..)| *row).chain(asked_at).max();
    if let Some((composer, last)) = reading.composer.as_ref().zip(last)
        && composer.first_row > last
    {
        return None;
    }
    let first = choices.first().map(|(row, ..)| *row).or(asked_at);
    let mut rows = Vec::new();
    if let Some((first, last)) = first.zip(last) {
        let above = screen.rows[..first].iter().rev().take(MOST_ROWS);
        rows.extend(above.take_while(|row| !is_rule(row)).cloned());
        rows.reverse();
        rows.extend(screen.rows[first..=last].iter().cloned());
    }
    rows.retain(|row| !row.trim().is_empty());
    let choices = choices.into_iter();
    Some(Dialog {
        pattern,
        question,
        rows,
        choices: choices.map(|(_, number, words)| (number, words)).collect(),
    })
}

/// The last rows that are numbered 1, 2, 3, …
fn choices(manifest: &Manifest, rows: &[String]) -> Vec<(usize, u8, String)> {
    let pattern = manifest.answer.choices.regex();
    let numbered = |(at, row): (usize, &String)| {
        let found = pattern.captures(row)?;
        let number: u8 = found.get(1)?.as_str().parse().ok()?;
        let words = found.get(2).map_or("", |words| words.as_str());
        let words = words.trim_end_matches(['│', '┃', '|', ' ']);
        Some((at, number, words.to_owned()))
    };
    let all: Vec<_> = rows.iter().enumerate().filter_map(numbered).collect();
    let first = all.iter().rposition(|(_, number, _)| *number == 1);
    let mut choices = Vec::new();
    for found in all.into_iter().skip(first.unwrap_or(usize::MAX)) {
        if usize::from(found.1) == choices.len() + 1 {
            choices.push(found);
        }
    }
    choices
}

fn is_rule(row: &str) -> bool {
    let row = row.trim();
    !row.is_empty() && row.chars().all(|c| "─━═╭╮╰╯┌┐└┘-".contains(c))
}

impl Dialog<'_> {
    /// The words of `answer` as they are shown.
    ///
    /// # Errors
    /// `Refused` when there is no such choice, with those that there are.
    pub(crate) fn words_of(&self, answer: Answer) -> Result<String> {
        let Answer::Choice(wanted) = answer else {
            return Ok("deny".to_owned());
        };
        let shown = |(number, words): &(u8, String)| format!("{number}. {words}");
        if let Some(choice) = self.choices.iter().find(|choice| choice.0 == wanted) {
            return Ok(shown(choice));
        }
        let there: Vec<String> = self.choices.iter().map(shown).collect();
        let what = match there.is_empty() {
            true => format!("there is no choice {wanted}: it shows no numbered ones"),
            false => format!("there is no choice {wanted}, but {}", there.join("; ")),
        };
        Err(Error::refused(Refusal::NoQuestion, what)
            .with_hint("take one that is shown, or deny (--deny)"))
    }

    /// Whether the question has these words, blanks left out.
    pub(crate) fn says(&self, words: &str) -> bool {
        let words = squash(words);
        squash(&self.rows.concat()).contains(&words) || squash(&self.question).contains(&words)
    }

    /// Plain words of each row, by which a terminal can find it again.
    pub(crate) fn landmarks(&self) -> Vec<&str> {
        self.rows.iter().filter_map(|row| landmark(row)).collect()
    }
}

/// The longest part of a row that means nothing but itself in a terminal server's patterns.
fn landmark(row: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-/".contains(c);
    let parts = row.split(|c: char| !plain(c)).map(str::trim);
    let found = parts.max_by_key(|part| part.len())?;
    let found = found[..found.len().min(LANDMARK)].trim();
    Some(found).filter(|found| found.len() >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Catalog;

    const CLAUDE: &str = "> old talk\n1. a list\n2. of old\n\
        ────────────\n Bash command\n\n   touch /tmp/x, y\n\n Do you want to proceed?\n \
        ❯ 1. Yes\n   2. Yes, and don't ask again\n   3. No, and tell Claude\n\n Esc to cancel\n";

    fn screen(text: &str, title: &str) -> Screen {
        Screen::parse(text.as_bytes(), 80, (0, 0), title)
    }

    #[test]
    fn a_question_is_told_with_what_it_is_about_and_its_choices() {
        let claude = Catalog::shipped().unwrap().get("claude").unwrap();
        let screen = screen(CLAUDE, "");
        let dialog = open_dialog(&claude, &screen).unwrap();
        assert_eq!(dialog.question, "Do you want to proceed?");
        assert_eq!(
            dialog.words_of(Answer::Choice(2)).unwrap(),
            "2. Yes, and don't ask again"
        );
        let error = dialog.words_of(Answer::Choice(4)).unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::NoQuestion));
        assert!(
            error.message().contains("3. No, and tell Claude"),
            "{error}"
        );
        assert!(dialog.says("touch /tmp/x, y") && dialog.says("want to  proceed?"));
        assert!(!dialog.says("old talk"));
        assert_eq!(
            dialog.landmarks(),
            [
                "Bash command",
                "touch /tmp/x",
                "Do you want to proceed",
                "1. Yes",
                "t ask again",
                "and tell Claude"
            ]
        );
    }

    #[test]
    fn words_of_a_question_above_a_composer_are_none() {
        let claude = Catalog::shipped().unwrap().get("claude").unwrap();
        let text = format!("{CLAUDE}> no\n────\n❯ \n────\n  footer\n");
        let screen = screen(&text, "");
        assert!(read(&claude, &screen).question.is_some());
        assert!(open_dialog(&claude, &screen).is_none());
    }

    #[test]
    fn a_question_that_the_title_tells_has_the_choices_of_the_screen() {
        let codex = Catalog::shipped().unwrap().get("codex").unwrap();
        let text = "  Would you like to run the following command?\n\n  $ touch x\n\n\
            › 1. Yes, proceed (y)\n  2. No, and tell Codex (esc)\n";
        let screen = screen(text, "[ ! ] Action Required | x");
        let dialog = open_dialog(&codex, &screen).unwrap();
        assert_eq!(
            dialog.words_of(Answer::Choice(1)).unwrap(),
            "1. Yes, proceed (y)"
        );
        assert!(dialog.says("$ touch x"));
    }
}
