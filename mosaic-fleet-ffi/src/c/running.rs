//! A fleet and the runtime that its calls run on.

use std::sync::Arc;
use std::time::Duration;

use mosaic_fleet::{Error, ErrorKind, Fleet};
use tokio::runtime::{Builder, Handle as Current, Runtime};

use super::code::MF_CODE_WOULD_BLOCK;
use super::fleet::mf_fleet;
use super::guard::{Failure, Outcome};
use super::table::Handle;

/// How long freeing waits for transports in C to return.
const PATIENCE: Duration = Duration::from_secs(2);

/// A fleet that was opened, with its runtime. The runtime ends with the last handle.
pub(super) struct Running {
    fleet: Fleet,
    runtime: Option<Runtime>,
}

impl Handle for Running {
    type Opaque = mf_fleet;
    const NAME: &'static str = "mf_fleet";
}

/// Refuses to block a thread that others wait for: one of a runtime, ours or another.
pub(super) fn may_block() -> Outcome {
    match Current::try_current() {
        Err(_) => Ok(()),
        Ok(_) => {
            let error = Error::invalid_argument("a blocking function was called from a callback")
                .with_hint("call the variant with _async, or call from a thread of your own");
            let code = MF_CODE_WOULD_BLOCK;
            Err(Failure { code, error })
        }
    }
}

fn unexpected(error: std::io::Error) -> Failure {
    Error::new(ErrorKind::Unexpected, "the runtime's threads do not start")
        .with_source(error)
        .into()
}

/// Runs what needs no fleet, on this thread.
pub(super) fn block_on<T>(call: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    may_block()?;
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(unexpected)?.block_on(call)
}

impl Running {
    /// Opens a fleet inside the runtime that it is going to live on.
    pub(super) fn open(open: impl FnOnce() -> Outcome<Fleet>) -> Outcome<Arc<Self>> {
        may_block()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("mosaic-fleet")
            .enable_all()
            .build()
            .map_err(unexpected)?;
        let fleet = runtime.block_on(async { open() })?;
        let runtime = Some(runtime);
        Ok(Arc::new(Running { fleet, runtime }))
    }

    pub(super) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    fn runtime(&self) -> Outcome<&Runtime> {
        let runtime = self.runtime.as_ref();
        runtime.ok_or_else(|| Failure::unexpected("the runtime has ended"))
    }

    /// Runs a call and waits for its answer.
    pub(super) fn block_on<T>(&self, call: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        may_block()?;
        self.runtime()?.block_on(call)
    }

    /// Starts a call, which is abandoned when the last handle is freed.
    pub(super) fn spawn(&self, call: impl Future<Output = ()> + Send + 'static) -> Outcome {
        self.runtime()?.spawn(call);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        if may_block().is_ok() {
            runtime.shutdown_timeout(PATIENCE);
        } else {
            runtime.shutdown_background();
        }
    }
}
