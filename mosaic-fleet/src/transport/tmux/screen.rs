//! Looking at panes: fields and screen together, in one atomic list a pane.

use tokio::time::Instant;

use super::command::{Command, CommandList, command, unescaped};
use super::control::Control;
use super::error::TmuxError;
use super::protocol::Block;
use super::target::Identity;
use crate::agent::ExitStatus;
use crate::runtime::Screen;

/// What a pane was at one moment.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// The program has ended.
    pub(super) dead: bool,
    pub(super) exit: ExitStatus,
    /// A person reads in a mode that takes the keys.
    pub(super) in_mode: bool,
    /// Keys typed to the pane are dropped.
    pub(super) input_off: bool,
    /// Lines that have scrolled out of sight.
    pub(super) history: u64,
    /// The hash of a text of ours that was pasted and not seen submitted.
    pub(super) pasted: String,
    /// What is in the foreground, by tmux's word; only asked where nothing knows better.
    pub(super) front: String,
    pub(super) screen: Screen,
}

const FIELDS: [&str; 15] = [
    "pane_id",
    "pid",
    "pane_pid",
    "pane_dead",
    "pane_dead_status",
    "pane_dead_signal",
    "pane_in_mode",
    "pane_input_off",
    "pane_width",
    "cursor_x",
    "cursor_y",
    "history_size",
    "@mosaic_pasted",
    FRONT,
    "pane_title",
];

/// It costs tmux a look at the processes of each pane.
const FRONT: &str = "pane_current_command";

/// The start of the line of fields, which no other reply of a look begins with.
const MARK: &str = "mosaic-look";

/// How a connection reads a screen: before tmux 3.6 `capture-pane -p` leaks its text in the server
/// when it is asked over a control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture {
    Printed,
    ThroughBuffer,
}

impl Capture {
    /// What a server of this version needs.
    pub(super) fn for_version(version: &str) -> Self {
        let mut numbers = version
            .trim_start_matches("next-")
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse::<u32>().ok());
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version >= (3, 6) {
            Capture::Printed
        } else {
            Capture::ThroughBuffer
        }
    }

    /// Asks for what [`capture_commands`] are a part of.
    pub(super) async fn request(
        self,
        control: &Control,
        lists: &[CommandList],
        deadline: Instant,
    ) -> Result<Vec<Block>, TmuxError> {
        match self {
            Capture::Printed => control.request(lists, deadline).await,
            Capture::ThroughBuffer => control.request_quietly(lists, deadline).await,
        }
    }
}

/// The commands of one look, with `history` lines above the screen.
pub(super) fn look_list(
    control: &Control,
    capture: Capture,
    target: &str,
    history: usize,
) -> CommandList {
    let here = control.server().config.remote.is_none();
    let field = |field: &&str| match *field {
        FRONT if here => String::new(),
        field => format!("#{{{field}}}"),
    };
    let fields: Vec<String> = FIELDS.iter().map(field).collect();
    let format = format!("{MARK}\t{}", fields.join("\t"));
    let mut commands = vec![command!["display-message", "-p", "-t", target, format]];
    commands.extend(capture_commands(control, capture, target, history, true));
    CommandList::new(commands)
}

/// The commands that read a pane's text. Their last-but-one reply (or only one) has it.
pub(super) fn capture_commands(
    control: &Control,
    capture: Capture,
    target: &str,
    history: usize,
    attributes: bool,
) -> Vec<Command> {
    let start = if history == 0 {
        "0".to_owned()
    } else {
        format!("-{history}")
    };
    let mut words = command!["capture-pane", "-t", target, "-S", start];
    if attributes {
        words = words.word("-e");
    }
    match capture {
        Capture::Printed => vec![words.word("-p")],
        Capture::ThroughBuffer => {
            let buffer = control.unique();
            vec![
                words.word("-C").word("-b").word(&buffer),
                command!["set-buffer", "-a", "-b", &buffer, "--", TAIL],
                command!["show-buffer", "-b", &buffer],
                command!["delete-buffer", "-b", &buffer],
            ]
        }
    }
}

/// What is put behind a text in a buffer, and cannot be in it. tmux 3.3a spells what is not printable,
/// and a backslash, when it shows a buffer on a control connection; 3.5a shows it as it is, and goes on
/// behind the buffer's end with whatever lies there (both seen).
const TAIL: &str = "\x01\\\x01";

/// The text of a buffer that `capture-pane -C` has filled, as `show-buffer` shows it.
fn shown(body: &[u8]) -> Option<Vec<u8>> {
    if let Some(end) = body
        .windows(TAIL.len())
        .position(|at| at == TAIL.as_bytes())
    {
        return Some(unescaped(&body[..end]));
    }
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let text = body.strip_suffix(b"\\001\\\\\\001")?;
    Some(unescaped(&unescaped(text)))
}

/// The text in the replies of [`capture_commands`].
pub(super) fn captured(capture: Capture, blocks: &[Block]) -> Option<Vec<u8>> {
    match (capture, blocks) {
        (Capture::Printed, [text, ..]) if text.ok => Some(text.body.clone()),
        (Capture::ThroughBuffer, [taken, _, text, ..]) if taken.ok && text.ok => shown(&text.body),
        _ => None,
    }
}

/// Splits the replies of several looks; each begins with its line of fields.
pub(super) fn split_looks(blocks: &[Block]) -> Vec<&[Block]> {
    let mark = format!("{MARK}\t");
    let starts: Vec<usize> = blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.body.starts_with(mark.as_bytes()))
        .map(|(at, _)| at)
        .collect();
    starts
        .iter()
        .enumerate()
        .map(|(number, start)| {
            let end = starts.get(number + 1).copied().unwrap_or(blocks.len());
            &blocks[*start..end]
        })
        .collect()
}

/// The id of the pane that a look is of.
pub(super) fn pane_of_look(blocks: &[Block]) -> Option<&str> {
    let id = blocks.first()?.body.split(|byte| *byte == b'\t').nth(1)?;
    std::str::from_utf8(id).ok()
}

/// Reads one look's replies. Nothing when the pane is gone or is another one.
pub(super) fn read_look(
    identity: &Identity,
    capture: Capture,
    blocks: &[Block],
    history: usize,
) -> Option<Look> {
    let line = blocks.first()?.text();
    let mut fields = line.splitn(FIELDS.len() + 1, '\t').skip(1);
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let (pane_id, server, pane_pid) = (next(), next(), next());
    if pane_id != identity.pane_id
        || server != identity.server.to_string()
        || pane_pid != identity.pane_pid.to_string()
    {
        return None;
    }
    let dead = next() == "1";
    let exit = ExitStatus::new(next().parse().ok(), next().parse().ok());
    let in_mode = !matches!(next().as_str(), "" | "0");
    let input_off = next() == "1";
    let width = next().parse().unwrap_or(80);
    let column = next().parse().unwrap_or(0);
    let row: usize = next().parse().unwrap_or(0);
    let history_size: u64 = next().parse().unwrap_or(0);
    let pasted = next();
    let front = next();
    let title = next();
    let text = captured(capture, &blocks[1..])?;
    let above = usize::try_from(history_size)
        .unwrap_or(usize::MAX)
        .min(history);
    let screen = Screen::parse(&text, width, (row + above, column), &title);
    Some(Look {
        dead,
        exit,
        in_mode,
        input_off,
        history: history_size,
        pasted,
        front,
        screen,
    })
}

/// Looks at one pane.
pub(super) async fn look(
    control: &Control,
    capture: Capture,
    identity: &Identity,
    history: usize,
    deadline: Instant,
) -> Result<Look, TmuxError> {
    let list = look_list(control, capture, &identity.target(), history);
    let blocks = capture.request(control, &[list], deadline).await?;
    read_look(identity, capture, &blocks, history)
        .ok_or_else(|| TmuxError::NoSession(identity.session.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_read_up_to_its_end_however_backslashes_are_spelt() {
        let screen = b"a \\ b \x1b[1mc\n";
        for body in [
            &b"a \\\\\\\\ b \\\\033[1mc\n\\001\\\\\\001\n"[..],
            b"a \\\\ b \\033[1mc\n\x01\\\x01 and what lies behind \x01\\\x01\n",
        ] {
            assert_eq!(shown(body).as_deref(), Some(&screen[..]));
        }
        assert_eq!(shown(b"\x01\\\x01").as_deref(), Some(&b""[..]), "blank");
        for broken in [&b""[..], b"a", b"a \\\\", b"a \\001", b"\x01\\"] {
            assert_eq!(shown(broken), None);
        }
    }

    #[test]
    fn old_servers_are_read_through_a_buffer() {
        for (version, capture) in [
            ("3.2a", Capture::ThroughBuffer),
            ("3.3a", Capture::ThroughBuffer),
            ("3.5a", Capture::ThroughBuffer),
            ("3.6b", Capture::Printed),
            ("3.7c", Capture::Printed),
            ("next-3.8", Capture::Printed),
            ("", Capture::ThroughBuffer),
        ] {
            assert_eq!(Capture::for_version(version), capture, "{version}");
        }
    }
}
