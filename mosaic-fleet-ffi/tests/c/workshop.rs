//! A place to compile and run programs against the library as it is installed, for these tests. What
//! is missing on this host is a failure that says what to install.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::sources::root;

/// A language and its compiler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language {
    pub(crate) compiler: &'static str,
    pub(crate) ending: &'static str,
    options: &'static [&'static str],
}

pub(crate) const C: Language = Language {
    compiler: "gcc",
    ending: "c",
    options: &["-std=c11", "-x", "c"],
};

pub(crate) const CPP: Language = Language {
    compiler: "g++",
    ending: "cpp",
    options: &["-std=c++17", "-x", "c++"],
};

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];

/// How a program meets the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Shared,
    Static,
}

/// Runs a command that must go well, and returns what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let done = run(command);
    assert!(done.0, "{command:?} failed:\n{}", done.1);
    done.1
}

/// Whether a command went well, and all it printed.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    let done = command.output().unwrap_or_else(|error| {
        panic!(
            "{:?} cannot be run ({error}): install it (apt-get install gcc g++ binutils pkg-config valgrind)",
            command.get_program()
        )
    });
    let mut printed = String::from_utf8_lossy(&done.stdout).into_owned();
    printed.push_str(&String::from_utf8_lossy(&done.stderr));
    (done.status.success(), printed)
}

/// Cargo, as these tests were started by it.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root());
    // What cargo says of this package to its tests is not for another cargo.
    for (key, _) in std::env::vars_os() {
        let key = key.to_string_lossy().into_owned();
        if key.starts_with("CARGO_PKG_") || key == "CARGO_MANIFEST_DIR" {
            cargo.env_remove(key);
        }
    }
    cargo
}

/// Where these tests were built.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    // target/debug/deps/PROGRAM
    program.ancestors().nth(3).unwrap().to_path_buf()
}

/// A folder with the library, its header and its pkg-config file, installed as the README says: built
/// with the feature `c` and nothing else.
pub(crate) fn installed() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let build = [
            "build",
            "-q",
            "-p",
            "mosaic-fleet-ffi",
            "--no-default-features",
        ];
        let mut cargo = cargo();
        cargo.args(build).args(["--features", "c", "--target-dir"]);
        output(cargo.arg(target()));
        let prefix = target().join("c-prefix");
        let _ = fs::remove_dir_all(&prefix);
        let mut install = Command::new("sh");
        install
            .arg(root().join("bindings/c/install.sh"))
            .arg(&prefix);
        output(install.arg(target().join("debug")));
        prefix
    })
}

/// What pkg-config says, as words.
fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("mosaic-fleet");
    command.env("PKG_CONFIG_PATH", installed().join("lib/pkgconfig"));
    let said = output(&mut command);
    said.split_whitespace().map(str::to_owned).collect()
}

/// A temporary folder for one test.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(crate) fn open() -> Self {
        Workshop {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// Compiles as strictly as can be. With `link`, against the installed library.
    pub(crate) fn compile(
        &self,
        language: Language,
        files: &[&Path],
        options: &[&str],
        link: Option<Link>,
    ) {
        let mut command = Command::new(language.compiler);
        command.current_dir(self.folder.path());
        command.args(WARNINGS).args(language.options).args(options);
        if link.is_some() {
            command.args(pkg_config(&["--cflags"]));
        }
        command.args(files).args(["-x", "none"]);
        match link {
            None => {}
            Some(Link::Shared) => {
                command.args(pkg_config(&["--libs"]));
                let libraries = installed().join("lib");
                command.arg(format!("-Wl,-rpath,{}", libraries.display()));
            }
            Some(Link::Static) => {
                command.args(pkg_config(&["--variable=static_libs"]));
            }
        }
        output(&mut command);
    }

    /// Compiles a program and returns where it is.
    pub(crate) fn program(
        &self,
        language: Language,
        files: &[&Path],
        options: &[&str],
        link: Link,
    ) -> PathBuf {
        let stem = files[0].file_stem().and_then(OsStr::to_str).unwrap();
        let name = format!("{stem}-{}-{link:?}-{}", language.ending, options.len());
        let program = self.path(&name);
        let mut all = vec!["-o", program.to_str().unwrap()];
        all.extend(options);
        self.compile(language, files, &all, Some(link));
        program
    }
}
