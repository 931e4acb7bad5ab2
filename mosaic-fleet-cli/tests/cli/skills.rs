//! `skills pi-args`: which skills by which variables is the library's own test; here is how they are
//! printed, and that folders and variables are those of the caller.

use std::fs;
use std::process::Stdio;

use crate::home::{Home, Ran};

fn skill(home: &Home, name: &str) -> String {
    let file = home.write(&format!("{name}/SKILL.md"), "---\nname: x\n---\n");
    file.parent().unwrap().display().to_string()
}

#[test]
fn an_argument_is_a_line_and_yours_are_last() {
    let home = Home::new();
    let tools = skill(&home, "mosaic/skills/mosaic-tools");
    let ran = home.ok(&["skills", "pi-args", "--", "--model", "a b", "--", "-0"]);
    let expected = format!("--no-skills\n--skill\n{tools}\n--model\na b\n--\n-0\n");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (&*expected, ""));
    let document = home.ok(&["skills", "pi-args", "--json", "--", "-c"]).json();
    let expected = serde_json::json!({
        "version": 1,
        "args": ["--no-skills", "--skill", tools, "-c"],
    });
    assert_eq!(document, expected);
}

#[test]
fn the_mode_and_the_names_are_the_callers() {
    let home = Home::new();
    let tools = skill(&home, "mosaic/skills/mosaic-tools");
    let board = skill(&home, "mosaic/skills/board");
    let mine = skill(&home, "mosaic/skills-local/mine");
    let global = skill(&home, "home/.pi/agent/skills/global");
    let project = skill(&home, "work/.pi/skills/project");
    let lines = |mode: &str, names: Option<&str>| {
        let mut command = home.fleet(&["skills", "pi-args"]);
        command.env("MOSAIC_PI_SKILL_MODE", mode);
        command.envs(names.map(|names| ("MOSAIC_PI_FORCE_SKILLS", names)));
        let ran = Ran::of(command.output().unwrap());
        assert_eq!(ran.code, 0, "{ran:#?}");
        ran.out.replace("--skill\n", "")
    };
    assert_eq!(lines("", Some("")), "--no-skills\n");
    assert_eq!(lines("", Some("board")), format!("--no-skills\n{board}\n"));
    assert_eq!(lines("discover", None), format!("{tools}\n"));
    let all = [&board, &tools, &mine, &global, &project].map(|path| format!("{path}\n"));
    assert_eq!(lines("all", None), format!("--no-skills\n{}", all.concat()));
}

#[test]
fn lines_that_cannot_be_told_apart_are_not_printed() {
    let home = Home::new();
    let odd = skill(&home, "mosaic/skills/two\nlines");
    let forced = |arguments: &[&str]| {
        let mut command = home.fleet(arguments);
        command.env("MOSAIC_PI_FORCE_SKILLS", "two\nlines");
        Ran::of(command.output().unwrap())
    };
    let ran = forced(&["skills", "pi-args"]);
    ran.fails(2, &["more than one line", "two\\nlines", "--null"]);
    assert_eq!(ran.out, "");
    let ran = forced(&["skills", "pi-args", "--json"]);
    assert_eq!(ran.json()["args"][2], odd);
    for flag in ["-0", "--null"] {
        let ran = forced(&["skills", "pi-args", flag, "--", "\u{1b}[1mbold", "é"]);
        let args = ["--no-skills", "--skill", &odd, "\u{1b}[1mbold", "é", ""];
        assert_eq!(ran.out, args.join("\0"), "{ran:#?}");
    }
    home.run(&["skills", "pi-args", "-0", "--json"])
        .fails(2, &["--null", "--json"]);
    home.run(&["skills", "pi-args", "-c"]).fails(2, &["-c"]);
}

/// As a launcher has it: what pi is run with is what was meant.
#[test]
fn xargs_hands_them_on_as_they_are() {
    let home = Home::new();
    skill(&home, "mosaic/skills/mosaic-tools");
    let line = "mosaic-fleet skills pi-args -0 -- -p 'one
two' '' | xargs -0 sh -c 'printf \"<%s>\" \"$@\" > got' pi";
    let mut shell = home.command("sh");
    shell.args(["-ec", line]).stdin(Stdio::null());
    let ran = Ran::of(shell.output().unwrap());
    assert_eq!(ran.code, 0, "{ran:#?}");
    let tools = home.mosaic().join("skills/mosaic-tools");
    let got = fs::read_to_string(home.path("work/got")).unwrap();
    let expected = format!(
        "<--no-skills><--skill><{}><-p><one\ntwo><>",
        tools.display()
    );
    assert_eq!(got, expected);
}
