//! The scripted agent as a program: see `mosaic_fleet::testing::scripted_agent`.

use std::io::Write;

fn main() -> std::process::ExitCode {
    let played = mosaic_fleet::testing::scripted_agent::main_with_args(std::env::args_os().skip(1));
    let code = played.unwrap_or_else(|error| {
        // Standard error may be gone; the code still says it.
        let _ = writeln!(std::io::stderr(), "scripted-agent: {error}");
        2
    });
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(1))
}
