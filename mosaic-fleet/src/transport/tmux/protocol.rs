//! The lines of a control-mode connection: reply blocks and notifications, told apart. Pure.

/// The reply to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) ok: bool,
    pub(super) body: Vec<u8>,
}

impl Block {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim_end().to_owned()
    }

    /// A reply without words, as `if-shell` has one.
    pub(super) fn is_empty(&self) -> bool {
        self.ok && self.body.is_empty()
    }
}

/// What a line completes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A reply to a line of ours.
    Own(Block),
    /// A reply to the attach command or to somebody's hook.
    Foreign(Block),
    /// The client is on its session.
    Attached,
    /// Output of a pane, and what its program told the terminal with it.
    Output(Option<Told>),
    Lifecycle,
    Exit,
}

/// What a program tells its terminal about itself (OSC 7501, as Codex does).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// The number of its pane.
    pub(super) pane: u32,
    pub(super) state: ToldState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToldState {
    Working,
    Idle,
    Blocked,
}

/// The last such word in a line of output. One that is cut in two is not heard: the screen tells.
fn told(line: &[u8]) -> Option<Told> {
    const SEQUENCE: &str = "\\033]7501;state=";
    let text = std::str::from_utf8(line).ok()?;
    let (_, said) = text.rsplit_once(SEQUENCE)?;
    let end = said.find(|c: char| !c.is_ascii_lowercase())?;
    let pane = text.split(' ').nth(1)?.strip_prefix('%')?.parse().ok()?;
    let state = match &said[..end] {
        "working" => ToldState::Working,
        "idle" | "done" => ToldState::Idle,
        "blocked" => ToldState::Blocked,
        _ => return None,
    };
    Some(Told { pane, state })
}

/// Turns lines into items. `%` lines inside a block are data, and only the very tag that began it ends it.
#[derive(Debug, Default)]
pub(super) struct Parser {
    open: Option<(Vec<u8>, Vec<u8>)>,
}

impl Parser {
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Item> {
        if let Some((tag, body)) = &mut self.open {
            let ended = |kind: &[u8]| line.strip_prefix(kind) == Some(tag.as_slice());
            let ok = ended(b"%end ");
            if !ok && !ended(b"%error ") {
                body.extend_from_slice(line);
                body.push(b'\n');
                return None;
            }
            let own = tag.ends_with(b" 1");
            let body = std::mem::take(body);
            self.open = None;
            let block = Block { ok, body };
            return Some(if own {
                Item::Own(block)
            } else {
                Item::Foreign(block)
            });
        }
        if let Some(tag) = line.strip_prefix(b"%begin ") {
            self.open = Some((tag.to_vec(), Vec::new()));
            return None;
        }
        let word = line.split(|byte| *byte == b' ').next().unwrap_or(line);
        match word {
            b"%output" | b"%extended-output" => Some(Item::Output(told(line))),
            b"%pause" | b"%continue" => Some(Item::Output(None)),
            b"%session-changed" => Some(Item::Attached),
            b"%exit" => Some(Item::Exit),
            // Our own looks make and drop one from tmux 3.4 on: a waiter would wake itself by looking.
            b"%paste-buffer-changed" | b"%paste-buffer-deleted" => None,
            _ if word.starts_with(b"%") => Some(Item::Lifecycle),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(text: &str) -> Vec<Item> {
        let mut parser = Parser::default();
        text.lines()
            .filter_map(|line| parser.line(line.as_bytes()))
            .collect()
    }

    #[test]
    fn a_program_tells_its_terminal_how_it_is() {
        let said = |state| Some(Told { pane: 7, state });
        for (line, heard) in [
            (
                "%output %7 a\\033]7501;state=working:app=codex\\033\\134b",
                said(ToldState::Working),
            ),
            (
                "%extended-output %7 0 : \\033]7501;state=working\\033\\134\\033]7501;state=done\\007",
                said(ToldState::Idle),
            ),
            (
                "%output %7 \\033]7501;state=blocked:kind=permission\\033\\134",
                said(ToldState::Blocked),
            ),
            ("%output %7 ]7501;state=idle:", None),
            ("%output %7 \\033]7501;state=wor", None),
        ] {
            assert_eq!(items(line), [Item::Output(heard)], "{line}");
        }
    }

    #[test]
    fn percent_lines_inside_a_block_are_data() {
        let text = "%begin 1 2 1\n%output %1 x\n%end 1 2 0\n%begin 9 9 1\n%end 1 2 1\n%output %1 y";
        assert_eq!(
            items(text),
            [
                Item::Own(Block {
                    ok: true,
                    body: b"%output %1 x\n%end 1 2 0\n%begin 9 9 1\n".to_vec()
                }),
                Item::Output(None)
            ]
        );
    }

    #[test]
    fn replies_of_others_are_not_ours() {
        assert_eq!(
            items("%begin 1 2 0\n%error 1 2 0\n%session-changed $0 a\nnoise\n%exit"),
            [
                Item::Foreign(Block {
                    ok: false,
                    body: Vec::new()
                }),
                Item::Attached,
                Item::Exit
            ]
        );
    }

    #[test]
    fn what_our_own_looks_cause_is_no_event() {
        let buffers = "%paste-buffer-changed mosaic-x-1\n%paste-buffer-deleted mosaic-x-1";
        assert_eq!(items(buffers), []);
        assert_eq!(items("%sessions-changed"), [Item::Lifecycle]);
    }

    proptest! {
        #[test]
        fn no_line_panics_the_parser(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..40)) {
            let mut parser = Parser::default();
            for line in lines {
                parser.line(&line);
            }
        }
    }
}
