//! Wrappers that every transport gets: capability check, deadline, tracing.
//!
//! They know the contract and nothing of any backend. [`standard`] puts them in order; the
//! [`Registry`](crate::Registry) applies it to whatever it opens.

mod capability_check;
mod timeout;
mod trace;

use std::sync::Arc;

pub use capability_check::CapabilityCheck;
pub use timeout::{Deadline, GRACE};
pub use trace::Trace;

use crate::agent::AgentName;
use crate::error::Error;
use crate::transport::{DynTransport, TransportInfo};

/// Puts the layers around a transport that are always on.
///
/// From the outside in: [`Trace`], so that refused requests are seen too; [`CapabilityCheck`];
/// [`Deadline`], nearest to the code that may hang. Wrapping twice does no harm.
pub fn standard(transport: DynTransport) -> DynTransport {
    let bounded = Arc::new(Deadline::new(transport));
    let checked = Arc::new(CapabilityCheck::new(bounded));
    Arc::new(Trace::new(checked))
}

/// Says where an error happened, where it does not say so itself.
fn explain(
    error: Error,
    operation: &'static str,
    agent: Option<&AgentName>,
    info: TransportInfo,
) -> Error {
    let error = error.with_operation(operation).with_transport(info);
    match agent {
        Some(agent) => error.with_agent(agent),
        None => error,
    }
}
