//! What an agent shows: the screen and the lines above it, from a cursor on.
//!
//! A cursor is a place and the hashes of the lines before it. Lines that a program rewrites at the
//! bottom (a composer, a spinner) are told again; where the lines before the place cannot be found
//! any more, the answer says that there is a gap.

use std::ops::Range;

use tokio::time::Instant;

use super::Inner;
use super::command::{CommandList, command};
use super::control::{Control, within};
use super::error::TmuxError;
use super::mark::{ANCHORS, Mark, hash};
use super::open::OpenPane;
use super::screen::{Capture, capture_commands, captured};
use super::target::{find, list_panes, pane_of, rows};
use crate::agent::AgentName;
use crate::error::Result;
use crate::options::{Tail, TailOptions};

/// What is read of a pane besides its text.
const FIELDS: &str = "#{pane_id}\t#{pid}\t#{start_time}\t#{history_size}\t#{history_limit}\t\
                      #{pane_height}\t#{alternate_on}\t#{session_windows}\t#{window_panes}\t#{@mosaic_agent}";

/// A pane's text at one moment.
struct Text {
    /// Server, its start, and the pane: a cursor of another one is another's.
    place: String,
    /// How many lines have scrolled out of sight.
    history: usize,
    /// Lines are thrown away at the top.
    full: bool,
    alternate: bool,
    /// The pane is the only one of its session.
    alone: bool,
    /// The agent that was started in it.
    agent: String,
    /// How many of `lines` are above the screen.
    above: usize,
    shown: String,
    /// Where the lines are in `shown`, without the blanks at their ends.
    lines: Vec<Range<usize>>,
}

impl Text {
    fn lines(&self, which: Range<usize>) -> impl DoubleEndedIterator<Item = &str> {
        let places = self.lines.get(which).unwrap_or_default();
        places.iter().map(|place| &self.shown[place.clone()])
    }
}

/// Where the lines of a text are.
fn places(shown: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let place = |line: &str| {
        let place = start..start + line.trim_end().len();
        start += line.len();
        place
    };
    shown.split_inclusive('\n').map(place).collect()
}

pub(super) async fn tail(inner: &Inner, name: &AgentName, options: &TailOptions) -> Result<Tail> {
    let deadline = within(options.timeout);
    let mark = options.cursor.as_ref().map(Mark::read).transpose()?;
    let Some((wait, mark)) = options.wait.zip(mark.as_ref()) else {
        let text = text_once(inner, name, options, mark.as_ref(), deadline).await?;
        return Ok(piece(&text, mark.as_ref(), options.lines));
    };
    let pane = OpenPane::agent(inner, name, deadline).await?;
    let tail = grown(&pane, mark, options, within(wait)).await;
    inner.put_back(pane).await;
    match tail {
        // Its session was closed or made anew: whatever is there now is the answer.
        Err(TmuxError::NoSession(_) | TmuxError::Lost) => {
            let deadline = within(super::STEP);
            let text = text_once(inner, name, options, Some(mark), deadline).await?;
            Ok(piece(&text, Some(mark), options.lines))
        }
        tail => Ok(tail?),
    }
}

/// Watches a pane until there is something after the mark.
async fn grown(
    pane: &OpenPane,
    mark: &Mark,
    options: &TailOptions,
    limit: Instant,
) -> Result<Tail, TmuxError> {
    let target = pane.row.identity.target();
    let mut end = pane.programs().end_of(&pane.row.identity);
    // Mostly little has come: what is near is enough, if it tells all that is new.
    let mut reach = NEAR;
    loop {
        let seen = pane.control.events();
        let deadline = limit + super::STEP;
        let text = text_over(
            &pane.control,
            pane.capture,
            &target,
            options.escapes,
            reach,
            deadline,
        )
        .await?;
        let tail = piece(&text, Some(mark), options.lines);
        if reach == NEAR && (tail.gap || text.full || text.alternate) {
            reach = EVERYTHING;
            continue;
        }
        if tail.gap || !tail.lines.is_empty() || Instant::now() >= limit {
            return Ok(tail);
        }
        tokio::select! {
            _ = pane.control.changed(seen, limit) => {}
            () = end.wait() => {}
        }
    }
}

async fn text_once(
    inner: &Inner,
    name: &AgentName,
    options: &TailOptions,
    mark: Option<&Mark>,
    deadline: Instant,
) -> Result<Text> {
    let found = match inner.lasting_control(deadline).await? {
        Some((control, capture)) => {
            text_of_name(&control, capture, name, options, mark, deadline).await
        }
        None => text_of_process(inner, name, options, mark, deadline).await,
    };
    match found {
        Err(TmuxError::NoSession(_)) => Err(inner.unknown_agent(name, deadline).await),
        found => Ok(found?),
    }
}

/// More lines than any history has.
const EVERYTHING: usize = i32::MAX as usize;

/// How many lines above the screen are read where little is expected.
const NEAR: usize = 500;

/// How many lines above the screen are read.
fn reach(options: &TailOptions, mark: Option<&Mark>) -> usize {
    match mark {
        // A place is counted from the start of the history: read it all, it is cheap enough.
        Some(_) => EVERYTHING,
        None => options.lines.min(EVERYTHING),
    }
}

/// By the agent's whole name, in one round trip; by ids where its session has several panes.
async fn text_of_name(
    control: &Control,
    capture: Capture,
    name: &AgentName,
    options: &TailOptions,
    mark: Option<&Mark>,
    deadline: Instant,
) -> Result<Text, TmuxError> {
    let target = format!("={name}:");
    let reach = reach(options, mark);
    let escapes = options.escapes;
    let read = text_over(control, capture, &target, escapes, reach, deadline);
    match read.await {
        Ok(text) if text.alone || text.agent == name.as_str() => Ok(text),
        // Its own pane, or the words for a session that is not there.
        _ => {
            let row = find(control, name, deadline).await?;
            let target = row.identity.target();
            text_over(control, capture, &target, escapes, reach, deadline).await
        }
    }
}

async fn text_over(
    control: &Control,
    capture: Capture,
    target: &str,
    escapes: bool,
    history: usize,
    deadline: Instant,
) -> Result<Text, TmuxError> {
    let mut commands = vec![command!["display-message", "-p", "-t", target, FIELDS]];
    commands.extend(capture_commands(control, capture, target, history, escapes));
    let list = CommandList::new(commands);
    let blocks = capture.request(control, &[list], deadline).await?;
    let gone = || TmuxError::NoSession(target.to_owned());
    let (fields, rest) = blocks.split_first().ok_or_else(gone)?;
    let bytes = captured(capture, rest).ok_or_else(gone)?;
    text(&fields.text(), bytes, history).ok_or_else(gone)
}

/// In one process, by the agent's whole name; by ids where its session has several panes.
async fn text_of_process(
    inner: &Inner,
    name: &AgentName,
    options: &TailOptions,
    mark: Option<&Mark>,
    deadline: Instant,
) -> Result<Text, TmuxError> {
    let history = reach(options, mark);
    let left = || deadline.saturating_duration_since(Instant::now());
    let read = |target: String| {
        let mut capture = command![
            "capture-pane",
            "-p",
            "-t",
            &target,
            "-S",
            format!("-{history}")
        ];
        if options.escapes {
            capture = capture.word("-e");
        }
        CommandList::new([
            command!["display-message", "-p", "-t", target, FIELDS],
            capture,
        ])
    };
    let split = |mut output: Vec<u8>| {
        let end = output.iter().position(|byte| *byte == b'\n')?;
        let fields = String::from_utf8_lossy(&output[..end]).into_owned();
        output.drain(..=end);
        Some((fields, output))
    };
    let gone = || TmuxError::NoSession(name.to_string());
    let not_there = |error| match error {
        TmuxError::Refused(words) if words.contains("can't find") => gone(),
        error => error,
    };
    let output = inner.server.run(&read(format!("={name}:")), left()).await;
    let (fields, bytes) = split(output.map_err(not_there)?).ok_or_else(gone)?;
    let found = text(&fields, bytes, history).ok_or_else(gone)?;
    if found.alone || found.agent == name.as_str() {
        return Ok(found);
    }
    let listed = CommandList::new([list_panes(None)]);
    let rows = rows(&inner.server.run(&listed, left()).await?);
    let row = pane_of(&rows, name.as_str()).ok_or_else(gone)?;
    let output = inner.server.run(&read(row.identity.target()), left()).await;
    let (fields, bytes) = split(output.map_err(not_there)?).ok_or_else(gone)?;
    text(&fields, bytes, history).ok_or_else(gone)
}

fn text(fields: &str, bytes: Vec<u8>, asked: usize) -> Option<Text> {
    let mut fields = fields.split('\t');
    let pane = fields.next()?;
    if pane.is_empty() {
        return None;
    }
    let (server, started) = (fields.next()?, fields.next()?);
    let place = format!("{server}.{started}.{}", pane.trim_start_matches('%'));
    let history: usize = fields.next()?.parse().ok()?;
    let limit: usize = fields.next()?.parse().ok()?;
    let _height = fields.next()?;
    let alternate = fields.next()? == "1";
    let (windows, panes) = (fields.next()?, fields.next()?);
    let agent = fields.next().unwrap_or_default().to_owned();
    let shown = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Some(Text {
        place,
        history,
        // tmux throws away a tenth when the limit is reached.
        full: history + limit / 10 + 1 >= limit,
        alternate,
        alone: windows == "1" && panes == "1",
        agent,
        above: history.min(asked),
        lines: places(&shown),
        shown,
    })
}

/// The lines to tell, and the cursor after them.
fn piece(text: &Text, mark: Option<&Mark>, most: usize) -> Tail {
    let blank = |line: &&Range<usize>| line.is_empty();
    let end = text.lines.len() - text.lines.iter().rev().take_while(blank).count();
    let first = text.history - text.above;
    let (start, lost) = match mark {
        None => (end.saturating_sub(most), false),
        Some(mark) => match resume(text, mark, end, first) {
            Some(start) => (start, false),
            None => (end.saturating_sub(most), true),
        },
    };
    // After a cursor the oldest come first: whoever goes on reading loses nothing.
    let stop = if mark.is_some() {
        end.min(start + most)
    } else {
        end
    };
    let lines = text.lines(start..stop).map(str::to_owned).collect();
    let last = text.lines(stop.saturating_sub(ANCHORS)..stop);
    let anchors = last.map(hash).collect();
    let next = Mark {
        place: text.place.clone(),
        next: first + stop,
        anchors,
    };
    Tail::new(lines, Some(next.written()), lost)
}

/// Where the lines after a mark begin, if the lines before it are found.
fn resume(text: &Text, mark: &Mark, end: usize, first: usize) -> Option<usize> {
    if mark.place != text.place {
        return None;
    }
    if mark.anchors.is_empty() {
        return (first == 0 && mark.next == 0).then_some(0);
    }
    let hashes: Vec<u32> = text.lines(0..end).map(hash).collect();
    let matches_at =
        |start: usize, anchors: &[u32]| hashes.get(start..start + anchors.len()) == Some(anchors);
    let expected = mark
        .next
        .checked_sub(first + mark.anchors.len())
        .filter(|_| !text.full);
    for length in (1..=mark.anchors.len()).rev() {
        let anchors = &mark.anchors[..length];
        if let Some(start) = expected.filter(|start| matches_at(*start, anchors)) {
            return Some(start + length);
        }
        // Elsewhere only several lines are a proof, and in a program that redraws its whole screen
        // lines may have come and gone in between.
        let elsewhere = (0..hashes.len().saturating_sub(length - 1))
            .rev()
            .find(|start| length >= 2 && matches_at(*start, anchors));
        if let Some(start) = elsewhere.filter(|_| text.full || text.alternate || text.history == 0)
        {
            return Some(start + length);
        }
    }
    // Nothing but a prompt was told, and it goes on: the output is still whole from its first line.
    (mark.next <= 1 && first == 0 && !text.full).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(lines: &[&str], history: usize) -> Text {
        Text {
            place: "1.2.3".to_owned(),
            history,
            full: false,
            alternate: false,
            alone: true,
            agent: String::new(),
            above: history,
            lines: places(&lines.join("\n")),
            shown: lines.join("\n"),
        }
    }

    fn mark(tail: &Tail) -> Mark {
        Mark::read(tail.next.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn a_cursor_goes_on_where_the_last_piece_ended() {
        let first = piece(&shown(&["a", "b", "", ""], 0), None, 80);
        assert_eq!(first.lines, ["a", "b"]);
        let second = piece(
            &shown(&["a", "b", "c", "d", ""], 1),
            Some(&mark(&first)),
            80,
        );
        assert_eq!(
            (second.lines.as_slice(), second.gap),
            (["c".to_owned(), "d".to_owned()].as_slice(), false)
        );
        let third = piece(&shown(&["a", "b", "c", "d"], 1), Some(&mark(&second)), 80);
        assert!(third.lines.is_empty() && !third.gap);
    }

    #[test]
    fn a_rewritten_last_line_is_told_again() {
        let first = piece(&shown(&["a", "$ "], 0), None, 80);
        let second = piece(&shown(&["a", "$ ls", "x"], 0), Some(&mark(&first)), 80);
        assert_eq!(second.lines, ["$ ls", "x"]);
    }

    #[test]
    fn a_lone_prompt_that_goes_on_is_no_gap() {
        let first = piece(&shown(&["$ "], 0), None, 80);
        let second = piece(&shown(&["$ ls", "x"], 0), Some(&mark(&first)), 80);
        assert_eq!((second.lines.len(), second.gap), (2, false));
    }

    #[test]
    fn lines_put_in_above_a_composer_are_told_once() {
        let before = ["1", "2", "3", "---", ">", "---"];
        let after = ["2", "3", "new", "---", ">", "---"];
        let first = piece(&shown(&before, 0), None, 80);
        let second = piece(&shown(&after, 0), Some(&mark(&first)), 80);
        assert_eq!(second.lines.iter().filter(|line| *line == "new").count(), 1);
    }

    #[test]
    fn what_cannot_be_found_is_a_gap() {
        let first = piece(&shown(&["a", "b"], 0), None, 80);
        let second = piece(&shown(&["x", "y"], 40), Some(&mark(&first)), 80);
        assert!(second.gap);
        let mut other = shown(&["a", "b"], 0);
        other.place = "9.9.9".to_owned();
        assert!(piece(&other, Some(&mark(&first)), 80).gap);
    }

    #[test]
    fn a_limit_after_a_cursor_loses_nothing() {
        let first = piece(&shown(&["0"], 0), None, 80);
        let text = shown(&["0", "1", "2", "3"], 0);
        let second = piece(&text, Some(&mark(&first)), 2);
        let third = piece(&text, Some(&mark(&second)), 2);
        assert_eq!(
            (second.lines.concat(), third.lines.concat()),
            ("12".to_owned(), "3".to_owned())
        );
    }

    proptest! {
        #[test]
        fn growing_output_is_told_whole(lines in proptest::collection::vec("[a-c]{0,2}x", 1..40), cuts in proptest::collection::vec(1usize..40, 0..6)) {
            let mut told: Vec<String> = Vec::new();
            let mut last: Option<Mark> = None;
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(lines.len())).collect();
            ends.push(lines.len());
            ends.sort_unstable();
            for end in ends {
                let refs: Vec<&str> = lines[..end].iter().map(String::as_str).collect();
                let tail = piece(&shown(&refs, end), last.as_ref(), 100);
                prop_assert!(!tail.gap);
                told.extend(tail.lines.clone());
                last = Some(mark(&tail));
            }
            prop_assert_eq!(told, lines);
        }
    }
}
