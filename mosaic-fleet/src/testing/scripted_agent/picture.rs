//! What the program looks like in each state: the texts that manifests read.

use super::player::Player;
use super::screen::{View, clip, width, wrap};
use super::script::Style;

const PROMPT: &str = "❯ ";

impl Player {
    /// Puts a text above the composer, for good.
    pub(super) fn say(&mut self, prefix: &'static str, text: String) {
        match self.script.style {
            // A reply is printed as it is, so that the terminal's history holds whole lines.
            Style::Line if prefix.is_empty() => self.printed.push(text),
            Style::Line => self.printed.extend(wrap(prefix, &text, self.columns)),
            Style::Box => self.conversation.push((prefix, text)),
        }
        if self.conversation.len() > 2000 {
            self.conversation.drain(..1000);
        }
    }

    /// The picture of this moment; takes what was printed since the last one.
    pub(super) fn view(&mut self) -> View {
        let mut view = View {
            title: self.title(),
            bracketed: self.script.bracketed && !self.starting,
            clear: std::mem::take(&mut self.clear),
            printed: std::mem::take(&mut self.printed),
            noise: self.noise,
            pastes: self.pastes,
            ..View::default()
        };
        match self.script.style {
            Style::Line => self.draw_line(&mut view),
            Style::Box => self.draw_box(&mut view),
        }
        view
    }

    fn title(&self) -> Option<String> {
        match (self.starting, self.dialog) {
            (true, _) => None,
            (_, Some(_)) => Some(format!("[ ! ] Action Required | {}", self.name)),
            _ => Some(format!("{} ready", self.name)),
        }
    }

    fn draw_line(&self, view: &mut View) {
        if self.starting {
            view.body.push("loading…".to_owned());
        } else if self.dialog.is_some() {
            return self.draw_dialog(view);
        } else if self.busy.is_some() {
            view.body.push("working…".to_owned());
        } else {
            view.composer = true;
            return self.draw_composer(view, usize::MAX);
        }
        end_of_body(view);
    }

    fn draw_box(&self, view: &mut View) {
        let rule = "─".repeat(self.columns);
        let mut below = View::default();
        if self.starting {
            below.body.push("loading…".to_owned());
            end_of_body(&mut below);
        } else {
            for (_, text) in &self.queue {
                let first = text.lines().next().unwrap_or_default();
                let line = format!("  ⎿ Queued: {first}");
                below.body.push(clip(&line, self.columns));
            }
            if self.busy.is_some() {
                below.body.push("✽ Working… (esc to interrupt)".to_owned());
            }
            below.body.push(rule.clone());
            if self.dialog.is_some() {
                self.draw_dialog(&mut below);
            } else {
                view.composer = true;
                let room = self.rows.saturating_sub(below.body.len() + 3).max(1);
                self.draw_composer(&mut below, room);
                below.body.push(rule);
                below.body.push(self.footer());
            }
        }
        let room = self.rows.saturating_sub(below.body.len());
        let mut above = Vec::new();
        for (prefix, text) in self.conversation.iter().rev() {
            if above.len() >= room {
                break;
            }
            above.extend(wrap(prefix, text, self.columns).into_iter().rev());
        }
        above.truncate(room);
        above.reverse();
        view.cursor = (above.len() + below.cursor.0, below.cursor.1);
        view.body = above;
        view.body.append(&mut below.body);
    }

    fn footer(&self) -> String {
        if self.leaving {
            return "  Press Ctrl-C again to exit".to_owned();
        }
        match self.script.noise_ms {
            0 => "  ? for shortcuts".to_owned(),
            _ => format!("  ? for shortcuts · {}", self.noise),
        }
    }

    /// The composer, its last `room` rows; what is cut off is counted in the rule above.
    fn draw_composer(&self, view: &mut View, room: usize) {
        let text = self
            .stale
            .clone()
            .filter(|_| self.composer.text().is_empty());
        let text = text.unwrap_or_else(|| self.composer.shown());
        let rows = wrap(PROMPT, &text, self.columns);
        let cut = rows.len().saturating_sub(room);
        if cut > 0
            && let Some(rule) = view.body.last_mut()
        {
            let more = format!("─── ↑ {cut} more ");
            let rest = self.columns.saturating_sub(width(&more));
            *rule = more + &"─".repeat(rest);
        }
        view.body.extend(rows.into_iter().skip(cut));
        end_of_body(view);
        if text.is_empty()
            && let Some(placeholder) = &self.script.placeholder
            && let Some(row) = view.body.last_mut()
        {
            let hint = clip(placeholder, self.columns.saturating_sub(2));
            row.push_str(&format!("\x1b[2m{hint}\x1b[0m"));
        }
    }

    fn draw_dialog(&self, view: &mut View) {
        let title = format!("Permission required: {}", self.script.dialog_title);
        view.body.push(clip(&title, self.columns));
        view.body.push("Do you want to proceed?".to_owned());
        view.cursor = (view.body.len(), 2);
        for (number, words) in (1..).zip(&self.script.dialog_choices) {
            let mark = if number == 1 { PROMPT } else { "  " };
            let row = format!("{mark}{number}. {words}");
            view.body.push(clip(&row, self.columns));
        }
        view.body.push("Esc to cancel".to_owned());
    }
}

fn end_of_body(view: &mut View) {
    let row = view.body.len().saturating_sub(1);
    view.cursor = (row, view.body.last().map_or(0, |last| width(last)));
}
