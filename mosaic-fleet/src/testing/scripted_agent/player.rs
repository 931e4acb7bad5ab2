//! The state machine: keys and time in, log entries and frames out. No clock, no terminal.

use std::collections::VecDeque;

use super::composer::Composer;
use super::faults::Random;
use super::input::{Event, Parser};
use super::log::{By, Entry};
use super::screen::{Painter, View};
use super::script::{Script, Style};

/// The exit code of a scripted crash.
pub(super) const CRASH: i32 = 9;

/// What is due later.
#[derive(Debug)]
pub(super) enum Action {
    Ready,
    EndTurn(u32),
    /// With the time after which the script denies it.
    OpenDialog(u64),
    CloseDialog(u32),
    /// The submit whose text is still shown.
    Unmerge(u32),
    HumanLeaves,
    ResetDone,
    Noise,
}

/// Plays one script.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) script: Script,
    pub(super) name: String,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) composer: Composer,
    /// What a submit left on the screen although it was taken.
    pub(super) stale: Option<String>,
    pub(super) starting: bool,
    pub(super) busy: Option<u32>,
    pub(super) dialog: Option<u32>,
    pub(super) queue: VecDeque<(u32, String)>,
    /// Box style: all that was said, as (prefix, text).
    pub(super) conversation: Vec<(&'static str, String)>,
    /// Line style, and before the first box: what was said since the last view.
    pub(super) printed: Vec<String>,
    pub(super) clear: bool,
    pub(super) noise: u64,
    /// Ctrl-C was pressed on an empty composer.
    pub(super) leaving: bool,
    pub(super) pastes: u32,

    parser: Parser,
    painter: Painter,
    pub(super) random: Random,
    timers: Vec<(u64, Action)>,
    views: VecDeque<(u64, View)>,
    latest: View,
    pub(super) log: Vec<Entry>,
    out: String,
    exit: Option<i32>,
    ready_logged: bool,
    echo_seen: bool,

    /// Line style: keys typed during a turn, as a terminal keeps them for the next prompt.
    pub(super) held: VecDeque<Event>,
    /// The draft that C-s put away.
    pub(super) stash: Option<String>,
    /// What the running turn will say at its end.
    pub(super) reply: Vec<String>,
    pub(super) takes: u32,
    pub(super) submits: u32,
    pub(super) dialogs: u32,
    /// Texts that saw their first submit key, and whether this one has.
    pub(super) firsts: u32,
    pub(super) first_tried: bool,
    pub(super) swallow_left: u32,
    pub(super) deaf_keys: u32,
    pub(super) newline_until: u64,
    pub(super) lost_until: u64,
    /// Faults of the last paste: its redraw, its turn, a person who types after this read.
    pub(super) lag: Option<u64>,
    pub(super) next_turn_ms: Option<u64>,
    pub(super) human_waits: bool,
}

impl Player {
    pub(super) fn new(script: Script, name: String, columns: usize, rows: usize, now: u64) -> Self {
        let mut player = Player {
            columns,
            rows,
            composer: Composer::default(),
            stale: None,
            starting: true,
            busy: None,
            dialog: None,
            queue: VecDeque::new(),
            conversation: Vec::new(),
            printed: Vec::new(),
            clear: false,
            noise: 0,
            leaving: false,
            pastes: 0,
            parser: Parser::new(script.bracketed),
            painter: Painter::new(script.style, columns, rows),
            random: Random::new(script.seed, &name),
            timers: vec![(now + script.startup_ms, Action::Ready)],
            views: VecDeque::new(),
            latest: View::default(),
            log: Vec::new(),
            out: String::new(),
            exit: None,
            held: VecDeque::new(),
            stash: None,
            reply: Vec::new(),
            ready_logged: false,
            echo_seen: false,
            takes: 0,
            submits: 0,
            dialogs: 0,
            firsts: 0,
            first_tried: false,
            swallow_left: script.swallow_enters,
            deaf_keys: script.dialog_deaf_keys,
            newline_until: 0,
            lost_until: 0,
            lag: None,
            next_turn_ms: None,
            human_waits: false,
            script,
            name,
        };
        player.log.push(Entry::Started {
            name: player.name.clone(),
            pid: std::process::id(),
        });
        if player.script.alternate_screen {
            player.out.push_str("\x1b[?1049h");
        }
        for line in 1..=player.script.print_flood_lines {
            player.printed.push(format!("flood {line}"));
        }
        player.composer.push(&player.script.draft);
        if player.script.noise_ms > 0 {
            player.later(now, player.script.noise_ms, Action::Noise);
        }
        player.settle(now);
        player
    }

    /// One read of the terminal.
    pub(super) fn input(&mut self, bytes: &[u8], now: u64) {
        self.settle(now);
        let events = self.parser.read(bytes, now);
        for event in events {
            self.handle(event, now);
        }
        if std::mem::take(&mut self.human_waits) {
            self.composer.human_types(" hm, wait");
            let stays = self.random.between(30, 150);
            self.later(now, stays, Action::HumanLeaves);
        }
        self.settle(now);
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, columns: usize, rows: usize, now: u64) {
        (self.columns, self.rows) = (columns, rows);
        self.painter.resize(columns, rows);
        self.noise += 1;
        self.settle(now);
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: u64) {
        if let Some(event) = self.parser.expire(now) {
            self.handle(event, now);
        }
        self.settle(now);
    }

    /// When `tick` has something to do.
    pub(super) fn next_due(&self) -> Option<u64> {
        let timers = self.timers.iter().map(|(due, _)| *due);
        let view = self.views.front().map(|(due, _)| *due);
        timers.chain(view).chain(self.parser.due()).min()
    }

    /// Log entries since the last call. Write them before the output: nobody may see an effect
    /// that the log does not know.
    pub(super) fn take_log(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.log)
    }

    /// Output since the last call.
    pub(super) fn take_output(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    pub(super) fn exit_code(&self) -> Option<i32> {
        self.exit
    }

    /// The terminal is gone.
    pub(super) fn hang_up(&mut self) {
        self.exit(129);
    }

    pub(super) fn later(&mut self, now: u64, after: u64, action: Action) {
        let due = now.saturating_add(after);
        let at = self.timers.partition_point(|(other, _)| *other <= due);
        self.timers.insert(at, (due, action));
    }

    /// Runs timers and paints views until nothing is due any more.
    fn settle(&mut self, now: u64) {
        while self.exit.is_none() {
            while let Some((due, _)) = self.timers.first()
                && *due <= now
                && self.exit.is_none()
            {
                let (_, action) = self.timers.remove(0);
                self.act(action, now);
            }
            self.snapshot(now);
            while let Some((due, _)) = self.views.front()
                && *due <= now
                && let Some((_, view)) = self.views.pop_front()
            {
                self.paint(view, now);
            }
            if self.timers.first().is_none_or(|(due, _)| *due > now) {
                break;
            }
        }
    }

    fn act(&mut self, action: Action, now: u64) {
        match action {
            Action::Ready => self.ready(now),
            Action::EndTurn(seq) if self.busy == Some(seq) => self.end_turn(now, false),
            Action::OpenDialog(closes) => self.open_dialog(now, closes),
            Action::CloseDialog(id) if self.dialog == Some(id) => self.answer(2, By::Script, now),
            Action::Unmerge(submit) if self.submits == submit => self.stale = None,
            Action::EndTurn(_) | Action::CloseDialog(_) | Action::Unmerge(_) => {}
            Action::HumanLeaves => self.composer.human_leaves(),
            Action::ResetDone => {
                self.log.push(Entry::ResetDone);
                self.say("", "✓ New session started".to_owned());
            }
            Action::Noise => {
                self.noise += 1;
                self.later(now, self.script.noise_ms, Action::Noise);
            }
        }
    }

    fn snapshot(&mut self, now: u64) {
        let view = self.view();
        let known = View {
            printed: Vec::new(),
            clear: false,
            ..self.latest.clone()
        };
        if view != known {
            let lag = self.lag.unwrap_or(self.script.redraw_ms);
            let earliest = self.views.back().map_or(0, |(due, _)| *due);
            self.views
                .push_back((earliest.max(now.saturating_add(lag)), view.clone()));
            self.latest = view;
        }
    }

    fn paint(&mut self, view: View, now: u64) {
        if view.composer && !self.ready_logged {
            self.ready_logged = true;
            self.log.push(Entry::Ready);
        }
        if view.pastes > 0
            && !self.echo_seen
            && let Some(after) = self.script.dialog_on_echo_ms
        {
            self.later(now, after, Action::OpenDialog(0));
        }
        self.echo_seen |= view.pastes > 0;
        self.painter.paint(view, &mut self.out);
    }

    fn ready(&mut self, now: u64) {
        self.starting = false;
        if self.script.banner {
            self.say("", format!("demo agent {} ready", self.name));
        }
        if self.script.busy_at_start_ms > 0 {
            self.busy = Some(0);
            self.log.push(Entry::Began { seq: 0 });
            self.later(now, self.script.busy_at_start_ms, Action::EndTurn(0));
        }
        if self.script.dialog_at_start {
            self.open_dialog(now, 0);
        }
    }

    fn handle(&mut self, event: Event, now: u64) {
        if self.exit.is_some() {
            return;
        }
        if self.starting {
            return self.before_ready(event);
        }
        if self.dialog.is_some() {
            return self.dialog_key(event, now);
        }
        let interrupts = match event {
            Event::Escape => true,
            Event::CtrlC => self.composer.text().is_empty(),
            _ => false,
        };
        if interrupts && self.busy.is_some() {
            self.held.clear();
            return self.end_turn(now, true);
        }
        if self.script.style == Style::Line && self.busy.is_some() {
            return self.held.push_back(event);
        }
        self.edit(event, now);
    }

    /// Gives the next prompt what was typed before it was there.
    pub(super) fn replay(&mut self, now: u64) {
        while self.busy.is_none()
            && self.dialog.is_none()
            && let Some(event) = self.held.pop_front()
        {
            self.handle(event, now);
        }
    }

    pub(super) fn exit(&mut self, code: i32) {
        self.exit = Some(code);
        self.log.push(Entry::Exited { code });
        if code != CRASH {
            let now = self.views.back().map_or(0, |(due, _)| *due);
            self.snapshot(now);
            while let Some((_, view)) = self.views.pop_front() {
                self.painter.paint(view, &mut self.out);
            }
            self.painter.finish(&mut self.out);
            if self.script.alternate_screen {
                self.out.push_str("\x1b[?1049l");
            }
        }
    }
}
