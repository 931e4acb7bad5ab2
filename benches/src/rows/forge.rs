//! From the end of a pipeline to the end of a wait for it; and the whole open work of a large
//! repository. Both servers are on the loopback, in this process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mosaic_fleet::ci::wait::{WaitOptions, Wanted, wait};
use mosaic_fleet::ci::{Instance, Woodpecker};
use mosaic_fleet::forge::login::{Login, Token};
use mosaic_fleet::forge::{Gitea, RepoName};
use mosaic_fleet::lane::{self, BriefOptions};
use mosaic_fleet::testing::gitea::{GiteaServer, Moving};
use mosaic_fleet::testing::woodpecker::{FakePipeline, TOKEN, WoodpeckerServer};

use super::host::Cli;
use crate::measure::{Row, Way};
use crate::table::Figure;

const REPO: &str = "acme/widget";

/// What others wait between two looks.
const POLL: Duration = Duration::from_secs(30);

pub(super) fn rows(cli: Option<&Cli>) -> Result<Vec<Row>> {
    let mut rows = vec![event(cli)?, polling()?];
    rows.push(brief()?);
    Ok(rows)
}

/// A server with one pipeline that runs.
fn running() -> Result<Rc<WoodpeckerServer>> {
    let server = WoodpeckerServer::start(REPO)?;
    server.put(FakePipeline::new(7, "running"));
    Ok(Rc::new(server))
}

fn client(server: &WoodpeckerServer) -> Result<Woodpecker> {
    let token = Token::new(TOKEN)?;
    Ok(Woodpecker::new(&Instance::new(
        "bench",
        server.url(),
        token,
    ))?)
}

/// Waits until the server is listened to, and was asked `looks` times since `before`.
async fn listened(server: &WoodpeckerServer, streams: usize, before: usize) {
    while server.streams() <= streams || server.count("/pipelines/7") < before + 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn event(cli: Option<&Cli>) -> Result<Row> {
    let bare = running()?;
    let floor = Way::timed(move || {
        let server = bare.clone();
        async move {
            server.put(FakePipeline::new(7, "running"));
            let mut stream = Bare::new(&server.url(), TOKEN)?;
            stream.ask("/api/stream/events", "Bearer")?;
            stream.line("data-less ping", |line| line.starts_with(": ping"))?;
            let mut asks = Bare::new(&server.url(), TOKEN)?;
            asks.get("/api/user", "Bearer")?;
            let begin = Instant::now();
            server.set(FakePipeline::new(7, "success"));
            stream.line("an event", |line| line.starts_with("data: "))?;
            asks.get("/api/repos/7/pipelines/7", "Bearer")?;
            Ok(begin.elapsed())
        }
    });
    let ours = running()?;
    let library = Way::timed(move || {
        let server = ours.clone();
        async move {
            server.put(FakePipeline::new(7, "running"));
            let (streams, looks) = (server.streams(), server.count("/pipelines/7"));
            let (ci, repo) = (client(&server)?, RepoName::new(REPO)?);
            let options = WaitOptions::new().with_interval(Duration::from_secs(3000));
            let wanted = [Wanted::new(7)];
            let mut told = |_| {};
            let waited = wait(&ci, &repo, &wanted, &options, &mut told);
            let event = async {
                listened(&server, streams, looks).await;
                let begin = Instant::now();
                server.set(FakePipeline::new(7, "success"));
                begin
            };
            let (waited, begin) = tokio::join!(waited, event);
            let took = begin.elapsed();
            waited?;
            Ok(took)
        }
    });
    let mut row = Row::new(
        "ci wait: from the event to its end",
        0,
        "a bare stream, and a bare GET on the event",
        floor,
    )
    .rival("library", None, library);
    if let Some(cli) = cli.cloned() {
        let server = running()?;
        let command = Way::timed(move || {
            let (server, mut command) = (server.clone(), cli.command());
            async move {
                server.put(FakePipeline::new(7, "running"));
                let (streams, looks) = (server.streams(), server.count("/pipelines/7"));
                command
                    .args(["ci", "wait", "-r", REPO, "-n", "7", "-i", "1h"])
                    .env("WOODPECKER_SERVER", server.url())
                    .env("WOODPECKER_TOKEN", TOKEN)
                    .stdout(Stdio::null());
                let mut child = command.spawn()?;
                listened(&server, streams, looks).await;
                let begin = Instant::now();
                server.set(FakePipeline::new(7, "success"));
                let status = child.wait()?;
                ensure!(status.success(), "ci wait: {status}");
                Ok(begin.elapsed())
            }
        });
        row = row.rival("CLI, to its exit", None, command);
    }
    Ok(row)
}

/// What is lost without events: the same wait, asking every 30 seconds. Dear, so few rounds.
fn polling() -> Result<Row> {
    let bare = running()?;
    let floor = Way::timed(move || {
        let server = bare.clone();
        async move {
            let mut asks = Bare::new(&server.url(), TOKEN)?;
            let begin = Instant::now();
            asks.get("/api/repos/7/pipelines/7", "Bearer")?;
            Ok(begin.elapsed())
        }
    });
    let round = std::cell::Cell::new(0u32);
    let polled = running()?;
    polled.refuse_streams(true);
    let every = Way::timed(move || {
        let server = polled.clone();
        // The end comes at any moment between two looks: here at three of them, one a round.
        let phase = POLL.mul_f64(f64::from(round.get() % 3) / 3.0 + 1.0 / 6.0);
        round.set(round.get() + 1);
        async move {
            server.put(FakePipeline::new(7, "running"));
            let looks = server.count("/pipelines/7");
            let (ci, repo) = (client(&server)?, RepoName::new(REPO)?);
            let options = WaitOptions::new().with_interval(POLL);
            let wanted = [Wanted::new(7)];
            let mut told = |_| {};
            let waited = wait(&ci, &repo, &wanted, &options, &mut told);
            let event = async {
                while server.count("/pipelines/7") == looks {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                tokio::time::sleep(phase).await;
                server.put(FakePipeline::new(7, "success"));
                Instant::now()
            };
            let (waited, begin) = tokio::join!(waited, event);
            let took = begin.elapsed();
            waited?;
            Ok(took)
        }
    });
    let row = Row::new("ci wait: without events", 0, "one bare GET", floor);
    Ok(row
        .rival("others: polling every 30 s", None, every)
        .at_most(3))
}

/// 3,000 issues and 400 pull requests, 50 a page.
fn large() -> Result<GiteaServer> {
    let server = GiteaServer::start(REPO)?;
    for number in 1..=3000 {
        server.issue(number, &format!("Issue {number}"));
    }
    for number in 3001..=3400 {
        let body = format!(
            "Closes #{}\n\nSome words of what it does, and why.",
            number - 3000
        );
        server.pull(number, &format!("Pull {number}"), &body, "work");
    }
    Ok(server)
}

fn brief() -> Result<Row> {
    let server = Rc::new(large()?);
    let bare = server.clone();
    let floor = Way::blocking(move || {
        let mut asks = Bare::new(&bare.url(), &bare.token())?;
        let mut pages = |kind: &str, count: usize| {
            for page in 1..=count {
                asks.get(
                    &format!("/api/v1/repos/{REPO}/{kind}state=open&limit=50&page={page}"),
                    "token",
                )?;
            }
            Ok::<_, anyhow::Error>(())
        };
        pages("pulls?", 8)?;
        pages("issues?type=issues&", 60)
    });
    let library = Way::whole(move || {
        let server = server.clone();
        async move {
            let brief = read(&server).await?;
            ensure!(brief == (2600, 400), "{brief:?}");
            Ok(())
        }
    });
    let row = Row::new(
        "lane brief of 3,000 issues and 400 pull requests",
        0,
        "a bare GET a page, one after the other",
        floor,
    );
    Ok(row.rival("library", None, library).at_most(10))
}

async fn read(server: &GiteaServer) -> Result<(usize, usize)> {
    let login = Login::new("bench", server.url()).with_token(Token::new(&server.token())?);
    let (forge, repo) = (Gitea::new(&login)?, RepoName::new(REPO)?);
    let brief = lane::brief(&forge, &repo, &BriefOptions::new()).await?;
    Ok((brief.candidates.len(), brief.underway.len()))
}

/// How many requests the same costs, on a list that stands still and on one that moves.
pub(super) async fn figures() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (what, moving) in [
        ("lane brief, 3,000 + 400: requests", None),
        (
            "the same while lists move: requests",
            Some(Moving::new(2, 2, 1, 1)),
        ),
    ] {
        let server = large()?;
        server.with(|world| world.moving = moving);
        let brief = read(&server).await?;
        let moved = brief != (2600, 400);
        ensure!(moved == moving.is_some(), "{what}: {brief:?}");
        let asked = u32::try_from(server.asked().len())?;
        figures.push(Figure::new(what, 0, f64::from(asked), "", None));
    }
    Ok(figures)
}

/// HTTP with nothing on it: one connection, one question after the other.
struct Bare {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Bare {
    fn new(url: &str, token: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("an address")?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Bare {
            stream: BufReader::new(stream),
            token: token.to_owned(),
        })
    }

    fn ask(&mut self, path: &str, scheme: &str) -> Result<()> {
        let token = &self.token;
        let text =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {scheme} {token}\r\n\r\n");
        Ok(self.stream.get_mut().write_all(text.as_bytes())?)
    }

    /// Reads lines up to one.
    fn line(&mut self, what: &str, is: impl Fn(&str) -> bool) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "no {what}");
            if is(&line) {
                return Ok(line);
            }
        }
    }

    /// One answer, to its end.
    fn get(&mut self, path: &str, scheme: &str) -> Result<Vec<u8>> {
        self.ask(path, scheme)?;
        let first = self.line("answer", |_| true)?;
        ensure!(first.contains(" 200 "), "{path}: {first}");
        let mut length = 0;
        loop {
            let line = self.line("header", |_| true)?.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}
