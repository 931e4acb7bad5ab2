//! Starts it.
fn main() -> std::process::ExitCode {
    mosaic_fleet_cli::App::new().run()
}
