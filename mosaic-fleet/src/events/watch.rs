//! Hearing that a log has grown: an event where the host has one.

use std::path::Path;

/// How long to go without an event where the host has none for files.
#[cfg(not(target_os = "linux"))]
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(250);

/// Watches the folder of one log.
#[derive(Debug)]
pub(crate) struct Watch {
    #[cfg(target_os = "linux")]
    handle: Option<tokio::io::unix::AsyncFd<rustix::fd::OwnedFd>>,
}

#[cfg(target_os = "linux")]
impl Watch {
    /// Watches the folder that `log` is in. Where that cannot be done it never hears anything.
    #[expect(
        deprecated,
        reason = "`AsyncFd::register` is unsafe for types that may close early; an OwnedFd cannot"
    )]
    pub(crate) fn of(log: &Path) -> Self {
        use rustix::fs::inotify;
        let open = || {
            let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
            let handle = inotify::init(flags).ok()?;
            let events = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE;
            inotify::add_watch(&handle, log.parent()?, events).ok()?;
            tokio::io::unix::AsyncFd::new(handle).ok()
        };
        Watch { handle: open() }
    }

    /// Returns when something was written since the last call. Cancel safe.
    pub(crate) async fn changed(&self) {
        let Some(handle) = &self.handle else {
            return std::future::pending().await;
        };
        if let Ok(mut ready) = handle.readable().await {
            let mut told = [0; 4096];
            while rustix::io::read(handle.get_ref(), &mut told).is_ok_and(|bytes| bytes > 0) {}
            ready.clear_ready();
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// This host tells nothing of the folder that `log` is in.
    pub(crate) fn of(_log: &Path) -> Self {
        Watch {}
    }

    /// Returns after a short while. Cancel safe.
    pub(crate) async fn changed(&self) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, EventLog, What};
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_heard_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::at(folder.path().join("agent/log"));
        log.begin().unwrap();
        let watch = Watch::of(log.path());
        log.append(&Event::now(What::Idle, "s")).unwrap();
        watch.changed().await;
        let again = tokio::time::timeout(std::time::Duration::from_millis(20), watch.changed());
        assert!(cfg!(not(target_os = "linux")) || again.await.is_err());
    }
}
