//! What came out, as markdown: the comparisons, the figures without a floor, and how cost grows.

use std::fmt;

use crate::measure::{Line, Times};

/// Something that has no floor but a limit.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    what: String,
    agents: usize,
    value: f64,
    unit: &'static str,
    goal: Option<f64>,
}

impl Figure {
    pub(crate) fn new(
        what: impl Into<String>,
        agents: usize,
        value: f64,
        unit: &'static str,
        goal: Option<f64>,
    ) -> Self {
        Figure {
            what: what.into(),
            agents,
            value,
            unit,
            goal,
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) lines: Vec<Line>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) notes: Vec<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        let order: Vec<Kind<'_>> = self.kinds();
        lines.sort_by_key(|line| order.iter().position(|kind| *kind == kind_of(line)));
        writeln!(
            f,
            "| operation | N | floor | floor ms, median (min) | whose | ms, median (min) | ratio | of the mins | goal |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        for line in lines {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | **{:.2}** | {:.2} | {} |",
                line.operation,
                count(line.agents),
                line.floor,
                milliseconds(line.floor_times),
                line.way,
                milliseconds(line.times),
                line.ratio,
                line.times.least / line.floor_times.least,
                verdict(line.goal, line.ratio, "x"),
            )?;
        }
        writeln!(f, "\n| figure | N | value | goal |\n|---|---|---|---|")?;
        for figure in &self.figures {
            let Figure {
                what,
                agents,
                value,
                unit,
                goal,
            } = figure;
            let (agents, goal) = (count(*agents), verdict(*goal, *value, unit));
            writeln!(f, "| {what} | {agents} | {value:.2} {unit} | {goal} |")?;
        }
        self.growth(f)?;
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// What is compared at several sizes.
type Kind<'a> = (&'a str, &'a str, &'a str);

fn kind_of(line: &Line) -> Kind<'_> {
    (line.operation, line.floor, line.way.as_str())
}

impl Table {
    /// All kinds, in the order of their first appearance.
    fn kinds(&self) -> Vec<Kind<'_>> {
        let mut kinds = Vec::new();
        for line in &self.lines {
            if !kinds.contains(&kind_of(line)) {
                kinds.push(kind_of(line));
            }
        }
        kinds
    }

    /// The exponent of cost over N between neighbouring sizes: 1 is proportional to N.
    fn growth(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = false;
        for kind in self.kinds() {
            let mut lines: Vec<&Line> = self.lines.iter().filter(|l| kind_of(l) == kind).collect();
            lines.sort_by_key(|line| line.agents);
            for pair in lines.windows(2) {
                let [small, large] = pair else { continue };
                if small.agents < 10 {
                    continue;
                }
                if !head {
                    head = true;
                    writeln!(
                        f,
                        "\n| growth of | from N to N | exponent, floor | exponent, ours |"
                    )?;
                    writeln!(f, "|---|---|---|---|")?;
                }
                writeln!(
                    f,
                    "| {}: {} | {} to {} | {:.2} | {:.2} |",
                    kind.0,
                    kind.2,
                    count(small.agents),
                    count(large.agents),
                    exponent(small, large, |line| line.floor_times),
                    exponent(small, large, |line| line.times),
                )?;
            }
        }
        Ok(())
    }
}

fn exponent(small: &Line, large: &Line, times: impl Fn(&Line) -> Times) -> f64 {
    let agents = |line: &Line| f64::from(u32::try_from(line.agents).unwrap_or(u32::MAX));
    (times(large).median / times(small).median).ln() / (agents(large) / agents(small)).ln()
}

fn count(agents: usize) -> String {
    match agents {
        0 => "-".to_owned(),
        1000.. => format!("{},{:03}", agents / 1000, agents % 1000),
        _ => agents.to_string(),
    }
}

fn milliseconds(times: Times) -> String {
    let written = |seconds: f64| {
        let value = seconds * 1000.0;
        match value {
            0.0..1.0 => format!("{value:.3}"),
            1.0..100.0 => format!("{value:.2}"),
            _ => format!("{value:.0}"),
        }
    };
    format!("{} ({})", written(times.median), written(times.least))
}

fn verdict(goal: Option<f64>, value: f64, unit: &str) -> String {
    match goal {
        None => "-".to_owned(),
        Some(goal) if value <= goal => format!("<= {goal} {unit}"),
        Some(goal) => format!("<= {goal} {unit}, **missed**"),
    }
}
