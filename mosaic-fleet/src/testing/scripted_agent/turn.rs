//! What becomes of a submitted text: a turn, a place in the queue, a reset, or nothing.

use super::log::Entry;
use super::player::{Action, CRASH, Player};
use super::script::Style;

impl Player {
    pub(super) fn submit(&mut self, more: bool, now: u64) {
        self.submits += 1;
        if self.submits == self.script.crash_on_submit {
            return self.exit(CRASH);
        }
        let shown = self.composer.shown();
        let mut text = self.composer.take();
        if self.script.trim {
            text.truncate(text.trim_end().len());
        }
        self.first_tried = false;
        if more {
            let text = text.clone();
            self.log.push(Entry::RawNewlineSubmit { text });
        }
        if self.script.merge_draft_after_submit_ms > 0 {
            self.stale = Some(shown);
            let stays = self.script.merge_draft_after_submit_ms;
            self.later(now, stays, Action::Unmerge(self.submits));
        }
        if let Some(draft) = self.stash.take() {
            self.composer.push(&draft);
        }
        if now < self.lost_until {
            self.log.push(Entry::Lost { text });
        } else if self.script.reset_command.as_deref() == Some(text.trim()) {
            self.reset(text, now);
        } else {
            self.take(text, now);
        }
    }

    pub(super) fn take(&mut self, text: String, now: u64) {
        self.takes += 1;
        let seq = self.takes;
        let asks = self.script.dialog_on_text.as_ref() == Some(&text);
        let queued = self.busy.is_some();
        self.log.push(Entry::Took {
            text: text.clone(),
            queued,
            seq,
        });
        if seq == self.script.crash_after_take {
            return self.exit(CRASH);
        }
        if queued {
            self.queue.push_back((seq, text));
        } else {
            self.begin(seq, text, now);
        }
        if asks || self.script.dialog_after_take.contains(&seq) {
            self.open_dialog(now, 0);
        }
    }

    pub(super) fn begin(&mut self, seq: u32, text: String, now: u64) {
        self.log.push(Entry::Began { seq });
        self.busy = Some(seq);
        let mark = match self.script.style {
            Style::Line => "❯ ",
            Style::Box => "> ",
        };
        self.reply = self.reply_to(seq, &text);
        let endless = self.script.endless_turn.as_ref() == Some(&text);
        self.say(mark, text);
        if endless {
            return;
        }
        match self.next_turn_ms.take().unwrap_or(self.script.busy_ms) {
            0 => self.end_turn(now, false),
            ms => self.later(now, ms, Action::EndTurn(seq)),
        }
    }

    pub(super) fn end_turn(&mut self, now: u64, interrupted: bool) {
        let Some(seq) = self.busy.take() else {
            return;
        };
        self.log.push(Entry::TurnEnded { seq, interrupted });
        let reply = std::mem::take(&mut self.reply);
        if interrupted {
            self.say("", "Interrupted".to_owned());
        } else {
            for line in reply {
                self.say("", line);
            }
        }
        if seq > 0 && seq == self.script.exit_after {
            return self.exit(self.script.exit_code);
        }
        if let Some((seq, text)) = self.queue.pop_front() {
            self.begin(seq, text, now);
        }
        self.replay(now);
    }

    pub(super) fn reply_to(&self, seq: u32, text: &str) -> Vec<String> {
        if self.script.reply_echo {
            let line = text.replace('\n', " ");
            let mut head: String = line.chars().take(60).collect();
            if head.len() < line.len() {
                head.push('…');
            }
            return vec![format!("  {}: got it: \"{head}\"", self.name)];
        }
        let first = match &self.script.reply_text {
            Some(text) => text.clone(),
            None => format!("ok {seq}"),
        };
        let lines = self.script.reply_lines;
        let others = (2..=lines).map(|line| format!("ok {seq} ({line}/{lines})"));
        std::iter::once(first).chain(others).collect()
    }

    pub(super) fn reset(&mut self, command: String, now: u64) {
        let turn = self.busy.take();
        let lost = turn.is_some() || !self.queue.is_empty();
        self.log.push(Entry::Reset { command, lost });
        if let Some(seq) = turn {
            self.log.push(Entry::TurnEnded {
                seq,
                interrupted: true,
            });
        }
        for (_, text) in std::mem::take(&mut self.queue) {
            self.log.push(Entry::Lost { text });
        }
        self.conversation.clear();
        self.printed.clear();
        self.clear = true;
        self.lost_until = now.saturating_add(self.script.reset_loses_ms);
        self.later(now, self.script.reset_takes_ms, Action::ResetDone);
    }
}
