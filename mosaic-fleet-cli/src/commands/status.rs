//! `status` and `agent status`: how the fleet is.

use std::io::IsTerminal;
use std::time::{Duration, SystemTime};

use clap::Args;
use mosaic_fleet::fleet::{AgentReport, FleetStatus};
use mosaic_fleet::{AgentName, AgentState, Fleet, Result};

use super::interrupted;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;

/// How often a watched status is asked again.
const REFRESH: Duration = Duration::from_secs(1);

/// Show how the agents are
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Which agents; all without any
    #[arg(value_name = "NAME")]
    names: Vec<AgentName>,
    /// Do not read the screens: who runs, and not what they do
    #[arg(long)]
    quick: bool,
    /// Go on until interrupted
    #[arg(long)]
    watch: bool,
}

impl Status {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        if self.watch {
            return self.watch(session).await;
        }
        let fleet = session.fleet()?;
        let status = fleet.status(&self.names, !self.quick).await?;
        print(session, &fleet, &status)
    }

    async fn watch(&self, session: &Session) -> Answered {
        let fleet = session.lasting_fleet()?;
        let in_place = std::io::stdout().is_terminal() && !session.output.is_json();
        let interrupted = interrupted();
        tokio::pin!(interrupted);
        while !session.output.is_closed() {
            let status = fleet.status(&self.names, !self.quick).await?;
            if in_place {
                session.output.stdout("\u{1b}[H\u{1b}[J")?;
            }
            print(session, &fleet, &status)?;
            tokio::select! {
                ended = &mut interrupted => {
                    ended?;
                    break;
                }
                () = tokio::time::sleep(REFRESH) => {}
            }
        }
        fleet.close().await?;
        Ok(Answer::Done)
    }
}

fn print(session: &Session, fleet: &Fleet, status: &FleetStatus) -> Answered {
    let output = &session.output;
    if output.is_json() {
        output.document(status)?;
    } else {
        output.result(&text(output.colours(), status))?;
        for agent in status
            .agents
            .iter()
            .filter(|agent| !agent.overridden.is_empty())
        {
            let file = fleet
                .home()
                .agents()
                .join(format!("{}.env", agent.status.name));
            let what = agent.overridden.join(", ");
            output.progress(&format!(
                "{}: {} changes {what}\n",
                agent.status.name,
                file.display()
            ));
        }
        for agent in &status.agents {
            let name = &agent.status.name;
            let answers =
                |fleet: &Fleet| Some(fleet.transport_of(name).ok()?.capabilities().answer);
            if agent.status.state == AgentState::Waiting && answers(fleet) == Some(true) {
                output.progress(&format!(
                    "{name} asks: `mosaic-fleet agent tail {name}` shows it, `mosaic-fleet agent \
                     answer {name} --choice N` (or --deny) answers\n"
                ));
            }
        }
        if status.agents.is_empty() && status.errors.is_empty() {
            output.progress("no agents; write a roster with `mosaic-fleet init --write`\n");
        }
    }
    for failed in &status.errors {
        output.error(&failed.error);
    }
    Ok(match status.errors.is_empty() {
        true => Answer::Done,
        false => Answer::Failed,
    })
}

/// The table and what owns the agents' home.
pub(super) fn text(colours: bool, status: &FleetStatus) -> String {
    let hosts = status
        .agents
        .iter()
        .any(|agent| agent.status.host.is_some());
    let mut header = vec!["NAME", "CLASS", "RUNTIME", "STATE", "SINCE", "EVIDENCE"];
    if hosts {
        header.insert(3, "HOST");
    }
    let mut table = human::table(colours, &header);
    let now = status.generated_at.unwrap_or_else(SystemTime::now);
    for agent in &status.agents {
        let seen = &agent.status;
        let mark = if agent.in_roster { "" } else { " !" };
        let plain = |text: &str| human::cell(text, None, colours);
        let mut row = vec![
            plain(&format!("{}{mark}", seen.name)),
            plain(agent.class.as_deref().unwrap_or("-")),
            plain(seen.runtime.as_deref().unwrap_or("-")),
            human::cell(seen.state, human::state_colour(seen.state), colours),
            plain(
                &seen
                    .since
                    .map(|since| human::ago(since, now))
                    .unwrap_or_default(),
            ),
            plain(&evidence(agent)),
        ];
        if hosts {
            row.insert(3, plain(seen.host.as_deref().unwrap_or("-")));
        }
        table.add_row(row);
    }
    let mut text = human::rendered(table);
    if status.agents.iter().any(|agent| !agent.in_roster) {
        text.push_str("! runs and is not in the roster; it is left alone\n");
    }
    if let Some(holder) = &status.holder {
        let pid = holder
            .pid
            .map(|pid| format!(", process {pid}"))
            .unwrap_or_default();
        let state = holder.state.as_str();
        text.push_str(&format!(
            "holder: {state}{pid}, supervisor: {}\n",
            holder.supervisor
        ));
    }
    text
}

fn evidence(agent: &AgentReport) -> String {
    let seen = &agent.status;
    let waits = seen.question.as_ref().or(seen.waiting_for.as_ref());
    match (seen.state, waits) {
        (AgentState::Waiting, Some(question)) if !seen.evidence.contains(question.as_str()) => {
            format!("{}: {question}", seen.evidence)
        }
        (AgentState::Dead, _) => {
            let exit = seen.exit_status.unwrap_or_default();
            match (exit.code, exit.signal) {
                // Its keeper has said so already.
                _ if seen.evidence.contains(" code ") || seen.evidence.contains(" signal ") => {
                    seen.evidence.clone()
                }
                (_, Some(signal)) => format!("{} (signal {signal})", seen.evidence),
                (Some(code), None) => format!("{} (code {code})", seen.evidence),
                (None, None) => seen.evidence.clone(),
            }
        }
        _ => seen.evidence.clone(),
    }
}

/// `agent status [A]`: the same for one.
pub(super) async fn one(session: &Session, names: &[AgentName]) -> Result<Answer> {
    let fleet = session.fleet()?;
    let status = fleet.status(names, true).await?;
    print(session, &fleet, &status)
}
