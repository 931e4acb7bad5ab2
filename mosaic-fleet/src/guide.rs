//! The guide: how a fleet is run, page by page. No code lives here.
//!
//! - [`holder`]: who owns the terminals, and why.
//! - [`installing`]: the binary, units, limits, upgrading, taking out.
//! - [`customising`]: roster, profiles, runtimes, environment files, first prompts.
//! - [`life_of_a_slot`]: send, answer, reset, drain, and what each answer means.
//! - [`recovery`]: what comes back by itself after what, and how to see that it does.
//! - `lanes_and_ci`: what work is open, whether a pipeline is over (feature `ci`).
//! - [`from_bash`]: moving from the bash scripts and their units.
//! - [`hosts`]: agents on other hosts, over ssh.
//! - [`matrix`]: agents over a Matrix homeserver.
//!
//! Every command in a page is run by a test, and what is shown as its output is from such a run.

// A page names another as `[page]`. The first definition of a name is the one that counts: that of
// `links.md` here, that at a page's own end where the repository is read.

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/holder.md")]
pub mod holder {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/installing.md")]
pub mod installing {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/customising.md")]
pub mod customising {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/life_of_a_slot.md")]
pub mod life_of_a_slot {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/recovery.md")]
pub mod recovery {}

#[cfg(feature = "ci")]
#[doc = include_str!("guide/lanes_and_ci.md")]
pub mod lanes_and_ci {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/from_bash.md")]
pub mod from_bash {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/hosts.md")]
pub mod hosts {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/matrix.md")]
pub mod matrix {}
