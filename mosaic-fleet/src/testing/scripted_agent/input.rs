//! From bytes to keys and pastes. Knows how a terminal speaks, not what a composer does with it.

/// A lone ESC byte is the Escape key once nothing followed for this long.
const ESCAPE_MS: u64 = 30;

/// What was pressed, typed or pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Typed text, as far as it came in one read.
    Text(String),
    /// A bracketed paste; CR is LF.
    Paste(String),
    /// CR; `more`: text follows in the same read, so nobody pressed it.
    Enter {
        more: bool,
    },
    LineFeed,
    F12,
    Chord,
    Escape,
    Backspace,
    CtrlC,
    CtrlS,
    CtrlU,
}

#[derive(Debug, Default)]
enum Mode {
    #[default]
    Ground,
    Escape,
    Csi(Vec<u8>),
    Ss3,
    CtrlX,
    Paste(Vec<u8>),
}

/// Parses a terminal's input, however it is cut into reads.
#[derive(Debug, Default)]
pub(super) struct Parser {
    mode: Mode,
    bracketed: bool,
    partial: Vec<u8>,
    escape_due: Option<u64>,
}

impl Parser {
    /// `bracketed`: whether paste brackets mean anything to this program.
    pub(super) fn new(bracketed: bool) -> Self {
        Parser {
            bracketed,
            ..Parser::default()
        }
    }

    /// When `expire` has something to say.
    pub(super) fn due(&self) -> Option<u64> {
        self.escape_due
    }

    /// The Escape key, if an ESC byte has been alone for long enough.
    pub(super) fn expire(&mut self, now: u64) -> Option<Event> {
        self.escape_due.filter(|due| *due <= now)?;
        self.escape_due = None;
        self.mode = Mode::Ground;
        Some(Event::Escape)
    }

    /// The events in one read.
    pub(super) fn read(&mut self, bytes: &[u8], now: u64) -> Vec<Event> {
        let mut events = Vec::new();
        self.escape_due = None;
        for (at, byte) in bytes.iter().enumerate() {
            let next = bytes.get(at + 1).copied();
            self.byte(*byte, next, &mut events);
        }
        self.flush_text(&mut events, true);
        if matches!(self.mode, Mode::Escape) {
            self.escape_due = Some(now + ESCAPE_MS);
        }
        events
    }

    fn byte(&mut self, byte: u8, next: Option<u8>, events: &mut Vec<Event>) {
        match std::mem::take(&mut self.mode) {
            Mode::Ground => self.ground(byte, next, events),
            Mode::Escape => match byte {
                b'[' => self.mode = Mode::Csi(Vec::new()),
                b'O' => self.mode = Mode::Ss3,
                0x1b => {
                    events.push(Event::Escape);
                    self.mode = Mode::Escape;
                }
                _ => {}
            },
            Mode::Csi(mut parameters) => match byte {
                0x20..=0x3f => {
                    parameters.push(byte);
                    self.mode = Mode::Csi(parameters);
                }
                b'~' if parameters == b"200" && self.bracketed => {
                    self.mode = Mode::Paste(Vec::new());
                }
                b'~' if parameters == b"24" => events.push(Event::F12),
                _ => {}
            },
            Mode::Ss3 => {}
            Mode::CtrlX if byte == 0x19 => events.push(Event::Chord),
            Mode::CtrlX => self.ground(byte, next, events),
            Mode::Paste(mut text) => {
                text.push(byte);
                if text.ends_with(b"\x1b[201~") {
                    text.truncate(text.len() - 6);
                    let text = String::from_utf8_lossy(&text).replace('\r', "\n");
                    events.push(Event::Paste(text));
                } else {
                    self.mode = Mode::Paste(text);
                }
            }
        }
    }

    fn ground(&mut self, byte: u8, next: Option<u8>, events: &mut Vec<Event>) {
        if byte >= 0x20 && byte != 0x7f || byte == b'\t' {
            self.partial.push(byte);
            return;
        }
        self.flush_text(events, false);
        match byte {
            b'\r' => events.push(Event::Enter {
                more: next.is_some_and(|next| next >= 0x20 && next != 0x7f),
            }),
            b'\n' => events.push(Event::LineFeed),
            0x1b => self.mode = Mode::Escape,
            0x18 => self.mode = Mode::CtrlX,
            0x03 => events.push(Event::CtrlC),
            0x13 => events.push(Event::CtrlS),
            0x15 => events.push(Event::CtrlU),
            0x08 | 0x7f => events.push(Event::Backspace),
            _ => {}
        }
    }

    /// Turns collected bytes into text; a character whose end has not been read yet may stay.
    fn flush_text(&mut self, events: &mut Vec<Event>, keep_partial: bool) {
        let whole = match std::str::from_utf8(&self.partial) {
            Err(error) if keep_partial && error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let text: Vec<u8> = self.partial.drain(..whole).collect();
        if !text.is_empty() {
            events.push(Event::Text(String::from_utf8_lossy(&text).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    #[test]
    fn a_paste_is_one_event_however_it_is_cut() {
        let bytes = "\u{1b}[200~a\rß\u{1F980}\u{1b}[201~\r".as_bytes();
        for cut in 1..bytes.len() {
            let mut parser = Parser::new(true);
            let mut events = parser.read(&bytes[..cut], 0);
            events.extend(parser.read(&bytes[cut..], 0));
            let paste = Event::Paste("a\nß\u{1F980}".to_owned());
            assert_eq!(events, [paste, Event::Enter { more: false }], "cut {cut}");
        }
    }

    #[test]
    fn without_brackets_every_carriage_return_is_enter() {
        let events = Parser::new(false).read(b"\x1b[200~a\rb\x1b[201~\r", 0);
        let expected = [
            text("a"),
            Event::Enter { more: true },
            text("b"),
            Event::Enter { more: false },
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn keys_are_told_apart_and_the_rest_is_ignored() {
        let mut parser = Parser::new(true);
        let events = parser.read(
            b"\x1b[A\x1bOP\x1b[24~\x18\x19\x18x\x15\x03\x7f\n\x01\x13",
            0,
        );
        let expected = [
            Event::F12,
            Event::Chord,
            text("x"),
            Event::CtrlU,
            Event::CtrlC,
            Event::Backspace,
            Event::LineFeed,
            Event::CtrlS,
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_character_split_across_reads_is_whole() {
        let mut parser = Parser::new(true);
        let crab = "\u{1F980}".as_bytes();
        assert_eq!(parser.read(&crab[..2], 0), []);
        assert_eq!(parser.read(&crab[2..], 0), [text("\u{1F980}")]);
    }

    #[test]
    fn escape_alone_is_a_key_after_a_while() {
        let mut parser = Parser::new(true);
        assert_eq!(parser.read(b"\x1b", 100), []);
        assert_eq!(parser.due(), Some(130));
        assert_eq!(parser.expire(129), None);
        assert_eq!(parser.expire(130), Some(Event::Escape));
        assert_eq!(parser.due(), None);
    }
}
