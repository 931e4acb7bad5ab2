//! The first process of a kept agent's terminal: it moves itself to the agent's unit, before it
//! becomes the agent, so that nothing the agent ever starts is outside.

use std::collections::BTreeMap;

use super::manager::{Manager, belongs_to};
use crate::error::Result;

/// Moves this process to a unit of the user's service manager that allows it (`Delegate=yes`).
///
/// # Errors
/// `Unavailable` where the manager cannot be reached or refuses; the process is then where it was.
///
/// # Cancel safety
/// A dropped call may have moved it.
pub async fn move_to_unit(environment: &BTreeMap<String, String>, unit: &str) -> Result<()> {
    let own = std::process::id();
    if belongs_to(own, unit) {
        return Ok(());
    }
    Manager::of(environment).attach(unit, own).await
}
