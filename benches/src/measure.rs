//! Measuring: ways to do the same thing, taken in turns, compared round by round.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

type Doing = Pin<Box<dyn Future<Output = Result<Duration>>>>;

/// One way to do something. It takes its own time, so that what is not the matter stays outside.
pub(crate) struct Way(Box<dyn FnMut() -> Doing>);

impl Way {
    /// A way that says itself how long it took.
    pub(crate) fn timed<F>(mut way: impl FnMut() -> F + 'static) -> Way
    where
        F: Future<Output = Result<Duration>> + 'static,
    {
        Way(Box::new(move || Box::pin(way())))
    }

    /// A way whose whole course is the matter.
    pub(crate) fn whole<F>(mut way: impl FnMut() -> F + 'static) -> Way
    where
        F: Future<Output = Result<()>> + 'static,
    {
        Way::timed(move || {
            let course = way();
            async move {
                let started = Instant::now();
                course.await?;
                Ok(started.elapsed())
            }
        })
    }

    /// A way that waits for nothing but the system.
    pub(crate) fn blocking(mut way: impl FnMut() -> Result<()> + 'static) -> Way {
        Way(Box::new(move || {
            let started = Instant::now();
            let outcome = way().map(|()| started.elapsed());
            Box::pin(async move { outcome })
        }))
    }
}

/// A way, what it is called, and how far from the floor it should stay at most.
pub(crate) struct Rival {
    pub(crate) name: String,
    pub(crate) goal: Option<f64>,
    way: Way,
}

/// A floor and those that are measured against it.
pub(crate) struct Row {
    pub(crate) operation: &'static str,
    pub(crate) agents: usize,
    pub(crate) floor: &'static str,
    floor_way: Way,
    rivals: Vec<Rival>,
    /// At most so many rounds: the row is dear.
    most: usize,
}

impl Row {
    pub(crate) fn new(
        operation: &'static str,
        agents: usize,
        floor: &'static str,
        floor_way: Way,
    ) -> Self {
        Row {
            operation,
            agents,
            floor,
            floor_way,
            rivals: Vec::new(),
            most: usize::MAX,
        }
    }

    /// Adds what is ours, or what others do (without a goal).
    pub(crate) fn rival(mut self, name: impl Into<String>, goal: Option<f64>, way: Way) -> Self {
        self.rivals.push(Rival {
            name: name.into(),
            goal,
            way,
        });
        self
    }

    /// At most so many rounds.
    pub(crate) fn at_most(mut self, rounds: usize) -> Self {
        self.most = rounds;
        self
    }
}

/// A line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) operation: &'static str,
    pub(crate) way: String,
    pub(crate) agents: usize,
    pub(crate) floor: &'static str,
    pub(crate) goal: Option<f64>,
    pub(crate) floor_times: Times,
    pub(crate) times: Times,
    /// The median of the ratios of each round.
    pub(crate) ratio: f64,
}

/// What was measured, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) least: f64,
}

impl Times {
    fn of(samples: &[f64]) -> Self {
        Times {
            median: median(samples),
            least: samples.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }
}

pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get(sorted.len() / 2), sorted.len() % 2) {
        (Some(upper), 0) => f64::midpoint(sorted[sorted.len() / 2 - 1], *upper),
        (Some(middle), _) => *middle,
        (None, _) => f64::NAN,
    }
}

/// Runs all rows in turns, `rounds` times and once before to warm up. A row that fails is left out,
/// and told.
pub(crate) async fn run(rows: Vec<Row>, rounds: usize) -> (Vec<Line>, Vec<String>) {
    let mut courses: Vec<Course> = rows.into_iter().map(Course::of).collect();
    for round in 0..=rounds {
        for course in &mut courses {
            if round <= course.row.most && course.failed.is_none() {
                course.failed = course.round(round).await.err();
            }
        }
    }
    let (mut lines, mut failed) = (Vec::new(), Vec::new());
    for course in courses {
        match &course.failed {
            Some(error) => failed.push(format!("Failed: {error:#}.")),
            None => lines.extend(course.lines()),
        }
    }
    (lines, failed)
}

/// A row and what has been measured of it.
struct Course {
    row: Row,
    /// First the floor's.
    samples: Vec<Vec<f64>>,
    failed: Option<anyhow::Error>,
}

impl Course {
    fn of(row: Row) -> Self {
        Course {
            samples: vec![Vec::new(); row.rivals.len() + 1],
            row,
            failed: None,
        }
    }

    async fn round(&mut self, round: usize) -> Result<()> {
        let row = &mut self.row;
        let count = self.samples.len();
        for turn in 0..count {
            // Who comes first changes, so that nobody always finds the caches warm.
            let which = (turn + round) % count;
            let (name, way) = match which.checked_sub(1) {
                None => (row.floor, &mut row.floor_way),
                Some(rival) => {
                    let rival = &mut row.rivals[rival];
                    (rival.name.as_str(), &mut rival.way)
                }
            };
            let took = (way.0)()
                .await
                .with_context(|| format!("{}, {} agents: {name}", row.operation, row.agents))?;
            if round > 0 {
                self.samples[which].push(took.as_secs_f64());
            }
        }
        Ok(())
    }

    fn lines(self) -> impl Iterator<Item = Line> {
        let Course { row, samples, .. } = self;
        let mut samples = samples.into_iter();
        let floor = samples.next().unwrap_or_default();
        let line = move |(rival, times): (Rival, Vec<f64>)| {
            let ratios: Vec<f64> = times.iter().zip(&floor).map(|(a, b)| a / b).collect();
            Line {
                operation: row.operation,
                way: rival.name,
                agents: row.agents,
                floor: row.floor,
                goal: rival.goal,
                floor_times: Times::of(&floor),
                times: Times::of(&times),
                ratio: median(&ratios),
            }
        };
        row.rivals.into_iter().zip(samples).map(line)
    }
}
