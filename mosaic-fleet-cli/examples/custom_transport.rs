//! `mosaic-fleet` with one more transport: a roster that says `transport: slack` opens it.

use std::process::ExitCode;
use std::sync::Arc;

use mosaic_fleet::transport::memory::{MemoryOptions, MemoryTransport};
use mosaic_fleet_cli::App;

fn main() -> ExitCode {
    App::new()
        .transport("slack", |block, _context| {
            // A real one would read its own fields from the roster's `slack:` block.
            let channel = block["channel"].as_str().unwrap_or("general");
            let options = MemoryOptions::new().with_instance(channel);
            Ok(Arc::new(MemoryTransport::with_options(options)))
        })
        .run()
}
