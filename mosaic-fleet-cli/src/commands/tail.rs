//! `agent tail`: what an agent shows.

use clap::Args;
use futures::{StreamExt, pin_mut};
use mosaic_fleet::{AgentName, Cursor, Fleet, Result, Tail as Piece, TailOptions};

use super::interrupted;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json;

/// Print the end of what an agent shows
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: AgentName,
    /// At most this many lines
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 80)]
    lines: usize,
    /// Go on with what comes, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// Only what came after this place: `next` of an earlier answer (--json)
    #[arg(long, value_name = "CURSOR", value_parser = |text: &str| Cursor::parse(text))]
    cursor: Option<Cursor>,
}

impl Tail {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let mut options = TailOptions::new().with_lines(self.lines);
        options.cursor.clone_from(&self.cursor);
        if self.follow {
            return self.follow(session, options).await;
        }
        let fleet = session.fleet()?;
        let piece = fleet.tail(&self.agent, options).await?;
        self.print(session, &piece)?;
        Ok(Answer::Done)
    }

    async fn follow(&self, session: &Session, options: TailOptions) -> Answered {
        let fleet = session.lasting_fleet()?;
        // The fleet's own tail says better what is wrong with a name.
        let first = fleet.tail(&self.agent, options.clone()).await?;
        self.print(session, &first)?;
        let Some(next) = first.next else {
            return Ok(Answer::Done);
        };
        let followed = self
            .pieces(session, &fleet, options.with_cursor(next))
            .await;
        fleet.close().await?;
        followed
    }

    /// Prints what comes. The stream ends with this call: it would keep the connection otherwise.
    async fn pieces(&self, session: &Session, fleet: &Fleet, options: TailOptions) -> Answered {
        let pieces = fleet.follow(&self.agent, options);
        let interrupted = interrupted();
        pin_mut!(pieces, interrupted);
        while !session.output.is_closed() {
            tokio::select! {
                ended = &mut interrupted => {
                    ended?;
                    break;
                }
                piece = pieces.next() => match piece {
                    Some(piece) => self.print(session, &piece?)?,
                    None => break,
                }
            }
        }
        Ok(Answer::Done)
    }

    fn print(&self, session: &Session, piece: &Piece) -> Result<()> {
        let output = &session.output;
        if output.is_json() {
            return output.document(&json::Tailed::new(&self.agent, piece));
        }
        if piece.gap && (self.follow || self.cursor.is_some()) {
            output.progress("… lines may be missing here\n");
        }
        let text: String = piece.lines.iter().flat_map(|line| [line, "\n"]).collect();
        output.stdout(&text)
    }
}
