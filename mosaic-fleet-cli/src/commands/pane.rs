//! `pane send`: a text for any tmux pane, in a roster or not. The one place here that knows tmux.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mosaic_fleet::transport::tmux::{Destination, PaneTarget, Socket, TmuxConfig, TmuxTransport};
use mosaic_fleet::{Error, Message, Result, Sender};

use super::send::{Limits, report};
use super::text::Text;
use crate::app::{Answered, Session};
use crate::values;

/// Talk to tmux panes outside of a roster
#[derive(Debug, Subcommand)]
pub(crate) enum Pane {
    Send(Box<Send>),
}

/// Type a text into a pane, once, and say what proves that its program took it
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// NAME, =NAME, NAME:WINDOW.PANE or %PANE; always exact, never a prefix
    #[arg(short, long, value_name = "TARGET", value_parser = PaneTarget::parse)]
    target: PaneTarget,
    /// The server's socket by name; without -L and -S: the server of $TMUX, else tmux's default
    #[arg(short = 'L', value_name = "SOCKET", value_parser = |name: &str| Socket::name(name))]
    socket_name: Option<Socket>,
    /// The server's socket by path
    #[arg(short = 'S', value_name = "PATH", conflicts_with = "socket_name")]
    socket_path: Option<PathBuf>,
    /// The host of the pane, as ssh knows it
    #[arg(short = 'H', value_name = "USER@HOST", value_parser = |host: &str| Destination::new(host))]
    remote: Option<Destination>,
    /// The program that runs there; `auto` looks
    #[arg(long, value_name = "auto|NAME", default_value = "auto")]
    runtime: String,
    /// Put `[host:session -> host:target]` before the text
    #[arg(long)]
    preamble: bool,
    /// Who sends; with it there is a preamble
    #[arg(long, value_name = "HOST:SESSION", value_parser = Sender::parse)]
    from: Option<Sender>,
    /// The target's host as the preamble names it
    #[arg(short = 'n', value_name = "HOST")]
    host: Option<String>,
    /// How often the submit key may be repeated while the text still stands in the composer
    #[arg(short = 'r', value_name = "KEY_REPEATS", default_value_t = 2)]
    key_repeats: u32,
    /// The text in base64
    #[arg(short, value_name = "BASE64", conflicts_with_all = ["message", "file"])]
    base64: Option<String>,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    limits: Limits,
}

impl Pane {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self {
            Pane::Send(send) => Box::pin(send.run(session)).await,
        }
    }
}

impl Send {
    async fn run(&self, session: &Session) -> Answered {
        let mut config = TmuxConfig::new(self.socket(session)?, session.environment.clone())?;
        if let Some(remote) = &self.remote {
            config = config.on(remote.clone());
        }
        // Agents of the fleet may run programs that only its roster knows. No roster is needed.
        if let Ok(fleet) = session.fleet() {
            config.catalog = fleet.catalog().clone();
        }
        if let Some(host) = &self.host {
            // What could not be a sender could not be a receiver either.
            config.host = Sender::new(host, "?")?.host().to_owned();
        }
        let transport = TmuxTransport::one_shot(config);
        let mut message = Message::new(self.read()?);
        message.from = match (&self.from, self.preamble) {
            (Some(from), _) => Some(from.clone()),
            (None, true) => Some(transport.sender().await),
            (None, false) => None,
        };
        let runtime = Some(self.runtime.as_str()).filter(|name| *name != "auto");
        let options = self.limits.options().with_key_repeats(self.key_repeats);
        let sent = transport.send_to_pane(&self.target, runtime, message, options);
        let answers = [(self.target.to_string(), sent.await)];
        report(session, &answers)
    }

    fn socket(&self, session: &Session) -> Result<Socket> {
        if let Some(name) = &self.socket_name {
            return Ok(name.clone());
        }
        if let Some(path) = &self.socket_path {
            return Ok(Socket::Path(path.clone()));
        }
        if let Some(socket) = &session.globals.socket {
            return Socket::parse(socket);
        }
        // The caller's own server is on this host.
        let here = session
            .environment
            .get("TMUX")
            .filter(|_| self.remote.is_none());
        match here.and_then(|tmux| tmux.split(',').next()) {
            Some(path) if !path.is_empty() => Ok(Socket::Path(path.into())),
            _ => Socket::name("default"),
        }
    }

    fn read(&self) -> Result<String> {
        let Some(encoded) = &self.base64 else {
            return self.text.read();
        };
        let bytes = values::base64(encoded)
            .ok_or_else(|| Error::invalid_argument("the text of -b is not base64"))?;
        String::from_utf8(bytes).map_err(|error| {
            Error::invalid_argument("the text of -b is not UTF-8").with_source(error)
        })
    }
}
