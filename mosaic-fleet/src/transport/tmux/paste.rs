//! The guarded paste and the guarded keys: one server command list each, so that nothing can come
//! between the look and the deed.
//!
//! A bare paste into a dead pane would end the whole server (tmux 3.3a and older), a bare key could
//! answer a dialog. This file is the only one that types.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::Instant;

use super::command::{Command, CommandList, all, command, literal, when};
use super::control::{Control, within};
use super::error::TmuxError;
use super::lease::Lease;
use super::protocol::Block;
use super::server::{Server, private_file};
use super::target::Identity;
use crate::runtime::{Dialog, DialogPattern, Manifest, Outgoing, Place};
use crate::text::pieces;

/// The largest text that goes as words of a command; above it a file is quicker.
const INLINE_BYTES: usize = 8 * 1024;

/// The pane's memory of a text of ours that was not seen submitted.
pub(super) const PASTED: &str = "@mosaic_pasted";

/// What a guarded deed came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Done,
    /// The guard did not hold; nothing was typed.
    Withheld,
}

/// Types to one pane, under its lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typist<'a> {
    pub(super) server: &'a Server,
    pub(super) control: &'a Control,
    pub(super) identity: &'a Identity,
    pub(super) lease: &'a Lease,
    pub(super) manifest: &'a Manifest,
    pub(super) deadline: Instant,
}

impl Typist<'_> {
    /// Pastes `outgoing`, all of it or nothing. The pane remembers `hash` until it is forgotten.
    pub(super) async fn paste(&self, outgoing: &Outgoing, hash: &str) -> Result<Deed, TmuxError> {
        let target = self.identity.target();
        let mut files = Files(Vec::new());
        let mut loads = Vec::new();
        let mut buffers = Buffers {
            control: Arc::clone(self.lease.control()),
            names: Vec::new(),
        };
        for chunk in &outgoing.chunks {
            let buffer = self.control.unique();
            let load = self.load(&buffer, chunk, &mut files)?.into_iter();
            loads.extend(load.map(|command| CommandList::new([command])));
            buffers.names.push(buffer);
        }
        // A paste of what is not there would be half a text.
        let loaded = self.control.request_quietly(&loads, self.deadline).await?;
        if let Some(error) = loaded.iter().find(|block| !block.ok) {
            return Err(TmuxError::Protocol(error.text()));
        }
        let mut deed = vec![
            command!["set-option", "-p", "-t", &target, PASTED, hash],
            self.lease.renewal(),
        ];
        deed.extend(buffers.names.iter().map(|buffer| {
            let paste = command!["paste-buffer", "-p", "-d", "-b", buffer, "-t", &target];
            if self.manifest.paste.keep_lf {
                paste.word("-r")
            } else {
                paste
            }
        }));
        deed.push(said(DONE));
        let list = CommandList::new([when(
            &target,
            &all(&self.conditions()),
            &CommandList::new(deed),
            &CommandList::new([said(WITHHELD)]),
        )]);
        let blocks = self.control.request_quietly(&[list], self.deadline).await?;
        let deed = came_to(&blocks)?;
        if deed == Deed::Done {
            buffers.names.clear();
        }
        Ok(deed)
    }

    /// The commands that bring a chunk into a buffer on the server: as words, or through a file that
    /// only we can read. Another host does not have our files.
    fn load(
        &self,
        buffer: &str,
        chunk: &str,
        files: &mut Files,
    ) -> Result<Vec<Command>, TmuxError> {
        if chunk.len() <= INLINE_BYTES {
            return Ok(vec![command!["set-buffer", "-b", buffer, "--", chunk]]);
        }
        if self.server.config.remote.is_some() {
            let pieces = pieces(chunk, INLINE_BYTES).into_iter().enumerate();
            let set = |(number, piece): (usize, &str)| match number {
                0 => command!["set-buffer", "-b", buffer, "--", piece],
                _ => command!["set-buffer", "-a", "-b", buffer, "--", piece],
            };
            return Ok(pieces.map(set).collect());
        }
        let path = self.server.private_folder()?.join(format!("{buffer}.text"));
        files.0.push(path.clone());
        private_file(&path, chunk.as_bytes()).map_err(|source| TmuxError::File {
            path: path.display().to_string(),
            source,
        })?;
        let path = literal(&path.display().to_string());
        Ok(vec![command!["load-buffer", "-b", buffer, path]])
    }

    /// Presses keys, unless a dialog of the manifest is open at that very moment.
    pub(super) async fn press(&self, keys: &str) -> Result<Deed, TmuxError> {
        self.press_if(keys, no_dialog(self.manifest)).await
    }

    /// Presses keys on an open question, if it is drawn at that very moment with all of its rows.
    pub(super) async fn answer(&self, keys: &str, dialog: &Dialog<'_>) -> Result<Deed, TmuxError> {
        self.press_if(keys, this_dialog(dialog)).await
    }

    async fn press_if(&self, keys: &str, more: Vec<String>) -> Result<Deed, TmuxError> {
        let target = self.identity.target();
        let mut conditions = self.conditions();
        conditions.extend(more);
        let send = keys
            .split_whitespace()
            .fold(command!["send-keys", "-t", &target], Command::word);
        let deed = CommandList::new([self.lease.renewal(), send, said(DONE)]);
        let withheld = CommandList::new([said(WITHHELD)]);
        let list = CommandList::new([when(&target, &all(&conditions), &deed, &withheld)]);
        came_to(&self.control.request(&[list], self.deadline).await?)
    }

    /// Leaves copy mode and the like.
    pub(super) async fn leave_mode(&self) -> Result<(), TmuxError> {
        let target = self.identity.target();
        let leave = CommandList::new([command!["copy-mode", "-q", "-t", &target]]);
        let alive = all(&self.identity.still_alive());
        let list = CommandList::new([when(&target, &alive, &leave, &CommandList::default())]);
        let lists = [list];
        let left = self.control.request_quietly(&lists, self.deadline);
        left.await.map(drop)
    }

    /// Has the pane remember more of the text that was pasted.
    pub(super) async fn remember(&self, hash: &str) -> Result<(), TmuxError> {
        let target = self.identity.target();
        let list = CommandList::new([command!["set-option", "-p", "-t", target, PASTED, hash]]);
        self.control.request(&[list], self.deadline).await.map(drop)
    }

    /// Forgets the text that was pasted: it was seen submitted, or cleared.
    pub(super) async fn forget(&self) -> Result<(), TmuxError> {
        let target = self.identity.target();
        let list = CommandList::new([command!["set-option", "-p", "-u", "-t", target, PASTED]]);
        self.control.request(&[list], self.deadline).await.map(drop)
    }

    fn conditions(&self) -> Vec<String> {
        let mut conditions = self.identity.still_alive();
        conditions.push("#{==:#{pane_input_off},0}".to_owned());
        conditions.push("#{==:#{pane_synchronized},0}".to_owned());
        // A mode would take the key, and a paste would go past it without brackets.
        conditions.push("#{==:#{pane_in_mode},0}".to_owned());
        conditions.extend(self.lease.conditions());
        conditions
    }
}

/// Buffers that go when this does, unless they were pasted.
struct Buffers {
    control: Arc<Control>,
    names: Vec<String>,
}

impl Drop for Buffers {
    fn drop(&mut self) {
        let names = std::mem::take(&mut self.names).into_iter();
        let unused = |name: String| CommandList::new([command!["delete-buffer", "-b", name]]);
        let lists: Vec<CommandList> = names.map(unused).collect();
        let runtime = tokio::runtime::Handle::try_current();
        if let (false, Ok(runtime)) = (lists.is_empty(), runtime) {
            let control = Arc::clone(&self.control);
            runtime.spawn(async move {
                let _ = control.request_quietly(&lists, within(super::STEP)).await;
            });
        }
    }
}

fn came_to(blocks: &[Block]) -> Result<Deed, TmuxError> {
    let heard = |word: &str| blocks.iter().any(|block| block.ok && block.text() == word);
    if heard(DONE) {
        return Ok(Deed::Done);
    }
    if heard(WITHHELD) {
        return Ok(Deed::Withheld);
    }
    let errors = blocks.iter().filter(|block| !block.ok);
    let words: Vec<String> = errors.map(|block| block.text()).collect();
    Err(TmuxError::Protocol(words.join("; ")))
}

/// What the server says after a deed, or instead of it.
const DONE: &str = "DONE";
const WITHHELD: &str = "WITHHELD";

fn said(word: &str) -> Command {
    command!["display-message", "-p", word]
}

/// Formats that hold while no dialog of the manifest is drawn: tmux itself searches the screen and
/// the title, at the moment of the key.
fn no_dialog(manifest: &Manifest) -> Vec<String> {
    let drawn = manifest.dialog.iter().filter_map(drawn);
    drawn.map(|drawn| format!("#{{==:{drawn},0}}")).collect()
}

/// Formats that hold while exactly this question is drawn: its pattern's words, and of each of its
/// rows what is plain. They never hold where there is nothing to know it by.
fn this_dialog(dialog: &Dialog<'_>) -> Vec<String> {
    let rows = dialog.landmarks().into_iter();
    let rows = rows.map(|words| format!("#{{C:{words}}}"));
    let all = drawn(dialog.pattern).into_iter().chain(rows);
    let conditions: Vec<_> = all.map(|drawn| format!("#{{!=:{drawn},0}}")).collect();
    if conditions.is_empty() {
        return vec!["0".to_owned()];
    }
    conditions
}

/// A format that is 0 unless the words of a question are drawn.
fn drawn(dialog: &DialogPattern) -> Option<String> {
    let words = dialog.words.as_ref()?;
    Some(match dialog.place {
        Place::Title => format!("#{{m:*{words}*,#{{pane_title}}}}"),
        _ => format!("#{{C:{words}}}"),
    })
}

/// Files that go when this does.
struct Files(Vec<PathBuf>);

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests;
