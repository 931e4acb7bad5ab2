//! The question that covers the composer, and that Enter approves.

use super::input::Event;
use super::log::{By, Entry};
use super::player::{Action, Player};
use super::script::SubmitKey;

impl Player {
    pub(super) fn open_dialog(&mut self, now: u64, closes: u64) {
        if self.dialog.is_some() || self.starting {
            return;
        }
        self.dialogs += 1;
        self.dialog = Some(self.dialogs);
        let title = self.script.dialog_title.clone();
        self.log.push(Entry::DialogOpened { title });
        let closes = if closes > 0 {
            closes
        } else {
            self.script.dialog_closes_ms
        };
        if closes > 0 {
            self.later(now, closes, Action::CloseDialog(self.dialogs));
        }
    }

    pub(super) fn dialog_key(&mut self, event: Event, now: u64) {
        if self.deaf_keys > 0 {
            self.deaf_keys -= 1;
            return;
        }
        let last = u8::try_from(self.script.dialog_choices.len()).unwrap_or(u8::MAX);
        match event {
            Event::Enter { .. } => self.answer(1, By::Enter, now),
            Event::Escape | Event::CtrlC => self.answer(last, By::Key, now),
            Event::Text(text) if choice(&text, last).is_some() => {
                self.answer(choice(&text, last).unwrap_or(last), By::Key, now);
            }
            Event::Text(text) | Event::Paste(text) => self.log.push(Entry::DialogAte { text }),
            Event::F12 => self.ignored(SubmitKey::F12, "dialog"),
            Event::Chord => self.ignored(SubmitKey::Chord, "dialog"),
            Event::LineFeed | Event::Backspace | Event::CtrlS | Event::CtrlU => {}
        }
    }

    pub(super) fn answer(&mut self, choice: u8, by: By, now: u64) {
        self.dialog = None;
        self.log.push(Entry::DialogAnswered { choice, by });
        let answer = if choice == 1 { "approved" } else { "denied" };
        self.say("", format!("● {answer}: {}", self.script.dialog_title));
        self.replay(now);
    }
}

/// The number of the choice that a typed text begins with.
fn choice(text: &str, last: u8) -> Option<u8> {
    let digit = text.chars().next()?.to_digit(10)?;
    let number = u8::try_from(digit).ok()?;
    (1..=last).contains(&number).then_some(number)
}
