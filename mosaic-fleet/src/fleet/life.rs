//! Start, stop and restart: the plan of roster and reality, carried out agent by agent.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::talk::Kickstart;
use super::{Fleet, kickstart};
use crate::agent::{AgentName, AgentState};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Message, Receipt};
use crate::options::{ListOptions, SendOptions, StatusOptions};
use crate::roster::{Action, Actual, AgentSpec, CommandLine, StepKind, plan};
use crate::runtime::Launch;
use crate::supervise::HolderState;

/// How long a program may take to draw its composer before its kickstart is given up.
pub(super) const START_UP: Duration = Duration::from_secs(60);

/// How long a program that shows nothing yet is watched for ending at once.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Options of start, stop and restart.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LifeOptions {
    /// The first prompt after a start.
    pub kickstart: Kickstart,
    /// How long a program may take to end by itself.
    pub grace: Duration,
}

impl LifeOptions {
    /// The roster's kickstart, and five seconds to end.
    pub fn new() -> Self {
        LifeOptions {
            kickstart: Kickstart::Roster,
            grace: Duration::from_secs(5),
        }
    }

    /// Chooses the first prompt.
    #[must_use]
    pub fn with_kickstart(mut self, kickstart: Kickstart) -> Self {
        self.kickstart = kickstart;
        self
    }

    /// Sets how long a program may take to end by itself.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

impl Default for LifeOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of one agent.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// Whose outcome it is.
    pub agent: AgentName,
    /// What was to be done.
    pub what: StepKind,
    /// What came of the first prompt, if one was sent.
    pub kickstart: Option<Receipt>,
    /// Why it failed.
    pub error: Option<Error>,
}

impl Fleet {
    /// Has the agents run; all of the roster when `names` is empty. One that runs is left as it is.
    ///
    /// Goes on past a failure; `progress` is called for each agent as it is done.
    ///
    /// # Errors
    /// When nothing could be begun: unknown names, no way to start agents, no home for them. What
    /// fails for one agent is in its [`Outcome`].
    ///
    /// # Cancel safety
    /// A dropped call has started some of the agents.
    pub async fn start(
        &self,
        names: &[AgentName],
        options: &LifeOptions,
        progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        self.act(Action::Start, names, options, progress).await
    }

    /// Stops the agents; all of the roster when `names` is empty. With the last one, the home goes
    /// as well.
    ///
    /// # Errors
    /// As [`Fleet::start`].
    ///
    /// # Cancel safety
    /// A dropped call has stopped some of the agents.
    pub async fn stop(
        &self,
        names: &[AgentName],
        options: &LifeOptions,
        progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        self.act(Action::Stop, names, options, progress).await
    }

    /// Stops and starts the agents; all of the roster when `names` is empty.
    ///
    /// # Errors
    /// As [`Fleet::start`].
    ///
    /// # Cancel safety
    /// A dropped call may leave an agent stopped.
    pub async fn restart(
        &self,
        names: &[AgentName],
        options: &LifeOptions,
        progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        self.act(Action::Restart, names, options, progress).await
    }

    async fn act(
        &self,
        action: Action,
        names: &[AgentName],
        options: &LifeOptions,
        mut progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        let supervisor = self.supervisor()?;
        let actual = self.actual().await?;
        let plan = plan(&self.names(), &actual, action, names)?;
        let starts = action != Action::Stop && !plan.steps.is_empty();
        if starts {
            supervisor.prepare().await?;
        }
        let mut outcomes = Vec::new();
        for step in &plan.steps {
            let mut outcome = self.step(&step.agent, step.what, options).await;
            if outcome.what == StepKind::AlreadyRunning {
                match supervisor.adopt(&step.agent).await {
                    Ok(true) => outcome.what = StepKind::Adopt,
                    Ok(false) => {}
                    Err(error) => outcome.error = Some(error.with_agent(&step.agent)),
                }
            }
            progress(&outcome);
            outcomes.push(outcome);
        }
        let left = self.actual().await.is_ok_and(|actual| actual.is_empty());
        if action == Action::Stop && left && supervisor.holder().await?.state == HolderState::Up {
            supervisor.release().await?;
        }
        Ok(outcomes)
    }

    async fn actual(&self) -> Result<Vec<Actual>> {
        if self.supervisor()?.holder().await?.state == HolderState::Down {
            return Ok(Vec::new());
        }
        let options = ListOptions::new().with_composer(false);
        match self.inner.transport.list(options).await {
            Ok(found) => Ok(found
                .into_iter()
                .map(|status| Actual::new(status.name, status.state))
                .collect()),
            Err(error) => Err(error),
        }
    }

    async fn step(&self, name: &AgentName, what: StepKind, options: &LifeOptions) -> Outcome {
        let mut outcome = Outcome {
            agent: name.clone(),
            what,
            kickstart: None,
            error: None,
        };
        match self.carry_out(name, what, options).await {
            Ok(receipt) => outcome.kickstart = receipt,
            Err(error) => outcome.error = Some(error.with_agent(name)),
        }
        outcome
    }

    async fn carry_out(
        &self,
        name: &AgentName,
        what: StepKind,
        options: &LifeOptions,
    ) -> Result<Option<Receipt>> {
        let supervisor = self.supervisor()?;
        if what.is_idle() {
            return Ok(None);
        }
        let starting = |error: Error| error.with_operation("start");
        // Everything that can be wrong is looked at before anything is stopped.
        let next = if what == StepKind::Stop {
            None
        } else {
            let agent = self.agent(name)?;
            let launch = self.launch_of(agent).map_err(starting)?;
            let prompt = self
                .first_prompt(agent, &options.kickstart)
                .map_err(starting)?;
            Some((launch, prompt))
        };
        if matches!(what, StepKind::Stop | StepKind::Restart | StepKind::Replace) {
            let stopped = supervisor.stop(name, options.grace).await;
            stopped.map_err(|error| error.with_operation("stop"))?;
        }
        let Some((launch, prompt)) = next else {
            return Ok(None);
        };
        supervisor.start(&launch).await.map_err(starting)?;
        self.still_runs(name).await?;
        self.kickstart(name, prompt, START_UP).await
    }

    /// A program that ended at once did not start, whatever its launcher said.
    async fn still_runs(&self, name: &AgentName) -> Result<()> {
        let options = StatusOptions::new();
        let transport = &self.inner.transport;
        let mut status = transport.status(name, options.clone()).await?;
        let undecided = [AgentState::Starting, AgentState::Unknown];
        if undecided.contains(&status.state) && transport.capabilities().events {
            let options = options.with_wait(status.state, AT_ONCE);
            status = transport.status(name, options).await?;
        }
        if status.state != AgentState::Dead {
            return Ok(());
        }
        let code = status.exit_status.and_then(|exit| exit.code);
        let with = code.map_or_else(String::new, |code| format!(" with code {code}"));
        Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("its program ended at once{with}"),
        )
        .with_operation("start")
        .with_hint(format!(
            "see what it said: mosaic-fleet agent tail {name}; `mosaic-fleet doctor` checks its program"
        )))
    }

    /// The first prompt, rendered.
    pub(super) fn first_prompt(
        &self,
        agent: &AgentSpec,
        kickstart: &Kickstart,
    ) -> Result<Option<String>> {
        let template = match kickstart {
            Kickstart::None => return Ok(None),
            Kickstart::Template(template) => template.clone(),
            Kickstart::Roster => match &agent.kickstart_template {
                None => return Ok(None),
                Some(crate::roster::Kickstart::Text(text)) => text.clone(),
                Some(crate::roster::Kickstart::File { file }) => self.read_template(file)?,
            },
        };
        let text = kickstart::render(&template, &self.inner.roster, agent)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Sends the first prompt, waiting for the program to be ready for it.
    pub(super) async fn kickstart(
        &self,
        name: &AgentName,
        prompt: Option<String>,
        wait: Duration,
    ) -> Result<Option<Receipt>> {
        let Some(prompt) = prompt else {
            return Ok(None);
        };
        let options = SendOptions::new().with_wait(wait);
        let sent = self
            .inner
            .transport
            .send(name, Message::new(prompt), options);
        sent.await
            .map(Some)
            .map_err(|error| error.with_operation("kickstart"))
    }

    fn read_template(&self, file: &str) -> Result<String> {
        let path = match file.strip_prefix("~/") {
            Some(rest) => self.inner.user_home.join(rest),
            None => self.inner.home.path.join("fleet").join(file),
        };
        std::fs::read_to_string(&path).map_err(|error| {
            Error::config_invalid(format!(
                "cannot read the kickstart template {}",
                path.display()
            ))
            .with_source(error)
        })
    }

    /// What it takes to start an agent, once everything about it was found in order.
    pub(super) fn launch_of(&self, agent: &AgentSpec) -> Result<Launch> {
        let inner = &self.inner;
        self.on_this_host(agent)?;
        let runtime = self.runtime_of(agent);
        let manifest = inner.catalog.get(&runtime)?;
        let command = match inner.roster.command(agent) {
            Some(command) => command.argv(),
            None => manifest.launch.clone(),
        };
        let directory = inner.roster.working_directory(agent, &inner.user_home);
        if !directory.is_dir() {
            let missing = format!("no working directory {}", directory.display());
            return Err(Error::config_invalid(missing)
                .with_hint("make it, or change `working_directory` in the roster"));
        }
        let events = inner.events.join(format!("{}.jsonl", agent.name));
        let mut environment = vec![(
            "MOSAIC_AGENT_EVENTS".to_owned(),
            events.display().to_string(),
        )];
        let own = inner.roster.env(agent);
        environment.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        Ok(Launch::new(agent.name.clone(), runtime, command, directory)
            .with_environment(environment))
    }

    /// The program of an agent that is nowhere on the agents' PATH; nothing where it is there, or
    /// the command is a shell line that does not begin with a plain program.
    pub(super) fn missing_program(&self, agent: &AgentSpec, launch: &Launch) -> Option<String> {
        let program = self.program_of(agent, launch)?;
        self.on_path(&program).is_none().then_some(program)
    }

    /// The program that an agent's command begins with, where that is plain to see.
    pub(super) fn program_of(&self, agent: &AgentSpec, launch: &Launch) -> Option<String> {
        let program = match self.inner.roster.command(agent) {
            // A shell line: its first word.
            Some(CommandLine::Shell(line)) => line.split_whitespace().next().unwrap_or_default(),
            _ => launch.command.first().map_or("", String::as_str),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+".contains(c);
        program.chars().all(plain).then(|| program.to_owned())
    }

    /// Where a program is found, as the agents' own PATH has it.
    pub(super) fn on_path(&self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(|path| path.is_file());
        }
        let path = self.inner.path.as_deref()?;
        std::env::split_paths(path)
            .map(|folder| folder.join(program))
            .find(|candidate| candidate.is_file())
    }
}
