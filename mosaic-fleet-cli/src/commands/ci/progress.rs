//! What a person sees of a wait: lines that change, on a terminal; else only the lines that programs
//! read.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mosaic_fleet::ci::Pipeline;
use mosaic_fleet::ci::wait::News;
use mosaic_fleet::text::one_line;

use crate::output::Output;

/// How often the lines are drawn again.
const TICK: Duration = Duration::from_millis(200);

/// A pipeline's line: which, how long already, how it is and what runs.
const LINE: &str = "{spinner} pipeline {prefix}  {elapsed:>4}  {wide_msg}";

pub(super) struct Progress<'a> {
    output: &'a Output,
    /// Nothing where nobody sees it.
    lines: Option<(MultiProgress, BTreeMap<u64, ProgressBar>)>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let seen = stderr().is_terminal() && output.shows_progress();
        Progress {
            output,
            lines: seen.then(|| (MultiProgress::new(), BTreeMap::new())),
        }
    }

    pub(super) fn tell(&mut self, news: &News) {
        match news {
            News::Changed(pipeline) => self.change(pipeline),
            News::Ended { number, .. } | News::Followed { from: number, .. } => {
                self.remove(*number);
            }
            _ => {}
        }
        let (output, line, note) = (self.output, news.line(), news.note());
        let print = || {
            if let Some(line) = line {
                // Where stdout fails, the wait's own end tells so.
                let _ = output.success(&format!("{line}\n"));
            }
            if let Some(note) = note {
                output.progress(&format!("{note}\n"));
            }
        };
        match &self.lines {
            Some((lines, _)) => lines.suspend(print),
            None => print(),
        }
    }

    /// Takes the lines away.
    pub(super) fn end(&mut self) {
        if let Some((lines, _)) = self.lines.take() {
            // Where the terminal is gone there is nothing to take away.
            let _ = lines.clear();
        }
    }

    fn change(&mut self, pipeline: &Pipeline) {
        let Some((lines, bars)) = &mut self.lines else {
            return;
        };
        let bar = bars.entry(pipeline.number).or_insert_with(|| {
            let bar = lines.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template(LINE) {
                bar.set_style(style);
            }
            bar.set_prefix(pipeline.number.to_string());
            bar.enable_steady_tick(TICK);
            bar
        });
        let at_work = pipeline.at_work().join(", ");
        let words = match at_work.is_empty() {
            true => pipeline.status.to_string(),
            false => format!("{}: {at_work}", pipeline.status),
        };
        bar.set_message(one_line(&words));
    }

    fn remove(&mut self, number: u64) {
        let bar = self
            .lines
            .as_mut()
            .and_then(|(_, bars)| bars.remove(&number));
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
}
