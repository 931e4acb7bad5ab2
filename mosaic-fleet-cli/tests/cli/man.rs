//! `man`: a page a command, that the formatter takes without a complaint.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::help::COMMANDS;
use crate::home::{Home, Ran};

/// The pages that a run wrote: name and text.
fn pages(home: &Home, folder: &str) -> BTreeMap<String, String> {
    home.ok(&["man", "--dir", folder]);
    let entries = fs::read_dir(home.path("work").join(folder)).unwrap();
    let page = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    entries.map(page).collect()
}

fn name(command: &str) -> String {
    let words = ["mosaic-fleet"]
        .into_iter()
        .chain(command.split_whitespace());
    format!("{}.1", words.collect::<Vec<_>>().join("-"))
}

#[test]
fn every_command_has_a_page_and_no_hidden_one() {
    let home = Home::new();
    let pages = pages(&home, "a/man1");
    let expected: BTreeSet<String> = COMMANDS.iter().map(|command| name(command)).collect();
    assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (name, text) in &pages {
        let title = format!(".TH {} 1 ", name.trim_end_matches(".1"));
        assert!(text.contains(&title), "{name}: {text}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "\"GLOBAL OPTIONS\""] {
            assert!(
                text.contains(&format!("\n.SH {section}\n")),
                "{section} in {name}: {text}"
            );
        }
        for hidden in ["agent\\-launch", "start\\-session", "demo\\-agent(1)"] {
            assert!(!text.contains(hidden), "{hidden} in {name}");
        }
    }
    let top = &pages["mosaic-fleet.1"];
    assert_eq!(&home.ok(&["man"]).out, top);
    assert_eq!(home.ok(&["man", "--json"]).json()["text"], **top);
}

#[test]
fn a_page_has_the_exit_codes_of_its_command() {
    let home = Home::new();
    let pages = pages(&home, "pages");
    let codes = |name: &str| {
        let text = &pages[name];
        text.split("\n.SH \"EXIT STATUS\"\n")
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    assert!(codes("mosaic-fleet-agent-send.1").contains("nothing was typed"));
    assert!(!codes("mosaic-fleet-agent-send.1").contains(".SS"));
    assert!(codes("mosaic-fleet-ci-wait.1").contains("some ended otherwise"));
    assert!(codes("mosaic-fleet-status.1").contains("something failed"));
    assert_eq!(codes("mosaic-fleet-agent.1"), "");
    assert_eq!(codes("mosaic-fleet.1").matches(".SS").count(), 7);
}

#[test]
fn the_same_program_writes_the_same_pages_again() {
    let home = Home::new();
    let first = pages(&home, "one");
    assert_eq!(first, pages(&home, "two"));
    let written = home.ok(&["man", "--dir", "one", "--json"]).json();
    assert_eq!(written["pages"].as_array().unwrap().len(), first.len());
    assert_eq!(first, pages(&home, "one"));
    home.write("work/file", "x");
    home.run(&["man", "--dir", "file"])
        .fails(1, &["cannot write", "file"]);
}

#[test]
fn the_formatter_has_nothing_to_complain_of() {
    let home = Home::new();
    let pages = pages(&home, "pages");
    // A line that begins with a dot is a request: each must be one that we mean.
    for (name, text) in &pages {
        for line in text.lines().filter(|line| line.starts_with(['.', '\''])) {
            let request = line.split(' ').next().unwrap();
            let ours = [
                ".ie", ".el", ".TH", ".SH", ".SS", ".TP", ".PP", ".br", ".RS", ".RE", ".IP",
            ];
            assert!(ours.contains(&request), "{line:?} in {name}");
        }
    }
    if Command::new("groff").arg("--version").output().is_err() {
        return;
    }
    for name in pages.keys() {
        let mut groff = home.command("groff");
        groff.args(["-Kutf8", "-man", "-Tutf8", "-ww", "-P-cbou"]);
        let ran = Ran::of(groff.arg(format!("pages/{name}")).output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}: {ran:#?}");
        assert!(ran.out.contains("SYNOPSIS"), "{name}: {ran:#?}");
    }
}
