//! How agents are: one listing for everyone, their screens in one pipelined write.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::command::{CommandList, command};
use super::control::{Control, within};
use super::ear::Heard;
use super::error::TmuxError;
use super::open::{OpenPane, read_pane};
use super::programs::Programs;
use super::protocol::Block;
use super::screen::{Capture, Look, look, look_list, pane_of_look, read_look, split_looks};
use super::target::{Row, find, list_panes, pane_of, rows};
use super::{Inner, STEP};
use crate::agent::{AgentName, AgentState, AgentStatus, ExitStatus};
use crate::error::Result;
use crate::options::{ListOptions, StatusOptions};
use crate::runtime::Manifest;
use crate::runtime::process::{Program, exit_not_waited_for};

/// How long after its start a program without a composer is still said to be starting.
const START_UP: Duration = Duration::from_secs(60);

/// A lasting connection and what was last seen over it.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    link: Option<Link>,
}

/// A connection for looking, on the holder's session.
#[derive(Debug, Clone)]
struct Link {
    control: Arc<Control>,
    capture: Capture,
    /// The live panes of the last listing: their screens are asked for together with the next one.
    known: Vec<Row>,
}

impl Lasting {
    pub(super) async fn disconnect(&mut self) {
        if let Some(link) = self.link.take() {
            link.control.close().await;
        }
    }
}

impl Inner {
    /// The lasting connection, made anew if it was lost.
    pub(super) async fn lasting_control(
        &self,
        deadline: Instant,
    ) -> Result<Option<(Arc<Control>, Capture)>, TmuxError> {
        let Some(lasting) = &self.lasting else {
            return Ok(None);
        };
        let mut lasting = lasting.lock().await;
        let link = self.linked(&mut lasting, deadline).await?;
        Ok(Some((Arc::clone(&link.control), link.capture)))
    }

    async fn linked<'a>(
        &self,
        lasting: &'a mut Lasting,
        deadline: Instant,
    ) -> Result<&'a mut Link, TmuxError> {
        if lasting
            .link
            .as_ref()
            .is_none_or(|link| link.control.is_closed())
        {
            lasting.link = None;
        }
        match lasting.link {
            Some(ref mut link) => Ok(link),
            None => Ok(lasting.link.insert(self.link(deadline).await?)),
        }
    }

    /// A connection to the holder's session; to any other where there is no holder.
    async fn link(&self, deadline: Instant) -> Result<Link, TmuxError> {
        let holder = format!("={}:", self.server.config.holder);
        let control = match Control::attach(&self.server, &holder, false, deadline).await {
            Err(TmuxError::NoSession(_)) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let rows = self.server.panes(None, left).await?;
                let any = rows.first().ok_or_else(|| TmuxError::Deserted {
                    socket: self.server.config.socket.label(),
                })?;
                Control::attach(&self.server, &any.identity.session_id, false, deadline).await?
            }
            attached => attached?,
        };
        let list = CommandList::new([command!["display-message", "-p", "#{version}"]]);
        let version = control.request(&[list], deadline).await?;
        let version = version.first().map(Block::text).unwrap_or_default();
        Ok(Link {
            control: Arc::new(control),
            capture: Capture::for_version(&version),
            known: Vec::new(),
        })
    }
}

/// Everyone, ordered by name.
pub(super) async fn list(inner: &Inner, options: &ListOptions) -> Result<Vec<AgentStatus>> {
    let deadline = within(options.timeout);
    if !options.composer && inner.lasting.is_none() {
        let all = inner.server.panes(None, options.timeout).await?;
        return Ok(statuses(inner, &all, &HashMap::new(), &Programs::Here));
    }
    // Asked side by side: over a slow link each is a round trip.
    let (seen, programs) = futures::future::join(
        seen(inner, options.composer, deadline),
        Programs::of(&inner.server, options.timeout),
    )
    .await;
    let (all, looks) = seen?;
    Ok(statuses(inner, &all, &looks, &programs))
}

/// The panes of agents, and their screens where they are asked for.
async fn seen(
    inner: &Inner,
    screens: bool,
    deadline: Instant,
) -> Result<(Vec<Row>, HashMap<String, Look>), TmuxError> {
    if let Some(lasting) = &inner.lasting {
        let mut lasting = lasting.lock().await;
        let link = inner.linked(&mut lasting, deadline).await?;
        let seen = survey(link, screens, deadline).await?;
        link.known.clone_from(&seen.0);
        return Ok(seen);
    }
    let link = match inner.link(deadline).await {
        Err(TmuxError::Deserted { .. }) => return Ok((Vec::new(), HashMap::new())),
        link => link?,
    };
    let seen = survey(&link, screens, deadline).await;
    link.control.close().await;
    seen
}

/// Lists the panes and looks at those of agents. One round trip where the panes were known.
async fn survey(
    link: &Link,
    screens: bool,
    deadline: Instant,
) -> Result<(Vec<Row>, HashMap<String, Look>), TmuxError> {
    let mut looks = HashMap::new();
    let known: Vec<&Row> = link
        .known
        .iter()
        .filter(|row| screens && !row.dead)
        .collect();
    let mut lists = vec![CommandList::new([list_panes(None)])];
    lists.extend(look_lists(link, &known));
    let blocks = link
        .capture
        .request(&link.control, &lists, deadline)
        .await?;
    let Some((listing, rest)) = blocks.split_first() else {
        return Err(TmuxError::Protocol("no list of panes".to_owned()));
    };
    if !listing.ok {
        return Err(TmuxError::Protocol(listing.text()));
    }
    let all = rows(&listing.body);
    if screens {
        gather(link, &known, rest, &mut looks);
        let new: Vec<&Row> = all
            .iter()
            .filter(|row| !row.dead && is_agent(row) && !looks.contains_key(&row.identity.pane_id))
            .collect();
        if !new.is_empty() {
            let lists = look_lists(link, &new);
            let blocks = link
                .capture
                .request(&link.control, &lists, deadline)
                .await?;
            gather(link, &new, &blocks, &mut looks);
        }
    }
    Ok((all.into_iter().filter(is_agent).collect(), looks))
}

fn is_agent(row: &Row) -> bool {
    AgentName::new(row.identity.session.as_str()).is_ok()
}

fn look_lists(link: &Link, rows: &[&Row]) -> Vec<CommandList> {
    rows.iter()
        .map(|row| look_list(&link.control, link.capture, &row.identity.target(), 0))
        .collect()
}

fn gather(link: &Link, rows: &[&Row], blocks: &[Block], looks: &mut HashMap<String, Look>) {
    let of_pane: HashMap<&str, &Row> = rows
        .iter()
        .map(|row| (row.identity.pane_id.as_str(), *row))
        .collect();
    for blocks in split_looks(blocks) {
        let row = pane_of_look(blocks).and_then(|pane| of_pane.get(pane));
        let look = row.and_then(|row| read_look(&row.identity, link.capture, blocks, 0));
        if let Some((row, look)) = row.zip(look) {
            looks.insert(row.identity.pane_id.clone(), look);
        }
    }
}

fn statuses(
    inner: &Inner,
    all: &[Row],
    looks: &HashMap<String, Look>,
    programs: &Programs,
) -> Vec<AgentStatus> {
    let mut of_session: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in all {
        let session = row.identity.session.as_str();
        of_session.entry(session).or_default().push(row);
    }
    of_session
        .into_iter()
        .filter_map(|(session, rows)| {
            let name = AgentName::new(session).ok()?;
            let row = pane_of(rows, session)?;
            let look = looks.get(&row.identity.pane_id);
            Some(status_of(inner, name, row, look, None, programs))
        })
        .collect()
}

/// What a row and a look tell of an agent.
fn status_of(
    inner: &Inner,
    name: AgentName,
    row: &Row,
    look: Option<&Look>,
    heard: Option<Heard>,
    programs: &Programs,
) -> AgentStatus {
    let transport = inner.info().to_string();
    let manifest = inner.manifest_of(Some(&name), &row.runtime).ok();
    let mut status = match (
        row.dead || look.is_some_and(|look| look.dead),
        look,
        &manifest,
    ) {
        (true, _, _) => {
            AgentStatus::new(name, transport, AgentState::Dead, "its program has ended")
        }
        (false, Some(look), Some(manifest)) => {
            let heard =
                heard.unwrap_or_else(|| Heard::by_hooks(&inner.server, &row.agent, manifest));
            read_status(name, transport, row, look, manifest, &heard, programs)
        }
        (false, None, _) => AgentStatus::new(
            name,
            transport,
            AgentState::Unknown,
            "its program runs; the composer was not read",
        ),
        (false, Some(_), None) => {
            let evidence = format!("no manifest for runtime {:?}", row.runtime);
            AgentStatus::new(name, transport, AgentState::Unknown, evidence)
        }
    };
    if status.state == AgentState::Dead {
        let told = look
            .filter(|look| look.dead)
            .map_or(row.exit, |look| look.exit);
        let here = inner.server.config.remote.is_none();
        let not_waited_for = || {
            let identity = Some(&row.identity).filter(|_| here)?;
            exit_not_waited_for(identity.pane_pid, identity.server)
        };
        status.exit_status = match told {
            ExitStatus {
                code: None,
                signal: None,
            } => not_waited_for().or(Some(told)),
            told => Some(told),
        };
    }
    status.since = row.ended.or(row.activity);
    status.host = inner.server.config.remote.as_ref().map(ToString::to_string);
    status.runtime = manifest
        .map(|manifest| manifest.name.clone())
        .or_else(|| Some(row.runtime.clone()).filter(|runtime| !runtime.is_empty()));
    status
}

fn read_status(
    name: AgentName,
    transport: String,
    row: &Row,
    look: &Look,
    manifest: &Manifest,
    heard: &Heard,
    programs: &Programs,
) -> AgentStatus {
    if !manifest.processes.is_empty()
        && let Program::Other(program) =
            programs.foreground(&row.identity, &look.front, &manifest.processes)
    {
        let evidence = format!("{} does not run, {program} does", manifest.name);
        return AgentStatus::new(name, transport, AgentState::Unknown, evidence);
    }
    let (reading, decided) = read_pane(manifest, row, look, heard, programs);
    let found = |what: &str| {
        let mut seen = reading.seen.iter().filter(|seen| seen.what == what);
        seen.find_map(|seen| seen.found.clone())
    };
    let young = row
        .created
        .and_then(|created| SystemTime::now().duration_since(created).ok())
        .is_some_and(|age| age < START_UP);
    let (state, evidence) = match reading.state {
        AgentState::Unknown if young => (AgentState::Starting, "no composer yet".to_owned()),
        AgentState::Unknown => (AgentState::Unknown, "no composer on the screen".to_owned()),
        AgentState::Waiting => (AgentState::Waiting, found("dialog").unwrap_or_default()),
        AgentState::Queued => (AgentState::Queued, found("queued").unwrap_or_default()),
        AgentState::Working => (AgentState::Working, found("busy").unwrap_or_default()),
        state => (state, "composer drawn, no turn running".to_owned()),
    };
    let evidence = decided.unwrap_or_else(|| format!("screen: {evidence}"));
    let mut status = AgentStatus::new(name, transport, state, evidence);
    if let Some(question) = reading.question {
        status.waiting_for = Some(question.waiting_for);
        status.question = Some(question.text);
    }
    status
}

/// One agent; with a wait, as soon as its state is another.
pub(super) async fn status(
    inner: &Inner,
    name: &AgentName,
    options: &StatusOptions,
) -> Result<AgentStatus> {
    let deadline = within(options.timeout);
    let Some(wait) = options.wait else {
        return once(inner, name, deadline).await;
    };
    let pane = OpenPane::agent(inner, name, deadline).await?;
    let status = changed(inner, name, options, &pane, within(wait)).await;
    inner.put_back(pane).await;
    match status? {
        Some(status) => Ok(status),
        // The session was closed or made anew: whatever is there now is the answer.
        None => once(inner, name, within(STEP)).await,
    }
}

/// Watches a pane until its state is another. Nothing when the pane is gone.
async fn changed(
    inner: &Inner,
    name: &AgentName,
    options: &StatusOptions,
    pane: &OpenPane,
    limit: Instant,
) -> Result<Option<AgentStatus>> {
    let mut end = pane.programs().end_of(&pane.row.identity);
    loop {
        let seen = pane.control.events();
        let look = match pane.look(0, limit + STEP).await {
            Ok(look) => look,
            // A session that is closed takes our connection with it.
            Err(TmuxError::NoSession(_) | TmuxError::Lost) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let status = status_of(
            inner,
            name.clone(),
            &pane.row,
            Some(&look),
            Some(pane.heard()),
            &pane.programs(),
        );
        if options.changed_from != Some(status.state) || Instant::now() >= limit {
            return Ok(Some(status));
        }
        tokio::select! {
            _ = pane.changed(seen, limit) => {}
            () = end.wait() => {}
        }
    }
}

async fn once(inner: &Inner, name: &AgentName, deadline: Instant) -> Result<AgentStatus> {
    let (row, seen) = match inner.lasting_control(deadline).await? {
        Some((control, capture)) => match find(&control, name, deadline).await {
            Ok(row) => {
                let seen = look(&control, capture, &row.identity, 0, deadline).await;
                (row, seen)
            }
            Err(TmuxError::NoSession(_)) => return Err(inner.unknown_agent(name, deadline).await),
            Err(error) => return Err(error.into()),
        },
        None => {
            let pane = OpenPane::agent(inner, name, deadline).await?;
            let seen = pane.look(0, deadline).await;
            let row = pane.row.clone();
            pane.close().await;
            (row, seen)
        }
    };
    let look = match seen {
        Ok(look) => Some(look),
        Err(TmuxError::NoSession(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let programs = Programs::of(&inner.server, left).await;
    let name = name.clone();
    Ok(status_of(inner, name, &row, look.as_ref(), None, &programs))
}
