//! What keys and pastes do to the composer, up to the key that submits it.

use super::faults::Fault;
use super::input::Event;
use super::log::Entry;
use super::player::{Action, CRASH, Player};
use super::script::SubmitKey;

impl Player {
    pub(super) fn edit(&mut self, event: Event, now: u64) {
        let leaving = std::mem::take(&mut self.leaving);
        match event {
            Event::Text(text) => {
                self.unmerge();
                self.composer.push(&text);
            }
            Event::Paste(text) => self.paste(text, now),
            Event::LineFeed => self.composer.push("\n"),
            Event::Enter { more } => self.submit_key(SubmitKey::Enter, more, now),
            Event::F12 => self.submit_key(SubmitKey::F12, false, now),
            Event::Chord => self.submit_key(SubmitKey::Chord, false, now),
            Event::Backspace => self.composer.backspace(),
            Event::CtrlC if self.composer.text().is_empty() && leaving => self.exit(0),
            Event::CtrlC if self.composer.text().is_empty() => self.leaving = true,
            Event::CtrlC | Event::CtrlU => self.discard(),
            Event::CtrlS if self.script.stash && !self.composer.text().is_empty() => {
                self.stash = Some(self.composer.take());
            }
            Event::CtrlS if self.script.stash => {
                if let Some(draft) = self.stash.take() {
                    self.composer.push(&draft);
                }
            }
            Event::CtrlS | Event::Escape => {}
        }
    }

    pub(super) fn before_ready(&mut self, event: Event) {
        match event {
            Event::Text(text) | Event::Paste(text) => self.composer.push(&text),
            Event::LineFeed => self.composer.push("\n"),
            Event::Enter { .. } => {
                self.ignored(SubmitKey::Enter, "starting");
                self.composer.push("\n");
            }
            Event::F12 => self.ignored(SubmitKey::F12, "starting"),
            Event::Chord => self.ignored(SubmitKey::Chord, "starting"),
            Event::Backspace => self.composer.backspace(),
            Event::CtrlC | Event::CtrlU => self.discard(),
            Event::CtrlS | Event::Escape => {}
        }
    }

    pub(super) fn discard(&mut self) {
        self.composer.take();
        self.stale = None;
        self.first_tried = false;
    }

    /// Claude 2.1.197: what is added right after a submit is glued to the text that was submitted.
    pub(super) fn unmerge(&mut self) {
        if let Some(old) = self.stale.take() {
            self.composer.push(&old);
        }
    }

    pub(super) fn paste(&mut self, text: String, now: u64) {
        self.pastes += 1;
        if self.pastes == self.script.crash_on_paste {
            return self.exit(CRASH);
        }
        self.unmerge();
        let keep = text.chars().count();
        let keep = keep.saturating_sub(self.script.echo_tail_drop);
        let mut text: String = text.chars().take(keep).collect();
        let over = |limit: usize, size: usize| limit > 0 && size > limit;
        let newlines = text.matches('\n').count();
        let folds = over(self.script.collapse_over_chars, keep)
            || over(self.script.collapse_over_lines, newlines);
        if over(self.script.wrap_over_chars, keep) || over(self.script.wrap_over_lines, newlines) {
            let id = format!("c{:03}", self.pastes);
            text = format!(
                "\n\n<pasted_content id=\"{id}\">\n{text}\n</pasted_content id=\"{id}\">\n"
            );
        }
        self.newline_until = now + self.script.swallow_enter_ms;
        self.lag = None;
        let fault = self.random.fault(
            self.script.fault_rate,
            self.script.fault_dialogs,
            self.script.fault_crash,
        );
        if let Some(fault) = &fault {
            let name = fault.name().to_owned();
            self.log.push(Entry::Fault { name });
        }
        if folds || matches!(fault, Some(Fault::Fold)) {
            self.composer.push_folded(&text);
        } else {
            self.composer.push(&text);
        }
        match fault {
            Some(Fault::SlowRedraw(ms)) => self.lag = Some(ms),
            Some(Fault::SwallowedKey) => self.swallow_left += 1,
            Some(Fault::EnterIsNewline(ms)) => {
                self.newline_until = self.newline_until.max(now + ms);
            }
            Some(Fault::Dialog { after, closes }) => {
                self.later(now, after, Action::OpenDialog(closes));
            }
            Some(Fault::Busy(ms)) => self.next_turn_ms = Some(ms),
            Some(Fault::Human) => self.human_waits = true,
            Some(Fault::Crash) => return self.exit(CRASH),
            Some(Fault::Fold | Fault::Nothing) | None => {}
        }
        if self.script.dialog_on_paste.contains(&self.pastes) {
            self.open_dialog(now, 0);
        }
    }

    pub(super) fn ignored(&mut self, key: SubmitKey, why: &str) {
        let name = match key {
            SubmitKey::Enter => "enter",
            SubmitKey::F12 => "f12",
            SubmitKey::Chord => "chord",
        };
        self.log.push(Entry::Key {
            name: name.to_owned(),
            why: why.to_owned(),
        });
    }

    pub(super) fn submit_key(&mut self, key: SubmitKey, more: bool, now: u64) {
        if !self.script.submit_keys.contains(&key) {
            self.ignored(key, "unbound");
            if key == SubmitKey::Enter {
                self.composer.push("\n");
            }
            return;
        }
        if self.composer.is_blank() {
            return self.ignored(key, "empty");
        }
        if key == SubmitKey::Enter && now < self.newline_until {
            self.ignored(key, "newline");
            return self.composer.push("\n");
        }
        if key != SubmitKey::Chord
            && self.script.backslash_newline
            && self.composer.text().ends_with('\\')
        {
            self.ignored(key, "newline");
            self.composer.backspace();
            return self.composer.push("\n");
        }
        if self.swallow_left > 0 {
            self.swallow_left -= 1;
            return self.ignored(key, "swallowed");
        }
        if !std::mem::replace(&mut self.first_tried, true) {
            self.firsts += 1;
            if self.firsts.checked_rem(self.script.swallow_every) == Some(0) {
                return self.ignored(key, "swallowed");
            }
        }
        self.submit(more, now);
    }
}
