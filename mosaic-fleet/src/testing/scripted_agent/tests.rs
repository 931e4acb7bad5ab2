//! Each style and each vice, played without a terminal and looked at through one.

use std::num::NonZero;

use super::log::{By, Entry};
use super::player::Player;
use super::script::{Script, Style, SubmitKey};

/// A player, the terminal it draws on, and all it logged.
struct Stage {
    player: Player,
    terminal: vt100::Parser,
    raw: String,
    log: Vec<Entry>,
}

impl Stage {
    fn new(script: Script) -> Self {
        Stage::sized(script, 40, 12)
    }

    fn sized(script: Script, columns: u16, rows: u16) -> Self {
        let player = Player::new(script, "ada".to_owned(), columns.into(), rows.into(), 0);
        let terminal = vt100::Parser::new(cells(rows), cells(columns), 1000);
        let mut stage = Stage {
            player,
            terminal,
            raw: String::new(),
            log: Vec::new(),
        };
        stage.collect();
        stage
    }

    fn collect(&mut self) {
        self.log.extend(self.player.take_log());
        let out = self.player.take_output();
        self.terminal.process(out.as_bytes());
        self.raw.push_str(&out);
    }

    fn send(&mut self, now: u64, bytes: &str) -> &mut Self {
        self.player.input(bytes.as_bytes(), now);
        self.collect();
        self
    }

    fn paste(&mut self, now: u64, text: &str) -> &mut Self {
        let text = text.replace('\n', "\r");
        self.send(now, &format!("\x1b[200~{text}\x1b[201~"))
    }

    fn tick(&mut self, now: u64) -> &mut Self {
        self.player.tick(now);
        self.collect();
        self
    }

    fn screen(&self) -> String {
        let contents = self.terminal.screen().contents();
        let rows: Vec<&str> = contents.lines().map(str::trim_end).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// Everything, with what scrolled away.
    fn history(&mut self) -> String {
        let mut lines = Vec::new();
        self.terminal.screen_mut().set_scrollback(usize::MAX);
        let mut back = self.terminal.screen().scrollback();
        while back > 0 {
            self.terminal.screen_mut().set_scrollback(back);
            lines.extend(self.terminal.screen().rows(0, 200).next());
            back -= 1;
        }
        self.terminal.screen_mut().set_scrollback(0);
        lines.push(self.screen());
        lines.join("\n")
    }

    fn took(&self) -> Vec<&str> {
        let mut took = Vec::new();
        for entry in &self.log {
            if let Entry::Took { text, .. } = entry {
                took.push(text.as_str());
            }
        }
        took
    }

    fn logged(&self, entry: &Entry) -> bool {
        self.log.contains(entry)
    }

    fn key(&self, name: &str, why: &str) -> bool {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.logged(&Entry::Key { name, why })
    }
}

fn line(change: impl FnOnce(&mut Script)) -> Stage {
    let mut script = Script::new();
    script.banner = false;
    change(&mut script);
    Stage::new(script)
}

fn boxed(change: impl FnOnce(&mut Script)) -> Stage {
    let mut script = Script::boxed();
    script.banner = false;
    change(&mut script);
    Stage::new(script)
}

fn answered(choice: u8, by: By) -> Entry {
    Entry::DialogAnswered { choice, by }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

fn rule() -> String {
    "─".repeat(40)
}

#[test]
fn a_script_is_read_with_defaults_and_refuses_what_it_does_not_know() {
    let script: Script = serde_json::from_str(r#"{"style":"box","busy_ms":5}"#).unwrap();
    assert_eq!((script.style, script.busy_ms), (Style::Box, 5));
    assert!(script.bracketed);
    let again: Script = serde_json::from_str(&script.to_json()).unwrap();
    assert_eq!(again, script);
    assert!(serde_json::from_str::<Script>(r#"{"bussy_ms":5}"#).is_err());
    let args = [
        "--style",
        "box",
        "--script",
        r#"{"busy_ms":7}"#,
        "--log",
        "/x",
    ];
    let script = super::script_of(args.map(Into::into).to_vec()).unwrap();
    assert_eq!((script.style, script.busy_ms), (Style::Box, 7));
    assert!(super::script_of(vec!["--stile".into(), "box".into()]).is_err());
}

#[test]
fn the_line_style_is_a_prompt_below_its_history() {
    let mut stage = line(|script| script.banner = true);
    assert_eq!(stage.screen(), "demo agent ada ready\n❯");
    assert!(stage.raw.contains("\x1b[?2004h") && stage.raw.contains("\x1b]2;ada ready\x07"));
    assert!(matches!(
        stage.log[..],
        [Entry::Started { .. }, Entry::Ready]
    ));
    stage.paste(10, "first\nsecond");
    assert_eq!(stage.screen(), "demo agent ada ready\n❯ first\n  second");
    assert_eq!(stage.terminal.screen().cursor_position(), (2, 8));
    stage.send(20, "\r");
    assert_eq!(
        stage.screen(),
        "demo agent ada ready\n❯ first\n  second\nok 1\n❯"
    );
    let took = Entry::Took {
        text: "first\nsecond".to_owned(),
        queued: false,
        seq: 1,
    };
    let ended = Entry::TurnEnded {
        seq: 1,
        interrupted: false,
    };
    assert_eq!(stage.log[2..], [took, Entry::Began { seq: 1 }, ended]);
}

#[test]
fn a_tall_draft_is_once_in_the_history() {
    let mut stage = line(|_| {});
    let text: Vec<String> = (1..=30).map(|line| format!("row {line}")).collect();
    stage.paste(1, &text[..20].join("\n"));
    stage.paste(2, &format!("\n{}", text[20..].join("\n")));
    assert!(stage.screen().ends_with("  row 30"), "{}", stage.screen());
    stage.send(3, "\r").send(4, "next\r");
    let history = stage.history();
    for line in 1..=30 {
        let row = format!("row {line}");
        let count = history
            .lines()
            .filter(|line| line.trim_start_matches(['❯', ' ']) == row);
        let count = count.count();
        assert_eq!(count, 1, "{row} in\n{history}");
    }
    assert!(
        history.ends_with("  row 30\nok 1\n❯ next\nok 2\n❯"),
        "{history}"
    );
    assert_eq!(stage.took(), [&text.join("\n"), "next"]);
}

#[test]
fn the_box_style_is_a_composer_between_two_rules() {
    let mut stage = boxed(|script| script.placeholder = Some("Try \"fix lint\"".to_owned()));
    let rule = rule();
    let empty = format!("{rule}\n❯ Try \"fix lint\"\n{rule}\n  ? for shortcuts");
    assert_eq!(stage.screen(), empty);
    assert!(stage.raw.contains("❯ \x1b[2mTry \"fix lint\"\x1b[0m"));
    assert_eq!(stage.terminal.screen().cursor_position(), (1, 2));
    stage.paste(1, "a\n日本");
    let draft = format!("{rule}\n❯ a\n  日本\n{rule}\n  ? for shortcuts");
    assert_eq!(stage.screen(), draft);
    assert_eq!(stage.terminal.screen().cursor_position(), (2, 6));
    stage.send(2, "\r");
    assert_eq!(stage.screen(), format!("> a\n  日本\nok 1\n{empty}"));
    for at in 3..20 {
        stage.paste(at, &format!("m{at}")).send(at, "\r");
    }
    let screen = stage.screen();
    assert!(screen.contains("\n> m19\nok 18\n───"), "{screen}");
    assert_eq!(screen.lines().count(), 12);
    assert_eq!(stage.took().len(), 18);
}

#[test]
fn a_tall_draft_in_the_box_loses_its_head() {
    let mut stage = boxed(|_| {});
    stage.paste(1, &"x\n".repeat(20));
    let screen = stage.screen();
    assert!(screen.starts_with("─── ↑ 13 more ───"), "{screen}");
    assert!(!screen.contains('❯'), "{screen}");
}

#[test]
fn a_busy_box_queues_and_runs_it_after_the_turn() {
    let mut stage = boxed(|script| script.busy_ms = 100);
    stage.paste(0, "one").send(0, "\r");
    assert!(
        stage
            .screen()
            .contains("✽ Working… (esc to interrupt)\n───")
    );
    stage.paste(10, "two\nmore").send(10, "\r");
    assert!(stage.screen().contains("> one\n  ⎿ Queued: two\n✽ Working"));
    let queued = |seq| move |entry: &Entry| matches!(entry, Entry::Took { queued, seq: s, .. } if *queued && *s == seq);
    assert!(stage.log.iter().any(queued(2)) && !stage.log.iter().any(queued(1)));
    assert_eq!(stage.player.next_due(), Some(100));
    stage.tick(100);
    assert!(stage.screen().contains("> one\nok 1\n> two\n  more\n✽"));
    stage.tick(200);
    assert!(!stage.screen().contains('✽'));
    assert_eq!(stage.took(), ["one", "two\nmore"]);
}

#[test]
fn a_busy_line_keeps_what_is_typed_for_the_next_prompt() {
    let mut stage = line(|script| script.busy_ms = 100);
    stage.send(0, "one\r");
    assert_eq!(stage.screen(), "❯ one\nworking…");
    stage.paste(10, "two").send(10, "\r").paste(11, "three");
    assert_eq!(stage.took(), ["one"]);
    stage.tick(100).tick(200);
    assert_eq!(stage.took(), ["one", "two"]);
    assert_eq!(stage.screen(), "❯ one\nok 1\n❯ two\nok 2\n❯ three");
}

#[test]
fn escape_interrupts_a_turn() {
    for mut stage in [
        line(|script| script.busy_ms = 9000),
        boxed(|script| script.busy_ms = 9000),
    ] {
        stage.send(0, "one\r").send(10, "\x1b").tick(40);
        assert!(stage.logged(&Entry::TurnEnded {
            seq: 1,
            interrupted: true
        }));
    }
}

#[test]
fn startup_keeps_early_input_as_a_draft() {
    let mut stage = line(|script| script.startup_ms = 500);
    assert_eq!(stage.screen(), "loading…");
    assert!(!stage.raw.contains("2004h"));
    stage.send(10, "early\rtext\r");
    stage.tick(500);
    assert_eq!(stage.screen(), "❯ early\n  text");
    assert!(stage.raw.contains("2004h") && stage.took().is_empty());
    assert!(stage.key("enter", "starting"));
}

#[test]
fn keys_edit_and_submit_as_bound() {
    let mut stage = line(|script| script.submit_keys = vec![SubmitKey::F12, SubmitKey::Chord]);
    stage.send(0, "ab\x7fc\x15x\ny\rz\x1b[24~two\x18\x19\x1b[24~");
    assert_eq!(stage.took(), ["x\ny\nz", "two"]);
    assert!(stage.key("enter", "unbound") && stage.key("f12", "empty"));
    let mut stage = line(|_| {});
    stage.send(0, "a\x18\x19\x1b[24~");
    assert!(stage.key("chord", "unbound") && stage.key("f12", "unbound"));
    stage.send(0, "\x03\x03");
    assert_eq!(stage.player.exit_code(), None);
    stage.send(0, "\x03");
    assert!(stage.logged(&Entry::Exited { code: 0 }) && stage.took().is_empty());
}

#[test]
fn without_brackets_each_line_submits() {
    let mut stage = line(|script| script.bracketed = false);
    assert!(!stage.raw.contains("2004"));
    stage.send(0, "a\rb\r");
    assert_eq!(stage.took(), ["a", "b"]);
    let raw = |text: &str| Entry::RawNewlineSubmit {
        text: text.to_owned(),
    };
    assert!(stage.logged(&raw("a")) && !stage.logged(&raw("b")));
}

#[test]
fn a_slow_screen_follows_later_for_echo_and_clearing() {
    let mut stage = line(|script| script.redraw_ms = 50);
    assert_eq!(stage.screen(), "");
    stage.tick(50).paste(100, "text").tick(149);
    assert_eq!(stage.screen(), "❯");
    stage.tick(150);
    assert_eq!(stage.screen(), "❯ text");
    stage.send(200, "\r").tick(249);
    assert_eq!((stage.screen().as_str(), stage.took().len()), ("❯ text", 1));
    stage.tick(250);
    assert_eq!(stage.screen(), "❯ text\nok 1\n❯");
}

#[test]
fn pastes_are_collapsed_wrapped_or_cut_as_scripted() {
    let mut stage = line(|script| {
        script.collapse_over_lines = 2;
        script.collapse_over_chars = 10;
    });
    stage.paste(0, "a\nb\nc").paste(0, "a\nb\nc\nd");
    assert_eq!(stage.screen(), "❯ a\n  b\n  c[Pasted text #1 +3 lines]");
    stage.paste(0, "12345678901").send(0, "\r");
    assert_eq!(stage.took(), ["a\nb\nca\nb\nc\nd12345678901"]);

    let mut stage = line(|script| script.wrap_over_lines = 2);
    stage.paste(0, "a\nb\nc\nd").send(0, "\r");
    let wrapped = "\n\n<pasted_content id=\"c001\">\na\nb\nc\nd\n</pasted_content id=\"c001\">";
    assert_eq!(stage.took(), [wrapped]);

    let mut stage = line(|script| script.echo_tail_drop = 2);
    stage.paste(0, "abcd").send(0, "\r");
    assert_eq!(stage.took(), ["ab"]);
}

#[test]
fn submit_keys_are_swallowed_as_scripted() {
    let mut stage = line(|script| script.swallow_enter_ms = 100);
    stage.paste(0, "a").send(99, "\r");
    assert_eq!((stage.screen().as_str(), stage.took().len()), ("❯ a", 0));
    assert!(stage.key("enter", "newline"));
    stage.send(100, "\r");
    assert_eq!(stage.took(), ["a"]);

    let mut stage = line(|script| script.swallow_enters = 2);
    stage.send(0, "a\r").send(1, "\r").send(2, "\r");
    assert_eq!(stage.took(), ["a"]);

    let mut stage = line(|script| script.swallow_every = 2);
    stage.send(0, "a\r").send(1, "b\r");
    assert_eq!(stage.took(), ["a"]);
    stage.send(2, "\r").send(3, "c\r").send(4, "d\r");
    assert_eq!(stage.took(), ["a", "b", "c"]);

    let mut stage = line(|script| {
        script.backslash_newline = true;
        script.submit_keys.push(SubmitKey::Chord);
    });
    stage.send(0, "a\\\rb\\\x18\x19");
    assert_eq!(stage.took(), ["a\nb\\"]);
}

#[test]
fn a_dialog_eats_text_and_enter_approves() {
    for style in [Style::Line, Style::Box] {
        let mut stage = line(|script| {
            script.style = style;
            script.dialog_on_paste = vec![1, 2, 3];
            script
                .submit_keys
                .extend([SubmitKey::F12, SubmitKey::Chord]);
        });
        stage
            .paste(0, "mine")
            .paste(0, "eaten")
            .send(0, "\x18\x19\x1b[24~");
        let dialog = "Permission required: run a command\nDo you want to proceed?\n\
                      ❯ 1. Yes\n  2. No\nEsc to cancel";
        assert!(stage.screen().ends_with(dialog), "{}", stage.screen());
        assert!(!stage.screen().contains("mine"));
        assert!(stage.raw.contains("\x1b]2;[ ! ] Action Required | ada\x07"));
        assert!(stage.key("chord", "dialog") && stage.key("f12", "dialog"));
        let text = "eaten".to_owned();
        assert!(stage.logged(&Entry::DialogAte { text }));
        stage.send(0, "\r");
        assert!(stage.logged(&answered(1, By::Enter)));
        assert!(stage.screen().contains("● approved: run a command"));
        assert!(stage.screen().contains("❯ mine") && stage.took().is_empty());
        stage
            .paste(1, "!")
            .send(1, "\x1b")
            .tick(31)
            .paste(40, "?")
            .send(40, "1");
        assert!(stage.logged(&answered(2, By::Key)) && stage.logged(&answered(1, By::Key)));
        stage.send(41, "\r");
        assert_eq!(stage.took(), ["mine!?"]);
    }
}

#[test]
fn dialogs_open_when_scripted() {
    let mut stage = line(|script| {
        script.dialog_at_start = true;
        script.dialog_closes_ms = 100;
    });
    assert!(stage.screen().starts_with("Permission") && !stage.logged(&Entry::Ready));
    stage.tick(100);
    assert!(stage.logged(&answered(2, By::Script)) && stage.logged(&Entry::Ready));

    let mut stage = line(|script| script.dialog_after_take = vec![2]);
    stage.send(0, "a\r").send(1, "b\r").send(2, "c\r");
    assert_eq!(stage.took(), ["a", "b"]);
    assert!(stage.player.dialog.is_none() && stage.logged(&answered(1, By::Enter)));

    let mut stage = line(|script| {
        script.redraw_ms = 10;
        script.dialog_on_echo_ms = Some(5);
    });
    stage.tick(10).paste(20, "a").tick(30);
    assert_eq!(stage.screen(), "❯ a");
    assert_eq!(stage.player.next_due(), Some(35));
    stage.tick(35).send(36, "\r");
    assert!(stage.logged(&answered(1, By::Enter)) && stage.took().is_empty());
}

#[test]
fn drafts_are_there_stashed_or_glued() {
    let mut stage = line(|script| script.draft = "human ".to_owned());
    assert_eq!(stage.screen(), "❯ human");
    stage.paste(0, "fleet").send(0, "\r");
    assert_eq!(stage.took(), ["human fleet"]);

    let mut stage = line(|script| {
        script.draft = "human".to_owned();
        script.stash = true;
    });
    stage.send(0, "\x13fleet\r");
    assert_eq!(stage.took(), ["fleet"]);
    assert!(stage.screen().ends_with("❯ human"));

    let mut stage = boxed(|script| script.merge_draft_after_submit_ms = 100);
    stage.paste(0, "m21").send(0, "\r").tick(99);
    assert!(stage.screen().contains("> m21\nok 1\n"));
    assert!(stage.screen().contains("❯ m21"));
    stage
        .send(99, "\r")
        .paste(99, "m22")
        .tick(200)
        .send(200, "\r");
    assert_eq!(stage.took(), ["m21", "m21m22"]);
    stage.tick(300);
    assert!(!stage.screen().contains("❯ m"), "{}", stage.screen());
}

#[test]
fn a_reset_clears_marks_and_loses() {
    for style in [Style::Line, Style::Box] {
        let mut stage = line(|script| {
            script.style = style;
            script.reset_command = Some("/new".to_owned());
            script.reset_takes_ms = 100;
            script.reset_loses_ms = 100;
        });
        stage.send(0, "old\r").send(1, "/new\r");
        assert!(!stage.screen().contains("old") && !stage.screen().contains('✓'));
        stage.send(50, "gone\r").tick(101);
        assert!(stage.screen().starts_with("✓ New session started\n"));
        stage.send(102, "kept\r");
        assert_eq!(stage.took(), ["old", "kept"]);
        let (command, text) = ("/new".to_owned(), "gone".to_owned());
        assert!(stage.logged(&Entry::Reset {
            command,
            lost: false
        }));
        assert!(stage.logged(&Entry::Lost { text }) && stage.logged(&Entry::ResetDone));
    }
    let mut stage = boxed(|script| {
        script.reset_command = Some("/new".to_owned());
        script.busy_ms = 1000;
    });
    stage.send(0, "one\r").send(1, "two\r").send(2, "/new\r");
    let (command, text) = ("/new".to_owned(), "two".to_owned());
    assert!(stage.logged(&Entry::Reset {
        command,
        lost: true
    }));
    assert!(stage.logged(&Entry::Lost { text }));
}

#[test]
fn it_dies_and_leaves_as_scripted() {
    let crashed = Some(Entry::Exited { code: 9 });
    let mut stage = line(|script| script.crash_on_paste = 2);
    stage.paste(0, "a").paste(0, "b");
    assert_eq!(stage.log.last().cloned(), crashed);
    let mut stage = line(|script| script.crash_on_submit = 1);
    stage.send(0, "a\r");
    assert_eq!(stage.log.last().cloned(), crashed);
    assert!(stage.took().is_empty());
    let mut stage = line(|script| script.crash_after_take = 1);
    stage.send(0, "a\r");
    assert_eq!(
        (stage.log.last().cloned(), stage.took().len()),
        (crashed, 1)
    );
    let mut stage = line(|script| {
        script.exit_after = 2;
        script.exit_code = 3;
        script.redraw_ms = 50;
    });
    stage.send(60, "a\r").send(61, "b\r");
    assert_eq!(stage.player.exit_code(), Some(3));
    assert!(
        stage.screen().ends_with("❯ b\nok 2\n❯"),
        "{}",
        stage.screen()
    );
    assert!(stage.raw.ends_with("\x1b[?2004l\r\n"));
}

#[test]
fn noise_never_stops_and_a_flood_is_history() {
    for style in [Style::Line, Style::Box] {
        let mut stage = line(|script| {
            script.style = style;
            script.noise_ms = 10;
            script.print_flood_lines = 30;
        });
        assert!(stage.history().contains("flood 1\n"));
        let before = stage.raw.len();
        stage.tick(10);
        assert!(stage.raw.len() > before);
        assert_eq!(stage.player.next_due(), Some(20));
    }
}

#[test]
fn replies_echo_repeat_and_lie_as_scripted() {
    let wide = "w".repeat(45);
    let mut stage = line(|script| script.reply_text = Some(wide.clone()));
    stage.send(0, "a\nlong draft below the reply\r");
    assert!(
        stage.screen().ends_with(&format!("reply\n{wide}\n❯")),
        "{}",
        stage.screen()
    );
    assert!(!stage.raw.contains("\x1b[H"));
    let mut stage = line(|script| script.reply_echo = true);
    stage.send(0, "do it\nnow\r");
    assert!(stage.screen().contains("\n  ada: got it: \"do it now\"\n"));
    let mut stage = line(|script| {
        script.reply_lines = 3;
        script.reply_text = Some("❯ fake".to_owned());
    });
    stage.send(0, "x\r");
    assert_eq!(stage.screen(), "❯ x\n❯ fake\nok 1 (2/3)\nok 1 (3/3)\n❯");
}

#[test]
fn a_resize_draws_everything_again() {
    let mut stage = boxed(|_| {});
    stage.paste(0, "abcdefghijklmnopqrstuvwxyz");
    stage.terminal.screen_mut().set_size(cells(10), cells(20));
    stage.player.resize(20, 10, 1);
    stage.collect();
    let rule = "─".repeat(20);
    let expected = format!("{rule}\n❯ abcdefghijklmnopq\n  rstuvwxyz\n{rule}\n  ? for shortcuts");
    assert_eq!(stage.screen(), expected);
}

/// A patient sender: pastes into an empty composer, waits for its echo, presses, and presses again
/// while the echo stays. Every fault must leave it a way to deliver exactly once.
#[test]
fn a_patient_sender_survives_every_fault() {
    for seed in 0..20 {
        let mut stage = boxed(|script| {
            script.seed = seed;
            script.fault_rate = 1.0;
            script.submit_keys.push(SubmitKey::Chord);
        });
        let mut now = 0;
        let sent: Vec<String> = (0..20).map(|at| format!("message {at}.")).collect();
        for text in &sent {
            let mut pasted = false;
            let taken = stage.took().len();
            for _ in 0..1000 {
                now += 5;
                stage.tick(now);
                let screen = stage.screen();
                let Some(composer) = screen.lines().rev().nth(2) else {
                    continue;
                };
                if stage.took().len() > taken {
                    if composer == "❯" {
                        break;
                    }
                } else if !pasted && composer == "❯" {
                    stage.paste(now, text);
                    pasted = true;
                } else if composer == format!("❯ {text}")
                    || composer.starts_with("❯ [Pasted text #") && composer.ends_with(']')
                {
                    stage.send(now, "\x18\x19");
                }
            }
        }
        assert_eq!(stage.took(), sent, "seed {seed}");
        assert!(!stage.logged(&answered(1, By::Enter)));
    }
}
