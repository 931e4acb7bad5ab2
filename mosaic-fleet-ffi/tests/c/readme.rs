//! Every command in the README of the C binding is run, in a home of the test's own. The library is
//! the one that these tests built, without optimisation: `--release` and its folder are put aside.

use std::fs;
use std::process::Command;

use crate::sources::root;
use crate::workshop::{Workshop, cargo, installed, output, target};

/// The blocks of a language, in order.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let after = text.split(fence.as_str()).skip(1);
    after
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_command_runs_and_says_what_is_written() {
    installed();
    let shop = Workshop::open();
    let readme = fs::read_to_string(root().join("bindings/c/README.md")).unwrap();
    let home = std::env::var("HOME").unwrap();
    let folder = target();
    let mut said = String::new();
    let blocks_of_sh = blocks(&readme, "sh");
    assert!(blocks_of_sh.len() >= 5);
    for block in blocks_of_sh {
        let debug = folder.join("debug").display().to_string();
        let script = block
            .replace(" --release", "")
            .replace("target/release", &debug);
        // What cargo tells its tests is not for the cargo in the script.
        let mut shell = Command::new("sh");
        shell.args(["-euc", &script]).current_dir(root());
        for (key, value) in cargo().get_envs() {
            if value.is_none() {
                shell.env_remove(key);
            }
        }
        shell
            .env("CARGO_TARGET_DIR", &folder)
            .env("HOME", shop.path(""));
        for (key, place) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if std::env::var_os(key).is_none() {
                shell.env(key, format!("{home}/{place}"));
            }
        }
        for key in [
            "MOSAIC_HOME",
            "MOSAIC_TMUX_SOCKET",
            "XDG_CONFIG_HOME",
            "TMUX",
        ] {
            shell.env_remove(key);
        }
        shell
            .env("XDG_RUNTIME_DIR", shop.path(""))
            .env("TMUX_TMPDIR", shop.path(""));
        said.push_str(&output(&mut shell));
    }
    for text in blocks(&readme, "text") {
        assert!(said.contains(text), "{text} is not in\n{said}");
    }
    assert!(
        said.contains("not sent"),
        "no fleet runs in this home:\n{said}"
    );
}
