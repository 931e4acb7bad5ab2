//! The five verbs, typed: send, reset, status, list, tail. They block until their answer.

use std::ffi::c_char;

use mosaic_fleet::fleet::Kickstart;
use mosaic_fleet::{AgentName, Fleet, ListOptions, Message, Sender};

use super::code::mf_code;
use super::error::mf_error;
use super::fleet::mf_fleet;
use super::guard::{Outcome, guard, out};
use super::options::{mf_reset_options, mf_send_options, mf_status_options, mf_tail_options};
use super::receipt::{Sent, mf_receipt};
use super::report::{Report, mf_report};
use super::running::Running;
use super::status::{Seen, mf_status};
use super::tail::{Piece, mf_tail};
use super::{structs, table, text};

/// A checked name.
///
/// # Safety
/// As [`text::required`].
pub(super) unsafe fn agent(name: *const c_char) -> Outcome<AgentName> {
    // SAFETY: the caller's promise.
    Ok(AgentName::new(unsafe { text::required(name, "agent") }?)?)
}

/// The message, once it is known who sends.
pub(super) async fn message(
    fleet: &Fleet,
    text: &str,
    from: Option<Sender>,
    find_out: bool,
) -> Message {
    let mut message = Message::new(text);
    message.from = match (from, find_out) {
        (None, true) => fleet.sender().await,
        (from, _) => from,
    };
    message
}

/// Sends a text of `text_length` bytes to an agent, once, and says what is known of it. `options` may
/// be NULL. `*receipt` is freed by `mf_receipt_free`.
///
/// Nothing was typed when it answers `MF_CODE_REFUSED`. After `MF_CODE_DELIVERY_UNKNOWN`, or a receipt
/// that is `MF_VERDICT_UNCONFIRMED`, look at the agent before you send again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_send(
    fleet: *const mf_fleet,
    agent_name: *const c_char,
    text: *const c_char,
    text_length: usize,
    options: *const mf_send_options,
    receipt: *mut *mut mf_receipt,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let to = agent(agent_name)?;
            let text = text::body(text, text_length, "text")?;
            let options = structs::optional(options)?;
            let (from, send) = (options.sender()?, options.read()?);
            let receipt = out(receipt, "the receipt")?;
            let sent = running.block_on(async {
                let fleet = running.fleet();
                let message = message(fleet, text, from, options.preamble != 0).await;
                Ok(fleet.send(&to, message, send).await?)
            })?;
            receipt.write(Sent::handle(&sent)?);
            Ok(())
        })
    }
}

/// Makes an agent of the roster forget its conversation, and gives it its first prompt. Returns after
/// its proof. `options` may be NULL. `*report` is freed by `mf_report_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_reset(
    fleet: *const mf_fleet,
    agent_name: *const c_char,
    options: *const mf_reset_options,
    report: *mut *mut mf_report,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let name = agent(agent_name)?;
            let options = structs::optional(options)?;
            let kickstart = match text::optional(options.kickstart, "kickstart")? {
                None => Kickstart::Roster,
                Some("") => Kickstart::None,
                Some(text) => Kickstart::Template(text.to_owned()),
            };
            let reset = options.read()?;
            let report = out(report, "the report")?;
            let done = running
                .block_on(async { Ok(running.fleet().reset(&name, reset, &kickstart).await?) })?;
            report.write(Report::handle(&done)?);
            Ok(())
        })
    }
}

/// How agents are: those of `names` (`count` of them) or, with a count of 0, all of the roster and
/// those that run besides. An agent that nothing runs for is stopped. `options` may be NULL.
/// `*status` is freed by `mf_status_free`; look at its errors as well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_status(
    fleet: *const mf_fleet,
    names: *const *const c_char,
    count: usize,
    options: *const mf_status_options,
    status: *mut *mut mf_status,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let names = text::array(names, count, "names")?.into_iter();
            let names = names.map(AgentName::new).collect::<Result<Vec<_>, _>>()?;
            let quick = structs::optional(options)?.quick != 0;
            let status = out(status, "the status")?;
            let seen =
                running.block_on(async { Ok(running.fleet().status(&names, !quick).await?) })?;
            status.write(Seen::fleet(&seen)?);
            Ok(())
        })
    }
}

/// The agents that the transport has, by name, whatever the roster says. Fails loudly: an empty list
/// means that it was asked and there are none. `options` may be NULL. `*status` is freed by
/// `mf_status_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_list(
    fleet: *const mf_fleet,
    options: *const mf_status_options,
    status: *mut *mut mf_status,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let quick = structs::optional(options)?.quick != 0;
            let status = out(status, "the status")?;
            let options = ListOptions::new().with_composer(!quick);
            let list = running.block_on(async { Ok(running.fleet().list(options).await?) })?;
            status.write(Seen::list(&list)?);
            Ok(())
        })
    }
}

/// What an agent shows: its last lines or, with a cursor, what came after it. `options` may be NULL.
/// `*tail` is freed by `mf_tail_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_tail(
    fleet: *const mf_fleet,
    agent_name: *const c_char,
    options: *const mf_tail_options,
    tail: *mut *mut mf_tail,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let name = agent(agent_name)?;
            let options = structs::optional(options)?.read()?;
            let tail = out(tail, "the tail")?;
            let piece =
                running.block_on(async { Ok(running.fleet().tail(&name, options).await?) })?;
            tail.write(Piece::handle(&piece)?);
            Ok(())
        })
    }
}
