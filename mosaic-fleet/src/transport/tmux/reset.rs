//! Reset: the runtime's own command, typed as any text is, and done only when its proof is seen.

use std::time::Duration;

use super::Inner;
use super::caller::Caller;
use super::open::OpenPane;
use super::send::{Clock, Goal, Manner, type_out};
use crate::agent::AgentName;
use crate::error::{Error, Result, Stage};
use crate::message::Verdict;
use crate::options::{ResetOptions, ResetReport, SendOptions};
use crate::runtime::prepare;

pub(super) async fn reset(
    inner: &Inner,
    agent: &AgentName,
    options: &ResetOptions,
    caller: &Caller,
) -> Result<ResetReport> {
    let clock = Clock::start(options.timeout);
    let _turn = caller.or_gone(inner.turn(agent.as_str(), clock)).await?;
    let opening = OpenPane::agent(inner, agent, clock.deadline);
    let pane = caller.or_gone(opening).await?;
    let report = reset_in(inner, &pane, agent, options, clock, caller).await;
    inner.put_back(pane).await;
    report
}

async fn reset_in(
    inner: &Inner,
    pane: &OpenPane,
    agent: &AgentName,
    options: &ResetOptions,
    clock: Clock,
    caller: &Caller,
) -> Result<ResetReport> {
    let manifest = &pane.manifest;
    let Some((_, reset)) = manifest.reset_for(options.mode) else {
        let mode = options.mode.map_or("", |mode| mode.as_str());
        return Err(
            Error::unsupported(format!("reset {mode} of {}", manifest.name))
                .with_hint("restart the agent instead (mosaic-fleet restart)"),
        );
    };
    let allowed = SendOptions::new().with_allow_command(true);
    let outgoing = prepare(manifest, &reset.command, &allowed)?;
    let goal = Goal::Forgotten {
        proof: &reset.proof,
        force: options.force,
    };
    let manner = Manner {
        wait: None,
        key_repeats: allowed.key_repeats,
        goal,
    };
    let proven = type_out(inner, pane, &outgoing, manner, clock, caller).await?;
    if proven.verdict != Verdict::Submitted {
        return Err(Error::delivery_unknown(
            Stage::KeyPressed,
            format!(
                "{} was typed, and nothing proves that it was done",
                reset.command
            ),
        )
        .with_hint("look at its terminal (mosaic-fleet agent tail); a text sent now may be lost"));
    }
    if reset.gap_ms > 0 {
        // The one gap that no event ends: measured, and the manifest's own.
        tokio::time::sleep(Duration::from_millis(reset.gap_ms)).await;
    }
    Ok(ResetReport::new(
        agent.clone(),
        inner.info().to_string(),
        reset.command,
        proven.evidence,
        clock.started.elapsed(),
    ))
}
