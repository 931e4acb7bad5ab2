//! The built `mosaic-fleet` on a real tmux, in homes of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ci;
mod ci_scripts;
mod codes;
mod commands;
mod completions;
mod cutover;
mod drain;
mod first_questions;
mod flow;
mod forms;
mod help;
mod home;
mod hook;
mod install;
mod lane;
mod lane_ci_scripts;
mod man;
mod pane;
mod readme;
mod roster;
mod scripts;
mod services;
mod skills;
mod start_session;
mod tools;
mod verbs;
mod verify;
mod wrong_input;
