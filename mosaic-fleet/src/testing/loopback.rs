//! A web server of a test's own, on a loopback port and a thread of its own: for callers that block,
//! and for programs under test. It ends, with all its connections, when it is dropped.

use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// A running server.
#[derive(Debug)]
pub struct Loopback {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    /// Serves `router` on a free port.
    ///
    /// # Errors
    /// When there is no port or no thread for it.
    pub fn serve(router: Router) -> io::Result<Self> {
        Self::serve_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), router)
    }

    /// Serves `router` at the address of a server that was there before.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn serve_at(address: SocketAddr, router: Router) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // Not by the runtime: the caller may be in one of its own.
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("loopback".to_owned())
            .spawn(move || run(runtime, listener, router, stopped))?;
        Ok(Loopback {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for a browser, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// All connections are tasks of the runtime, and end with it.
fn run(runtime: Runtime, listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        // As servers do: a small piece is not held back until the one before it is acknowledged.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let serve = axum::serve(listener, router).into_future();
        tokio::select! {
            _ = serve => {}
            _ = stopped => {}
        }
    });
}

impl Drop for Loopback {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked where a handler did; the test has seen that already.
            let _ = thread.join();
        }
    }
}
