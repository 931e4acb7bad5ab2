//! The programs of `bindings/c` in all ways they may be built and run: C11 and C++17, shared and
//! static, plain, under ASan with UBSan, and under valgrind, each of which is shown to bite.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sources::root;
use crate::workshop::{C, CPP, Link, Workshop, output, run};

const SANITIZED: [&str; 3] = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
];

fn source(name: &str) -> PathBuf {
    root().join("bindings/c").join(name)
}

fn valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
    command.args([
        "--errors-for-leak-kinds=definite,indirect",
        "--fair-sched=yes",
    ]);
    command.arg(program);
    command
}

/// Builds and runs a program with the library in itself, as either language.
fn alone(name: &str) {
    let (shop, file) = (Workshop::open(), source(name));
    for language in [C, CPP] {
        let program = shop.program(language, &[&file], &["-pthread"], Link::Static);
        output(&mut Command::new(program));
    }
}

/// Builds and runs a program with the shared library, as either language, and watched.
fn everywhere(name: &str) {
    let (shop, file) = (Workshop::open(), source(name));
    let files = [file.as_path()];
    let shared = shop.program(C, &files, &["-pthread"], Link::Shared);
    output(&mut Command::new(&shared));
    let program = shop.program(CPP, &files, &["-pthread"], Link::Shared);
    output(&mut Command::new(program));
    let mut options = vec!["-pthread"];
    options.extend(SANITIZED);
    for language in [C, CPP] {
        let program = shop.program(language, &files, &options, Link::Shared);
        let symbols = output(Command::new("nm").arg(&program));
        assert!(symbols.contains("__asan_init"), "built without ASan");
        assert!(symbols.contains("__ubsan_handle"), "built without UBSan");
        output(&mut Command::new(program));
    }
    output(&mut valgrind(&shared));
}

#[test]
fn verbs() {
    everywhere("tests/verbs.c");
}

/// How it is linked changes nothing in what it does: one program and the example are enough.
#[test]
fn the_library_can_be_linked_into_a_program() {
    alone("tests/verbs.c");
    alone("examples/custom_transport.c");
}

#[test]
fn misuse() {
    everywhere("tests/misuse.c");
}

#[test]
fn threads() {
    everywhere("tests/threads.c");
}

#[test]
fn callbacks() {
    everywhere("tests/callbacks.c");
}

#[test]
fn vtable() {
    everywhere("tests/vtable.c");
}

#[test]
fn the_example_of_a_transport() {
    everywhere("examples/custom_transport.c");
}

/// With a home of its own, whose roster is of agents in the process.
#[test]
fn the_example_of_a_send() {
    let (shop, file) = (Workshop::open(), source("examples/send.c"));
    let roster = "version: 1\ntransport: memory\nmemory:\n  agents: [coder0]\n";
    std::fs::create_dir(shop.path("fleet")).unwrap();
    shop.write("fleet/roster.yaml", roster);
    for language in [C, CPP] {
        let program = shop.program(language, &[&file], &[], Link::Shared);
        for (agent, well, words) in [
            ("coder0", true, "submitted: the agent took the text\n"),
            ("coder1", false, "no such agent (did you mean coder0?)\n"),
        ] {
            let mut send = Command::new(&program);
            send.env_clear().env("MOSAIC_HOME", shop.path(""));
            let (went, said) = run(send.args([agent, "run the tests"]));
            assert!(went == well && said.contains(words), "{said}");
        }
        let (well, said) = run(&mut Command::new(program));
        assert!(!well && said.contains("usage: send AGENT TEXT"), "{said}");
    }
}

/// What watches the programs sees what it is there for.
#[test]
fn deliberate_mistakes_are_seen() {
    let shop = Workshop::open();
    let text = "#include \"check.h\"\n#include <limits.h>\n\
        int main(int argc, char **argv) {\n\
            volatile int most = INT_MAX;\n\
            char *volatile heap = (char *)malloc(4);\n\
            house h = house_open();\n\
            house_close(h);\n\
            (void)argv;\n\
            if (argc == 2) heap[4] = 'x';\n\
            if (argc == 3) most += argc;\n\
            if (argc != 4) free(heap); else heap = NULL;\n\
            return most == 0;\n\
        }\n";
    let file = shop.write("mistakes.c", text);
    let tests = format!("-I{}", source("tests").display());
    let mut options = vec![tests.as_str()];
    let plain = shop.program(C, &[&file], &options, Link::Shared);
    options.extend(SANITIZED);
    let sanitized = shop.program(C, &[&file], &options, Link::Shared);
    let with = |mut command: Command, arguments: usize| {
        command.args(vec!["x"; arguments]);
        run(&mut command)
    };
    for (arguments, name) in [
        (1, "heap-buffer-overflow"),
        (2, "overflow"),
        (3, "LeakSanitizer"),
    ] {
        let (well, said) = with(Command::new(&sanitized), arguments);
        assert!(!well && said.contains(name), "{name}: {said}");
    }
    for (arguments, name) in [(1, "Invalid write"), (3, "definitely lost")] {
        let (well, said) = with(valgrind(&plain), arguments);
        assert!(!well && said.contains(name), "{name}: {said}");
    }
    assert!(with(Command::new(&sanitized), 0).0);
    assert!(with(valgrind(&plain), 0).0);
}
