//! A control-mode connection: commands in, reply blocks and events out.
//!
//! It begins and ends behind the gate (`gate.rs`): end it with [`Control::close`].
//!
//! Replies come in order. A request is one or more lines followed by a line of our own whose reply
//! nobody can forge; everything between is its answer, whatever number of blocks that takes
//! (`if-shell` adds blocks, an error drops the rest of a line).

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::client::{Client, gone};
use super::coming::{SOON, announce, arrived, unless_coming};
use super::command::{CommandList, command};
use super::error::TmuxError;
use super::protocol::{Block, Item, Parser, Told};
use super::server::Server;

/// What has happened since the connection began, as counters: a waiter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Events {
    /// Pieces of output of the session's panes.
    pub(super) output: u64,
    /// Sessions, windows or panes that came, went or changed.
    pub(super) lifecycle: u64,
    /// What a program told its terminal last, and with which piece of output.
    pub(super) told: Option<(u64, Told)>,
    /// The connection has ended.
    pub(super) closed: bool,
}

struct Pending {
    sentinel: String,
    blocks: Vec<Block>,
    reply: oneshot::Sender<Vec<Block>>,
}

#[derive(Default)]
struct State {
    pending: VecDeque<Pending>,
    /// The attach command's own answer: done, or its error.
    attached: Option<oneshot::Sender<Result<(), String>>>,
}

/// A connection. Requests may be made from several tasks; they are pipelined.
pub(super) struct Control {
    /// Whole requests only: a caller that goes away never leaves half a line behind.
    /// Dropped to end the connection.
    writer: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    state: Arc<Mutex<State>>,
    events: watch::Receiver<Events>,
    server: Server,
    nonce: String,
    counter: std::sync::atomic::AtomicU64,
    client: Mutex<Option<Client>>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("socket", &self.server.config.label())
            .finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    /// Attaches to the session `target` (`=name:` or `$id`), hearing its output only if `output`.
    ///
    /// It is done in a task of its own, which a caller that goes away, or whose time is over, leaves
    /// to its end: half-way in, a client must be neither killed nor let through the gate by another.
    pub(super) async fn attach(
        server: &Server,
        target: &str,
        output: bool,
        deadline: Instant,
    ) -> Result<Control, TmuxError> {
        let started = Instant::now();
        let (to, target) = (server.clone(), target.to_owned());
        let introduced =
            tokio::spawn(async move { Self::introduce(&to, &target, output, deadline).await });
        match timeout_at(deadline, introduced).await {
            Ok(Ok(control)) => control,
            Ok(Err(error)) => Err(TmuxError::Protocol(error.to_string())),
            Err(_) => Err(server.silent(started.elapsed())),
        }
    }

    /// Comes through the gate before `deadline`; what has begun then has a time of its own.
    async fn introduce(
        server: &Server,
        target: &str,
        output: bool,
        deadline: Instant,
    ) -> Result<Control, TmuxError> {
        let flags = if output {
            "ignore-size,pause-after=5"
        } else {
            "ignore-size,no-output"
        };
        let mut process =
            server.lasting_client(["-C", "attach-session", "-E", "-f", flags, "-t", target])?;
        process
            .kill_on_drop(false)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if server.config.remote.is_none() {
            // What is sent to our process group, by `timeout` or a terminal that closes, must not end
            // it half-way in. It ends with us.
            process.process_group(0);
        }
        let gate = server.gate();
        let started = Instant::now();
        let passage = timeout_at(deadline, gate.enter())
            .await
            .map_err(|_| server.silent(started.elapsed()))??;
        let limit = deadline.saturating_duration_since(Instant::now());
        server.run_quietly(&announce(), limit).await?;
        let mut client = Client {
            process: process.spawn().map_err(|error| server.spawn_error(error))?,
            // A process here that is a link to another host is no client itself.
            may_be_killed: server.config.remote.is_some(),
        };
        let missing = || TmuxError::Protocol("no pipe".to_owned());
        let stdin = client.process.stdin.take().ok_or_else(missing)?;
        let stdout = client.process.stdout.take().ok_or_else(missing)?;
        let mut stderr = client.process.stderr.take().ok_or_else(missing)?;
        let (attached, answer) = oneshot::channel();
        let state = Arc::new(Mutex::new(State {
            attached: Some(attached),
            ..State::default()
        }));
        let (sender, events) = watch::channel(Events::default());
        let lines = BufReader::with_capacity(64 << 10, stdout);
        tokio::spawn(read(lines, Arc::clone(&state), sender));
        let (writer, requests) = mpsc::unbounded_channel();
        tokio::spawn(write(stdin, requests));
        let Ok(outcome) = timeout(INTRODUCTION, answer).await else {
            drop(writer);
            tokio::spawn(gone(client, passage));
            return Err(server.silent(INTRODUCTION));
        };
        let refused = match outcome {
            Ok(Ok(())) => None,
            // It was never on a session, so its end tells nobody anything.
            Ok(Err(words)) => Some(words),
            Err(_) => {
                let mut words = String::new();
                let _ = timeout(LEAVING, stderr.read_to_string(&mut words)).await;
                Some(words)
            }
        };
        client.may_be_killed = true;
        if let Some(words) = refused {
            let _ = server.run(&arrived(), super::STEP).await;
            return Err(match words.trim() {
                "" => TmuxError::Lost,
                words => server.error(words),
            });
        }
        let control = Self::over(Some(writer), state, events, server, Some(client));
        // Where that fails the connection is of no use, and what was said expires.
        control.request(&[arrived()], within(INTRODUCTION)).await?;
        drop(passage);
        Ok(control)
    }

    fn over(
        writer: Option<mpsc::UnboundedSender<Vec<u8>>>,
        state: Arc<Mutex<State>>,
        events: watch::Receiver<Events>,
        server: &Server,
        client: Option<Client>,
    ) -> Control {
        Control {
            writer: Mutex::new(writer),
            state,
            events,
            server: server.clone(),
            nonce: uuid::Uuid::now_v7().simple().to_string(),
            counter: std::sync::atomic::AtomicU64::new(0),
            client: Mutex::new(client),
        }
    }

    /// Ends the connection, behind the gate and when nobody is coming. Cancel safe: it is done in a
    /// task of its own, which is waited for only so long that no answer is given up for it.
    pub(super) async fn close(&self) {
        if let Some(leaving) = self.leaving() {
            let _ = timeout(GOODBYE, tokio::spawn(leaving.leave())).await;
        }
    }

    /// What is left to be ended, once.
    fn leaving(&self) -> Option<Leaving> {
        let client = self.take_client()?;
        let writer = &self.writer;
        let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (state, events) = (Arc::clone(&self.state), self.events.clone());
        let rest = Self::over(writer, state, events, &self.server, None);
        Some(Leaving { rest, client })
    }

    fn take_client(&self) -> Option<Client> {
        self.client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The server that it leads to.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// A name that no one else uses, for buffers and the like.
    pub(super) fn unique(&self) -> String {
        let number = self
            .counter
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("mosaic-{}-{number}", self.nonce)
    }

    /// Runs `lists`, each one atomic, and returns every reply block in order.
    pub(super) async fn request(
        &self,
        lists: &[CommandList],
        deadline: Instant,
    ) -> Result<Vec<Block>, TmuxError> {
        let sentinel = self.unique();
        let mut text = String::new();
        for list in lists {
            text.push_str(&list.line());
            text.push('\n');
        }
        text.push_str("display-message -p ");
        text.push_str(&sentinel);
        text.push('\n');
        let (reply, answer) = oneshot::channel();
        let started = Instant::now();
        {
            let mut state = lock(&self.state);
            if self.is_closed() {
                return Err(TmuxError::Lost);
            }
            state.pending.push_back(Pending {
                sentinel,
                blocks: Vec::new(),
                reply,
            });
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = writer.as_ref().map(|writer| writer.send(text.into_bytes()));
            if !matches!(sent, Some(Ok(()))) {
                return Err(TmuxError::Lost);
            }
        }
        timeout_at(deadline, answer)
            .await
            .map_err(|_| self.server.silent(started.elapsed()))?
            .map_err(|_| TmuxError::Lost)
    }

    /// As [`request`](Self::request), for what notifies all clients of the server: each of `lists`
    /// waits until nobody is coming. All of them may be run more than once; an empty reply comes before
    /// those of each but the first.
    pub(super) async fn request_quietly(
        &self,
        lists: &[CommandList],
        deadline: Instant,
    ) -> Result<Vec<Block>, TmuxError> {
        // Words that no pane can draw.
        let comes = self.unique();
        let lists = lists.iter().map(|list| unless_coming(list, &comes));
        let lists: Vec<CommandList> = lists.collect();
        loop {
            let mut blocks = self.request(&lists, deadline).await?;
            if !blocks.iter().any(|block| block.ok && block.text() == comes) {
                let empty = blocks.first().is_some_and(Block::is_empty);
                blocks.drain(..usize::from(empty));
                return Ok(blocks);
            }
            sleep(SOON).await;
        }
    }

    /// What has happened so far.
    pub(super) fn events(&self) -> Events {
        *self.events.borrow()
    }

    /// Waits until something has happened since `seen`, or until `deadline`. True if it has.
    pub(super) async fn changed(&self, seen: Events, deadline: Instant) -> bool {
        let mut events = self.events.clone();
        let changed = events.wait_for(|now| *now != seen);
        matches!(timeout_at(deadline, changed).await, Ok(Ok(_)))
    }

    /// The server is out of sight.
    pub(super) fn is_closed(&self) -> bool {
        self.events.borrow().closed
    }
}

async fn write(mut stdin: ChildStdin, mut requests: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(request) = requests.recv().await {
        if stdin.write_all(&request).await.is_err() {
            break;
        }
    }
}

/// How long a client may take to come.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// How long its turn to go is waited for.
const PASSING: Duration = Duration::from_secs(30);

/// How long a client may take to go.
const LEAVING: Duration = Duration::from_secs(5);

/// How long a goodbye holds its caller up.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection at its end.
struct Leaving {
    rest: Control,
    client: Client,
}

impl Leaving {
    async fn leave(mut self) {
        if matches!(self.client.process.try_wait(), Ok(Some(_))) {
            return;
        }
        // A link that is gone must not be waited for: nobody is told of anything over it.
        let gate = self.rest.server.gate();
        let _passage = timeout(PASSING, gate.enter()).await;
        // Who was killed half-way in may still be coming.
        let nothing = [CommandList::default()];
        let _ = self.rest.request_quietly(&nothing, within(LEAVING)).await;
        let writer = &self.rest.writer;
        writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if timeout(LEAVING, self.client.process.wait()).await.is_err() {
            let _ = self.client.process.kill().await;
            // A server that answers has seen its end, and told the others.
            let list = CommandList::new([command!["display-message", "-p", ""]]);
            let _ = self.rest.server.run(&list, super::STEP).await;
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let leaving = self.leaving();
        if let (Some(leaving), Ok(runtime)) = (leaving, tokio::runtime::Handle::try_current()) {
            runtime.spawn(leaving.leave());
        }
    }
}

/// The longest line that is kept. A longer one is nothing we asked for.
const LONGEST_LINE: usize = 64 << 20;

async fn read(
    mut lines: BufReader<ChildStdout>,
    state: Arc<Mutex<State>>,
    events: watch::Sender<Events>,
) {
    let mut parser = Parser::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) if line.len() > LONGEST_LINE => break,
            Ok(_) => {}
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        match parser.line(&line) {
            Some(Item::Own(block)) => deliver(&state, block),
            Some(Item::Foreign(block)) if !block.ok => {
                if let Some(attached) = lock(&state).attached.take() {
                    let _ = attached.send(Err(block.text()));
                }
            }
            Some(Item::Attached) => {
                if let Some(attached) = lock(&state).attached.take() {
                    let _ = attached.send(Ok(()));
                }
                events.send_modify(|events| events.lifecycle += 1);
            }
            Some(Item::Output(told)) => events.send_modify(|events| {
                events.output += 1;
                events.told = told.map(|told| (events.output, told)).or(events.told);
            }),
            Some(Item::Lifecycle) => events.send_modify(|events| events.lifecycle += 1),
            Some(Item::Exit) => break,
            Some(Item::Foreign(_)) | None => {}
        }
    }
    let mut state = lock(&state);
    events.send_modify(|events| events.closed = true);
    state.pending.clear();
    state.attached = None;
}

fn deliver(state: &Mutex<State>, block: Block) {
    let mut state = lock(state);
    let Some(first) = state.pending.front_mut() else {
        return;
    };
    let is_sentinel = block.ok
        && block.body.strip_suffix(b"\n").unwrap_or(&block.body) == first.sentinel.as_bytes();
    if !is_sentinel {
        first.blocks.push(block);
    } else if let Some(done) = state.pending.pop_front() {
        let _ = done.reply.send(done.blocks);
    }
}

/// The deadline `limit` from now.
pub(super) fn within(limit: Duration) -> Instant {
    Instant::now() + limit
}
