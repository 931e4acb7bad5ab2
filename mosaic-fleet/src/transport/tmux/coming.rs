//! Nothing notifies while a control client introduces itself (why: `gate.rs`). The server itself
//! withholds it, by an option that whoever comes sets and that expires by the server's clock: it holds
//! on whichever host he and the others are, and also when he is killed half-way.
//!
//! A paste buffer that is made or dropped is a notification from tmux 3.4 on, so that every look of
//! 3.4 and 3.5 is one, and every paste: without this a soak ended a server of 3.5a within a second.

use std::time::Duration;

use super::command::{CommandList, command};
use super::lease::{NOW, from_now};

/// Until when somebody is coming.
const COMING: &str = "@mosaic_coming";

/// How long one may be coming. Whoever is killed at it holds the others up for so long.
const LASTS: Duration = Duration::from_secs(5);

/// After how long what was withheld is tried again: that somebody has come is no event.
pub(super) const SOON: Duration = Duration::from_millis(2);

/// What the server says where it does nothing because somebody is coming.
pub(super) const COMES: &str = "mosaic: somebody is coming";

/// `list`, unless somebody is coming; then the server says `word`.
pub(super) fn unless_coming(list: &CommandList, word: &str) -> CommandList {
    let coming = format!("#{{&&:#{{!=:#{{{COMING}}},}},#{{e|>=:#{{{COMING}}},{NOW}}}}}");
    let said = CommandList::new([command!["display-message", "-p", word]]);
    CommandList::new([command!["if-shell", "-F", coming, said.line(), list.line()]])
}

/// Says that one is coming, unless another one is.
pub(super) fn announce() -> CommandList {
    let set = command!["set-option", "-s", "-F", COMING, from_now(LASTS)];
    let set = CommandList::new([set]);
    unless_coming(&set, COMES)
}

/// Says that he has come, or does not come.
pub(super) fn arrived() -> CommandList {
    CommandList::new([command!["set-option", "-s", "-u", COMING]])
}
