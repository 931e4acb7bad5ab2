//! From a picture of the program to bytes for the terminal. Knows cells and rows, no states.

use super::script::Style;

/// What the terminal shows once it is painted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) title: Option<String>,
    /// The program asks for bracketed paste.
    pub(super) bracketed: bool,
    /// Start from an empty screen.
    pub(super) clear: bool,
    /// Ordinary output since the last view.
    pub(super) printed: Vec<String>,
    /// The region that is redrawn: below the output (line) or the whole screen (box).
    pub(super) body: Vec<String>,
    /// Row of `body`, and column.
    pub(super) cursor: (usize, usize),
    /// Makes the view differ although nothing on it does.
    pub(super) noise: u64,
    /// The composer is on it.
    pub(super) composer: bool,
    /// How many pastes landed before it.
    pub(super) pastes: u32,
}

/// Paints views, each over the one before.
#[derive(Debug)]
pub(super) struct Painter {
    style: Style,
    columns: usize,
    rows: usize,
    painted: View,
    /// Line style: rows of the region that went up into the history.
    scrolled: usize,
    /// The terminal's rows no longer are where they were put.
    moved: bool,
}

impl Painter {
    pub(super) fn new(style: Style, columns: usize, rows: usize) -> Self {
        Painter {
            style,
            columns,
            rows,
            painted: View::default(),
            scrolled: 0,
            moved: style == Style::Box,
        }
    }

    pub(super) fn resize(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
        self.moved = true;
    }

    pub(super) fn paint(&mut self, view: View, out: &mut String) {
        if view.title != self.painted.title
            && let Some(title) = &view.title
        {
            out.push_str(&format!("\x1b]2;{title}\x07"));
        }
        if view.bracketed != self.painted.bracketed {
            out.push_str(if view.bracketed {
                "\x1b[?2004h"
            } else {
                "\x1b[?2004l"
            });
        }
        match self.style {
            Style::Line => self.paint_line(&view, out),
            Style::Box => self.paint_box(&view, out),
        }
        self.moved = false;
        self.painted = view;
    }

    fn paint_line(&mut self, view: &View, out: &mut String) {
        let mut skip = 0;
        if view.clear || self.moved {
            out.push_str("\x1b[H\x1b[2J");
        } else {
            out.push('\r');
            up(self.painted.cursor.0.saturating_sub(self.scrolled), out);
            skip = self.scrolled;
        }
        let rows: Vec<&String> = view.printed.iter().chain(&view.body).collect();
        // Rows that already went up into the history are not printed again, as readline does it.
        if skip > rows.len()
            || !rows
                .iter()
                .copied()
                .take(skip)
                .eq(self.painted.body[..skip].iter())
        {
            skip = 0;
        }
        if !view.printed.is_empty() {
            skip = skip.min(view.printed.len());
        }
        // Row by row: erasing everything from the top left would put the screen into tmux's history.
        for (at, row) in rows.iter().enumerate().skip(skip) {
            if at > skip {
                out.push_str("\r\n");
            }
            out.push_str(row);
            let used = width(row);
            let full = used > 0 && used.is_multiple_of(self.columns);
            if at >= view.printed.len() || !full {
                out.push_str("\x1b[K");
            }
        }
        out.push_str("\x1b[J");
        self.scrolled = view.body.len().saturating_sub(self.rows);
        if view.printed.is_empty() {
            self.scrolled = self.scrolled.max(skip);
        }
        up(last(view).saturating_sub(view.cursor.0), out);
        out.push_str(&format!("\x1b[{}G", view.cursor.1 + 1));
    }

    fn paint_box(&self, view: &View, out: &mut String) {
        if !view.printed.is_empty() || self.moved {
            for row in &view.printed {
                out.push_str(row);
                out.push_str("\r\n");
            }
            out.push_str("\x1b[2J");
        }
        out.push_str("\x1b[H");
        let rows = &view.body[view.body.len().saturating_sub(self.rows)..];
        let cut = view.body.len() - rows.len();
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push_str("\r\n");
            }
            out.push_str("\x1b[2K");
            out.push_str(row);
        }
        if rows.len() < self.rows {
            out.push_str("\r\n\x1b[J");
        }
        let row = view.cursor.0.saturating_sub(cut) + 1;
        out.push_str(&format!("\x1b[{row};{}H", view.cursor.1 + 1));
    }

    /// Leaves the terminal to whoever comes next, below what was drawn.
    pub(super) fn finish(&self, out: &mut String) {
        if self.painted.bracketed {
            out.push_str("\x1b[?2004l");
        }
        for _ in self.painted.cursor.0..last(&self.painted) {
            out.push('\n');
        }
        out.push_str("\r\n");
    }
}

fn last(view: &View) -> usize {
    view.body.len().saturating_sub(1)
}

fn up(rows: usize, out: &mut String) {
    if rows > 0 {
        out.push_str(&format!("\x1b[{rows}A"));
    }
}

/// The rows of a text, `first` before its first row and two spaces before the others. The last
/// column stays free, so that the cursor always fits behind the text.
pub(super) fn wrap(first: &str, text: &str, columns: usize) -> Vec<String> {
    let room = columns.saturating_sub(1).max(4);
    let mut rows = Vec::new();
    let mut row = first.to_owned();
    let mut used = width(first);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            rows.push(std::mem::replace(&mut row, "  ".to_owned()));
            used = 2;
        }
        for char in visible(line).chars() {
            if used + char_width(char) > room {
                rows.push(std::mem::replace(&mut row, "  ".to_owned()));
                used = 2;
            }
            used += char_width(char);
            row.push(char);
        }
    }
    rows.push(row);
    rows
}

/// One line, cut to the screen.
pub(super) fn clip(text: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |char: &char| {
        used += char_width(*char);
        used < columns
    };
    visible(text).chars().take_while(fits).collect()
}

fn visible(line: &str) -> String {
    let shown = |char: char| match char {
        '\t' => "    ".to_owned(),
        char if char.is_control() => "?".to_owned(),
        char => char.to_string(),
    };
    line.chars().map(shown).collect()
}

/// The cells of a text without escape sequences.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Near enough to what terminals do: wide East Asian and emoji, nothing for marks and joiners.
fn char_width(char: char) -> usize {
    match u32::from(char) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x2060 | 0x20d0..=0x20ff => 0,
        0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfeff | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 => 2,
        0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x1fa70..=0x1faff => 2,
        0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_wrap_with_two_spaces_and_leave_the_last_column() {
        assert_eq!(
            wrap("❯ ", "abcdef\n\ng", 6),
            ["❯ abc", "  def", "  ", "  g"]
        );
        assert_eq!(wrap("❯ ", "日本語", 7), ["❯ 日本", "  語"]);
        assert_eq!(wrap("❯ ", "a\tb\u{1b}", 20), ["❯ a    b?"]);
        assert_eq!(clip("abcdef", 4), "abc");
    }
}
