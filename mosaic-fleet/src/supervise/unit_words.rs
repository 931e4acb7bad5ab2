//! Which words of the caller go into the units, and which cannot stand there.

use std::collections::BTreeMap;
use std::path::Path;

use super::keeping::UnitProgram;
use crate::error::{Error, Result};
use crate::transport::tmux::Socket;

/// Variables that are written into the units where the caller has them: without these the units
/// would look for the fleet, or show text, in another way than the caller does.
const KEPT: [&str; 7] = [
    "LANG",
    "MOSAIC_HOME",
    "TMUX_TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// Those variables of the caller.
pub(super) fn kept(environment: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let kept = |key: &str| KEPT.contains(&key) || key.starts_with("LC_");
    environment
        .iter()
        .filter(|(key, value)| kept(key) && !value.is_empty())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What cannot stand in a unit: it would be read as another line, or as a path from elsewhere.
pub(super) fn check_words(
    program: &UnitProgram,
    socket: &Socket,
    words: &[(String, String)],
) -> Result<()> {
    let bad = |what: String, fix: &str| Err(Error::config_invalid(what).with_hint(fix));
    let binary = program.binary.to_str().filter(|binary| {
        let quotes = |c: char| c.is_control() || "\"'\\".contains(c);
        !binary.contains(quotes)
    });
    if binary.is_none() {
        let what = format!("a unit cannot run {}", program.binary.display());
        return bad(
            what,
            "install mosaic-fleet in a folder with a plain UTF-8 name",
        );
    }
    let roster = program
        .roster
        .as_ref()
        .map(|path| path.display().to_string());
    let roster = roster.map(|path| ("the roster's path".to_owned(), path));
    let path = ("PATH".to_owned(), program.path.clone());
    let named = ("the socket's path".to_owned(), socket.label());
    for (name, value) in words.iter().chain(&roster).chain([&path, &named]) {
        if value.chars().any(char::is_control) {
            return bad(format!("{name} holds a control character"), "set it anew");
        }
    }
    let folders = words
        .iter()
        .filter(|(name, _)| name.contains('_') && !name.starts_with("LC_"));
    let socket = matches!(socket, Socket::Path(_)).then_some(&named);
    for (name, value) in folders.chain(socket) {
        if !Path::new(value).is_absolute() {
            let what = format!("{name} is relative ({value}), and units run elsewhere");
            return bad(what, "write it from /");
        }
    }
    Ok(())
}
