//! What goes wrong on order, and with which requests.

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Not done: `429`, with `retry_after_ms`.
    Busy(u64),
    /// Not done: this status, with a page of a proxy.
    Status(u16),
    /// Not done: this status, with a word of the specification, such as `M_FORBIDDEN`.
    Refused(u16, &'static str),
    /// Not done, and the connection is closed.
    Drop,
    /// Not done, and no answer ever comes.
    Silence,
    /// Done, and the connection is closed before the answer.
    Lost,
    /// Done, and the answer ends in the middle of its JSON.
    Cut,
    /// Done, and the answer waits until the test lets it go.
    Held,
    /// A sync whose timelines have at most so many events; the others are left out.
    Gap(usize),
    /// A sync that brings everything from the beginning, each event twice.
    Again,
}

/// A fault, and the requests that it hits.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// A part of method and path.
    pub(super) part: String,
    /// So many that match are let pass before.
    pub(super) pass: usize,
    /// So many it hits.
    pub(super) times: usize,
    pub(super) fault: Fault,
}

/// What is ordered for a request.
pub(super) fn ordered(orders: &mut Vec<Order>, what: &str) -> Option<Fault> {
    let mut hit = None;
    for order in orders.iter_mut().filter(|order| what.contains(&order.part)) {
        if order.pass > 0 {
            order.pass -= 1;
        } else if hit.is_none() {
            order.times -= 1;
            hit = Some(order.fault.clone());
        }
    }
    orders.retain(|order| order.times > 0);
    hit
}
