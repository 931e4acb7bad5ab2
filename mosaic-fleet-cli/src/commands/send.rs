//! `agent send`, and how any send is reported.

use std::time::Duration;

use clap::Args;
use comfy_table::Color;
use mosaic_fleet::{
    AgentName, Error, Fleet, Message, Receipt, Result, SendOptions, Sender, Verdict,
};

use super::text::Text;
use crate::app::{Answered, Session};
use crate::exit::{self, Answer};
use crate::output::{human, json};
use crate::values;

/// Give agents a message, once, and say what proves that they took it
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// To whom
    #[arg(value_name = "AGENT", required_unless_present_any = ["class", "all"])]
    agents: Vec<AgentName>,
    /// To every agent of this class
    #[arg(long, conflicts_with_all = ["agents", "all"])]
    class: Option<String>,
    /// To every agent
    #[arg(long, conflicts_with = "agents")]
    all: bool,
    #[command(flatten)]
    text: Text,
    /// Who sends, for the preamble; without it, the pane that this runs in
    #[arg(long, value_name = "HOST:SESSION", value_parser = Sender::parse)]
    from: Option<Sender>,
    /// Send the bare text, without `[host:session -> host:agent]` before it
    #[arg(long, conflicts_with = "from")]
    no_preamble: bool,
    #[command(flatten)]
    limits: Limits,
    /// Calling again with the same key within a day returns the first receipt and types nothing
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// What any send may be told about time and texts.
#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// How long an agent may take to be ready for the text (30s, 5m, 1h30m)
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    wait: Option<Duration>,
    /// The deadline of the whole call [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
    /// Take a text that the program would run as a command
    #[arg(long)]
    allow_command: bool,
    /// Drop control characters instead of refusing the text
    #[arg(long)]
    strip_control: bool,
}

impl Limits {
    pub(crate) fn options(&self) -> SendOptions {
        let mut options = SendOptions::new()
            .with_allow_command(self.allow_command)
            .with_strip_control(self.strip_control);
        options.wait = self.wait;
        options.timeout = self.timeout.unwrap_or(options.timeout);
        options
    }
}

impl Send {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let agents = self.agents(&fleet)?;
        let mut message = Message::new(self.text.read()?);
        message.from = match (&self.from, self.no_preamble) {
            (Some(from), _) => Some(from.clone()),
            (None, true) => None,
            (None, false) => fleet.sender().await,
        };
        let mut options = self.limits.options();
        options.idempotency_key.clone_from(&self.idempotency_key);
        let answers = fleet.send_each(&agents, &message, &options).await;
        let answers: Vec<_> = answers
            .into_iter()
            .map(|(name, answer)| (name.to_string(), answer))
            .collect();
        report(session, &answers)
    }

    fn agents(&self, fleet: &Fleet) -> Result<Vec<AgentName>> {
        if let Some(class) = &self.class {
            return fleet.class(class);
        }
        let mut agents = self.agents.clone();
        if self.all {
            agents = fleet.names();
        }
        if agents.is_empty() {
            return Err(Error::invalid_argument("the roster has no agents")
                .with_operation("send")
                .with_hint("name one, or write a roster: mosaic-fleet init --write"));
        }
        // Named twice is still once.
        let mut once = Vec::with_capacity(agents.len());
        for agent in agents {
            if !once.contains(&agent) {
                once.push(agent);
            }
        }
        Ok(once)
    }
}

/// Prints what became of a text, and answers with the worst of it.
pub(super) fn report(session: &Session, answers: &[(String, Result<Receipt>)]) -> Answered {
    let output = &session.output;
    if output.is_json() {
        output.document(&json::Sent::new(answers))?;
    } else if let [(_, Ok(receipt))] = answers {
        output.success(&format!("{}\n", human::receipt(receipt)))?;
    } else if answers.len() > 1 {
        output.success(&table(output.colours(), answers))?;
    }
    for (_, answer) in answers {
        match answer {
            Err(error) => output.error(error),
            Ok(receipt) if receipt.verdict == Verdict::Unconfirmed => output.warning(&format!(
                "{}: look before you send again (mosaic-fleet agent tail {})",
                receipt.agent, receipt.agent
            )),
            Ok(_) => {}
        }
    }
    Ok(exit::worst(answers.iter().map(
        |(_, answer)| match answer {
            Ok(receipt) => Answer::from(receipt),
            Err(error) => Answer::from(error),
        },
    )))
}

fn table(colours: bool, answers: &[(String, Result<Receipt>)]) -> String {
    let mut table = human::table(colours, &["AGENT", "RESULT", "EVIDENCE", "TIME"]);
    for (agent, answer) in answers {
        let (words, colour, evidence, took) = match answer {
            Ok(receipt) => {
                let colour = match Answer::from(receipt) {
                    Answer::Done => Color::Green,
                    _ => Color::Yellow,
                };
                let took = human::took(receipt.elapsed);
                (
                    receipt.verdict.as_str(),
                    colour,
                    human::evidence(&receipt.evidence),
                    took,
                )
            }
            Err(error) => (
                error.kind().as_str(),
                Color::Red,
                error.message().to_owned(),
                String::new(),
            ),
        };
        table.add_row([
            human::cell(agent, None, colours),
            human::cell(words, Some(colour), colours),
            human::cell(evidence, None, colours),
            human::cell(took, None, colours),
        ]);
    }
    human::rendered(table)
}
