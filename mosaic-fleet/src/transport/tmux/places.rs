//! Where a server's files are: its socket, the gate beside it, and our own folder.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::config::Socket;
use super::error::TmuxError;
use super::gate::Gate;
use super::private::private;
use super::server::Server;

impl Server {
    /// The gate that control clients of this server come and go through: a file beside the socket,
    /// so that every process that reaches the server reaches the gate, whatever its environment.
    pub(super) fn gate(&self) -> Gate {
        if self.config.remote.is_some() {
            return Gate::there(self.clone());
        }
        let socket = self.socket_path();
        Gate::new(beside(&socket), socket.exists())
    }

    /// The gate of a server that is about to be started.
    pub(super) fn first_gate(&self) -> Result<Gate, TmuxError> {
        if self.config.remote.is_some() {
            return Ok(self.gate());
        }
        let path = beside(&self.socket_path());
        if let Some(folder) = path.parent()
            && let Err(source) = DirBuilder::new().mode(0o700).create(folder)
            && source.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(TmuxError::File {
                path: folder.display().to_string(),
                source,
            });
        }
        Ok(Gate::new(path, true))
    }

    /// Where tmux puts the socket.
    pub(super) fn socket_path(&self) -> PathBuf {
        let name = match &self.config.socket {
            Socket::Path(path) => return path.clone(),
            Socket::Name(name) => name,
        };
        self.sockets_folder().join(name)
    }

    /// Where tmux puts the sockets that have a name.
    pub(super) fn sockets_folder(&self) -> PathBuf {
        let uid = rustix::process::getuid().as_raw();
        let asked = self.config.environment.get("TMUX_TMPDIR").map(Path::new);
        let folder = asked
            .filter(|folder| folder.is_dir())
            .unwrap_or(Path::new("/tmp"));
        folder.join(format!("tmux-{uid}"))
    }

    /// Our own folder for this socket, which no one else can read.
    pub(super) fn private_folder(&self) -> Result<PathBuf, TmuxError> {
        let label = match &self.config.socket {
            Socket::Name(name) => name.clone(),
            Socket::Path(path) => path.display().to_string().replace('/', "%"),
        };
        let base = self.private_base()?;
        let folder = base.join(label);
        private(&folder)?;
        Ok(folder)
    }

    /// Our own folder: in `$XDG_RUNTIME_DIR`, else in `$TMPDIR` under our user id.
    pub(super) fn private_base(&self) -> Result<PathBuf, TmuxError> {
        let environment = &self.config.environment;
        let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
        let base = match set("XDG_RUNTIME_DIR") {
            Some(runtime) => Path::new(runtime).join("mosaic-fleet"),
            None => {
                let uid = rustix::process::getuid().as_raw();
                let temporary = set("TMPDIR").map_or("/tmp", String::as_str);
                Path::new(temporary).join(format!("mosaic-fleet-{uid}"))
            }
        };
        private(&base)?;
        Ok(base)
    }
}

/// The lock file of a socket.
fn beside(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(".mosaic-gate");
    PathBuf::from(path)
}
