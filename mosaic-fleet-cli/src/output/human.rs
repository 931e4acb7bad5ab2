//! Results for people: tables, short times, one line an answer.

use std::time::{Duration, SystemTime};

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use mosaic_fleet::{AgentState, Evidence, Receipt};

/// A table without borders, as wide as the terminal.
pub(crate) fn table(colours: bool, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().copied());
    if colours {
        table.enforce_styling();
    } else {
        table.style_text_only();
    }
    table
}

/// A terminal that tells less is not believed: a column a letter wide helps nobody.
const NARROWEST: u16 = 60;

/// The table's text, without blanks at the ends of lines. Only the last column is wrapped.
pub(crate) fn rendered(mut table: Table) -> String {
    if table.width().is_none_or(|width| width < NARROWEST) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    let columns = table.column_count();
    for index in 0..columns.saturating_sub(1) {
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        // Each cell is padded with a blank on both sides; the first one is for borders.
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        text.push('\n');
    }
    text
}

/// A cell in the colour of how good the news is.
pub(crate) fn cell(text: impl ToString, colour: Option<Color>, colours: bool) -> Cell {
    let cell = Cell::new(text);
    match colour.filter(|_| colours) {
        Some(colour) => cell.fg(colour),
        None => cell,
    }
}

/// The colour of a state.
pub(crate) fn state_colour(state: AgentState) -> Option<Color> {
    match state {
        AgentState::Idle => Some(Color::Green),
        AgentState::Working | AgentState::Queued | AgentState::Starting => Some(Color::Cyan),
        AgentState::Waiting => Some(Color::Yellow),
        AgentState::Dead => Some(Color::Red),
        _ => None,
    }
}

/// How long ago, in one or two units: `12s`, `3m`, `2h05m`, `4d`.
pub(crate) fn ago(then: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A duration for people: `42 ms`, `1.3 s`.
pub(crate) fn took(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// `coder0: submitted (screen: the composer emptied) in 42 ms`.
pub(crate) fn receipt(receipt: &Receipt) -> String {
    let mut line = format!(
        "{}: {} ({}) in {}",
        receipt.agent,
        receipt.verdict,
        evidence(&receipt.evidence),
        took(receipt.elapsed)
    );
    if !receipt.normalised.is_empty() {
        line.push_str(&format!("; changed: {}", receipt.normalised.join(", ")));
    }
    line
}

/// `screen: the composer emptied`.
pub(crate) fn evidence(evidence: &Evidence) -> String {
    let kind = serde_json::to_value(evidence.kind).unwrap_or_default();
    let kind = kind.as_str().unwrap_or("unknown").to_owned();
    if evidence.detail.is_empty() {
        return kind;
    }
    // The detail often begins with the kind itself.
    if evidence.detail.starts_with(&format!("{kind}:")) {
        return evidence.detail.clone();
    }
    format!("{kind}: {}", evidence.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000);
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (7500, "2h05m"),
            (90_000, "1d"),
        ] {
            assert_eq!(ago(now - Duration::from_secs(seconds), now), text);
        }
        assert_eq!(took(Duration::from_millis(42)), "42 ms");
        assert_eq!(took(Duration::from_millis(1340)), "1.3 s");
    }
}
