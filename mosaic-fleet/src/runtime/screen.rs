//! A terminal's visible screen as a manifest reads it: rows, dim text, cursor, title.

use std::num::NonZeroU16;

/// What a terminal shows at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Screen {
    /// The rows from the top, without trailing blanks.
    pub rows: Vec<String>,
    /// The same rows with dim text left out, which is how programs draw placeholders.
    pub bright: Vec<String>,
    /// The cursor: row from the top and column, in cells.
    pub cursor: (usize, usize),
    /// The cursor's row up to the cursor's column, dim text left out, with every blank.
    pub before_cursor: String,
    /// The terminal's title.
    pub title: String,
}

impl Screen {
    /// Reads a capture: text with SGR attributes, a line a row.
    ///
    /// `width` is the terminal's width in cells, `cursor` its cursor as (row, column).
    pub fn parse(capture: &[u8], width: u16, cursor: (usize, usize), title: &str) -> Self {
        let capture = capture.strip_suffix(b"\n").unwrap_or(capture);
        let mut terminal = Row::new(width);
        let (mut rows, mut bright) = (Vec::new(), Vec::new());
        let mut before_cursor = String::new();
        for (number, line) in capture.split(|byte| *byte == b'\n').enumerate() {
            let column = (number == cursor.0).then_some(cursor.1);
            let (mut all, mut lit, before) = terminal.read(line, column);
            if let Some(before) = before {
                before_cursor = before;
            }
            all.truncate(all.trim_end_matches(' ').len());
            lit.truncate(lit.trim_end_matches(' ').len());
            rows.push(all);
            bright.push(lit);
        }
        Screen {
            rows,
            bright,
            cursor,
            before_cursor,
            title: title.to_owned(),
        }
    }
}

/// A terminal of one row: a capture needs no more at a time, and tall ones are slow to read.
/// Attributes go on from row to row.
struct Row {
    parser: vt100::Parser,
    width: usize,
}

impl Row {
    fn new(width: u16) -> Self {
        // Where tmux and we disagree on the width of a character, the row must not break.
        let width = width.saturating_add(16);
        let one = NonZeroU16::MIN;
        Row {
            parser: vt100::Parser::new(one, NonZeroU16::new(width).unwrap_or(one), 0),
            width: usize::from(width),
        }
    }

    /// The row that `line` draws, the same without dim text, and what of that is before `column`.
    fn read(&mut self, line: &[u8], column: Option<usize>) -> (String, String, Option<String>) {
        let plain = |byte: &u8| matches!(byte, b' '..=b'~');
        let fits = line.len() <= self.width;
        let all = if fits && line.iter().all(plain) {
            String::from_utf8_lossy(line).into_owned()
        } else {
            return self.draw(line, column);
        };
        let lit = if self.parser.screen().dim() {
            " ".repeat(all.len())
        } else {
            all.clone()
        };
        let before = column.map(|column| match lit.get(..column) {
            Some(before) => before.to_owned(),
            None => format!("{lit}{}", " ".repeat(column - lit.len())),
        });
        (all, lit, before)
    }

    fn draw(&mut self, line: &[u8], column: Option<usize>) -> (String, String, Option<String>) {
        self.parser.process(b"\r\n");
        self.parser.process(line);
        let terminal = self.parser.screen();
        let (mut all, mut lit) = (String::new(), String::new());
        let mut before = None;
        // A cell takes at least a byte, so a row is never wider than its line is long.
        let width = line.len().min(self.width);
        for at in 0..width {
            if column == Some(at) {
                before = Some(lit.clone());
            }
            let Some(cell) = u16::try_from(at).ok().and_then(|at| terminal.cell(0, at)) else {
                break;
            };
            if cell.is_wide_continuation() {
                continue;
            }
            let text = if cell.has_contents() {
                cell.contents()
            } else {
                " "
            };
            all.push_str(text);
            // The drawn cursor stands on a placeholder's first character.
            let next = u16::try_from(at + 1).ok();
            let next = next.and_then(|next| terminal.cell(0, next));
            let on_dim = cell.inverse() && next.is_some_and(vt100::Cell::dim);
            lit.push_str(if cell.dim() || on_dim { " " } else { text });
        }
        if let Some(column) = column.filter(|column| *column >= width) {
            before = Some(format!("{lit}{}", " ".repeat(column - width)));
        }
        (all, lit, before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dim_text_is_told_apart() {
        let screen = Screen::parse(
            b"\x1b[1mhello\x1b[0m\n\xe2\x9d\xaf \x1b[2mTry \"fix\"\x1b[0m\n\n",
            40,
            (1, 2),
            "t",
        );
        assert_eq!(screen.rows, ["hello", "❯ Try \"fix\"", ""]);
        assert_eq!(screen.bright, ["hello", "❯", ""]);
        assert_eq!(screen.before_cursor, "❯ ");
    }

    #[test]
    fn a_cursor_that_is_drawn_on_a_placeholder_belongs_to_it() {
        let capture = b"> \x1b[7mP\x1b[0;2mress up\x1b[0m\n> ab\x1b[7mc\x1b[0mdef\n";
        let screen = Screen::parse(capture, 20, (0, 2), "");
        assert_eq!(screen.rows, ["> Press up", "> abcdef"]);
        assert_eq!(screen.bright, [">", "> abcdef"]);
    }

    #[test]
    fn attributes_go_on_over_line_ends() {
        let screen = Screen::parse(b"\x1b[2ma\nb\x1b[0mc\n", 10, (0, 0), "");
        assert_eq!(screen.rows, ["a", "bc"]);
        assert_eq!(screen.bright, ["", " c"]);
    }

    #[test]
    fn wide_characters_keep_columns() {
        let screen = Screen::parse("日本 x\n".as_bytes(), 10, (0, 5), "");
        assert_eq!(screen.rows, ["日本 x"]);
        assert_eq!(screen.before_cursor, "日本 ");
    }

    #[test]
    fn a_row_of_full_width_does_not_spill() {
        for text in ["abcde\nfghij\nk\n", "\x1b[1mabcde\n\x1b[0mfghij\nk\n"] {
            let screen = Screen::parse(text.as_bytes(), 5, (2, 1), "");
            assert_eq!(screen.rows, ["abcde", "fghij", "k"]);
            assert_eq!(screen.before_cursor, "k");
        }
    }

    #[test]
    fn blanks_before_the_cursor_are_kept() {
        for (text, column, before) in [
            ("", 3, "   "),
            ("> ", 4, ">   "),
            ("\x1b[1m>\x1b[0m ", 4, ">   "),
            ("> abc", 2, "> "),
            ("\x1b[2mabc\nabc", 2, "  "),
        ] {
            let last = text.matches('\n').count();
            let screen = Screen::parse(text.as_bytes(), 20, (last, column), "");
            assert_eq!(screen.before_cursor, before, "{text:?}");
        }
    }
}
