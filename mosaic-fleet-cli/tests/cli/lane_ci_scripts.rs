//! The drop-in for `lane-brief.sh`: every old flag and every exit code, with a forge of the test's own;
//! and what is the same for those that ask a CI (`ci_scripts.rs`).

use std::process::{Command, Stdio};

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::WoodpeckerServer;

use crate::home::{Home, PROGRAM, Ran};
use crate::scripts::{home, noting, place, words};
use crate::services::{of_ci, of_forge};

const LANE_BRIEF: &str = "git/lane-brief.sh";
pub(crate) const CI_WAIT: &str = "woodpecker/ci-wait.sh";
pub(crate) const CI_QUEUE_WAIT: &str = "woodpecker/ci-queue-wait.sh";

const ALL: [&str; 3] = [LANE_BRIEF, CI_WAIT, CI_QUEUE_WAIT];

pub(crate) const REPO: &str = "acme/widget";

/// What is asked, as the environment says it.
pub(crate) struct Place<'a> {
    home: &'a Home,
    variables: Vec<(&'static str, String)>,
}

impl<'a> Place<'a> {
    pub(crate) fn new(home: &'a Home) -> Self {
        Place {
            home,
            variables: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((key, value.into()));
        self
    }

    pub(crate) fn forge(mut self, forge: &GiteaServer) -> Self {
        self.variables.extend(of_forge(forge));
        self
    }

    pub(crate) fn ci(mut self, ci: &WoodpeckerServer) -> Self {
        self.variables.extend(of_ci(ci));
        self
    }

    pub(crate) fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.home.command(place(self.home, name));
        command
            .args(arguments)
            .envs(self.variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.script(name, arguments).output().unwrap())
    }
}

fn login(name: &str, forge: &GiteaServer) -> String {
    let (url, token) = (forge.url(), forge.token());
    format!("- {{name: {name}, url: '{url}', token: {token}}}\n")
}

#[test]
fn flags_of_lane_brief() {
    let home = home();
    let forge = GiteaServer::start(REPO).unwrap();
    let odd = "-odd; $(touch pwned) 'x' \"y\" \\n *";
    for number in 1..=4 {
        forge.issue(number, &format!("task {number}"));
    }
    forge
        .pull(10, "the work", "Closes #2", "work")
        .assign(1)
        .milestone("M2M Part Search (0.0.45)", &[1, 2])
        .milestone(odd, &[3])
        .label("needs, review", &[2, 4])
        .label(odd, &[3])
        .label("security", &[1])
        .label("domain/6-security", &[1, 2]);
    let ask = Place::new(&home).forge(&forge);
    let brief = |arguments: &[&str]| {
        let ran = ask.run(LANE_BRIEF, &[&["-r", REPO], arguments].concat());
        assert_eq!((ran.code, &*ran.err), (0, ""), "{arguments:?}: {ran:#?}");
        ran.out
    };
    let issues = |out: &str| -> Vec<String> {
        let lines = out.lines().filter_map(|line| line.strip_prefix("  #"));
        lines
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };

    let all = brief(&[]);
    assert!(all.starts_with("LANE BRIEF — acme/widget · 2"), "{all}");
    for line in [
        "(open issues only; closed are excluded by definition — that's the point)\n",
        "\nDISPATCH CANDIDATES (open · no open PR) — 3 [cross-check vs live fleet]:\n",
        "  #1  task 1 (gitea-assignee set)\n",
        "\nWORK UNDERWAY (open · PR in flight) — 1:\n",
        "  #2  task 2  [PR open: #10",
        "\nClosed issues are excluded — do NOT take a worker's self-reported 'todo' on faith.\n",
    ] {
        assert!(all.contains(line), "{line:?}: {all}");
    }
    for (arguments, header, expected) in [
        (
            &["-m", "M2M Part Search (0.0.45)"][..],
            " · milestone:'M2M Part Search (0.0.45)' · ",
            &["1", "2"][..],
        ),
        (
            &["-l", "needs, review"],
            " · label:'needs, review' · ",
            &["4", "2"],
        ),
        (&["-l", "security"], " · label:'security' · ", &["1"]),
        // Flags together, and a value without a blank before it; of two labels the last one.
        (
            &[
                "-lsecurity",
                "-ldomain/6-security",
                "-mM2M Part Search (0.0.45)",
            ],
            "(0.0.45)' · label:'domain/6-security' · ",
            &["1", "2"],
        ),
        (&["-m", odd, "-l", odd], odd, &["3"]),
        // What a caller's empty variable left is as if it were not there.
        (
            &["-m", "", "-l", "", "-L", "", "-n", ""],
            "widget · 2",
            &["1", "3", "4", "2"],
        ),
    ] {
        let out = brief(arguments);
        assert!(out.lines().next().unwrap().contains(header), "{out}");
        let mut found = issues(&out);
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{arguments:?}: {out}");
    }
    let few = brief(&["-n", "1"]);
    assert!(few.contains("no open PR) — 3 ["), "all are counted: {few}");
    assert_eq!(issues(&few).len(), 2, "one of each: {few}");
    assert!(!home.path("work/pwned").exists());
}

#[test]
fn the_login_of_a_brief_is_found_as_ever() {
    let home = home();
    let forge = GiteaServer::start(REPO).unwrap();
    let elsewhere = GiteaServer::start("other/thing").unwrap();
    let logins = login("first", &elsewhere) + &login("work", &forge);
    home.write("config/tea/config.yml", &format!("logins:\n{logins}"));
    let ask = Place::new(&home);
    let by = |ran: Ran| {
        assert_eq!(ran.code, 0, "{ran:#?}");
        assert!(ran.out.contains("(login=work)\n"), "{ran:#?}");
    };
    by(ask.run(LANE_BRIEF, &["-r", REPO, "-L", "work"]));
    by(Place::new(&home)
        .with("GITEA_LOGIN", "work")
        .run(LANE_BRIEF, &["-r", REPO]));
    // Without anything it would be the first one, which does not have it.
    ask.run(LANE_BRIEF, &["-r", REPO]).fails(1, &["hint: "]);
    home.write(
        "mosaic/forges.yaml",
        "version: 1\nowners: {ACME: {login: work}}\n",
    );
    by(ask.run(LANE_BRIEF, &["-r", REPO]));
    ask.run(LANE_BRIEF, &["-r", REPO, "-L", "wrk"])
        .fails(2, &["wrk", "work"]);
}

#[test]
fn codes_of_lane_brief() {
    let home = home();
    let forge = GiteaServer::start(REPO).unwrap();
    forge.milestone("M1", &[]).label("bug", &[]);
    let ask = Place::new(&home).forge(&forge);
    ask.run(LANE_BRIEF, &["-r", "nobody/nothing"])
        .fails(1, &["nobody/nothing", "hint: "]);
    let refused = Place::new(&home)
        .with("GITEA_INSTANCE_URL", forge.url())
        .with("GITEA_TOKEN", "wrong");
    refused.run(LANE_BRIEF, &["-r", REPO]).fails(1, &["hint: "]);
    for (wrong, said) in [
        (&["-r", REPO, "-x"][..], "no flag -x"),
        (&["-r", REPO, "-m"], "-m needs a value"),
        (&["-r", REPO, "bug"], "what is \"bug\"?"),
        (&["-r", ""], "give it with -r"),
        (&["-m", "M1"], "give it with -r"),
        (&[], "give it with -r"),
        (&["-r", "widget"], "widget"),
        (&["-r", "-x"], "-x"),
        (&["-r", REPO, "-n", "many"], "many"),
        (&["-r", REPO, "-n", "-1"], "-1"),
        // The forge itself would tell every open issue.
        (&["-r", REPO, "-m", "M"], "milestone"),
        (&["-r", REPO, "-l", "bugs"], "label"),
    ] {
        let ran = ask.run(LANE_BRIEF, wrong);
        ran.fails(2, &[said]);
        assert_eq!(ran.out, "", "{wrong:?}");
    }
    Place::new(&home)
        .run(LANE_BRIEF, &["-r", REPO])
        .fails(2, &["hint: "]);
}

#[test]
fn every_flag_of_theirs_is_translated() {
    let home = home();
    let odd = "-a b=c, 'd' \"e\" $(touch pwned) `f` \\ *\n--json";
    for (name, given, expected) in [
        (
            LANE_BRIEF,
            &["-r", "o/r", "-m", "M", "-l", "L", "-L", "me", "-n", "5"][..],
            &[
                "lane",
                "brief",
                "--repo=o/r",
                "--milestone=M",
                "--label=L",
                "--login=me",
                "--limit=5",
            ][..],
        ),
        (
            LANE_BRIEF,
            &["-r", odd, "-m", odd, "-l", odd, "-L", odd, "-n", odd],
            &[
                "lane",
                "brief",
                "--repo=@",
                "--milestone=@",
                "--label=@",
                "--login=@",
                "--limit=@",
            ],
        ),
        (
            CI_WAIT,
            &[
                "-r", "o/r", "-n", "1", "-a", "I", "-n", "2", "-i", "5", "-t", "9",
            ],
            &[
                "ci",
                "wait",
                "--repo=o/r",
                "--number=1,2",
                "--instance=I",
                "--interval=5",
                "--timeout=9",
            ],
        ),
        (
            CI_WAIT,
            &["-r", odd, "-n", odd, "-a", odd, "-i", odd, "-t", odd],
            &[
                "ci",
                "wait",
                "--repo=@",
                "--number=@",
                "--instance=@",
                "--interval=@",
                "--timeout=@",
            ],
        ),
        (
            CI_QUEUE_WAIT,
            &["--purpose", odd, "-B", odd, "-r", odd, "-i", odd, "-t", odd],
            &[
                "ci",
                "guard",
                "--purpose=@",
                "--branch=@",
                "--repo=@",
                "--interval=@",
                "--timeout=@",
            ],
        ),
        (
            CI_QUEUE_WAIT,
            &["-B", "a", "--branch=b=c", "--purpose=push"],
            &["ci", "guard", "--purpose=push", "--branch=b=c"],
        ),
    ] {
        let given: Vec<&[u8]> = given.iter().map(|word| word.as_bytes()).collect();
        for shell in ["sh", "bash"] {
            let mut command = noting(&home, shell, name, &given);
            assert!(command.status().unwrap().success());
            let noted = words(&home).into_iter().map(String::from_utf8);
            let noted: Vec<String> = noted.collect::<Result<_, _>>().unwrap();
            let expected: Vec<String> =
                expected.iter().map(|word| word.replace('@', odd)).collect();
            assert_eq!(noted, expected);
        }
    }
}

#[test]
fn they_tell_their_use_and_that_the_program_is_gone() {
    let home = home();
    let ask = Place::new(&home);
    for (name, code, arguments) in [
        (LANE_BRIEF, 1, &["-r", REPO][..]),
        (CI_WAIT, 2, &["-r", REPO, "-n", "1"]),
        (CI_QUEUE_WAIT, 2, &["--purpose", "push"]),
    ] {
        let text = std::fs::read_to_string(place(&home, name)).unwrap();
        let gone = home.write("gone.sh", &text.replace(PROGRAM, "/gone"));
        let mut command = home.command("sh");
        command
            .arg(gone)
            .args(arguments)
            .env("PATH", "/usr/bin:/bin");
        Ran::of(command.output().unwrap()).fails(code, &["mosaic-fleet is gone", "install-tools"]);
    }
    for name in ALL {
        let help = ask.run(name, &["-h"]);
        assert_eq!((help.code, &*help.err), (0, ""), "{help:#?}");
        let file = name.split('/').nth(1).unwrap();
        assert!(
            help.out.starts_with(&format!("usage: {file} ")),
            "{help:#?}"
        );
        assert!(
            ask.run(name, &["-x"]).err.contains(&help.out),
            "usage is told"
        );
    }
    assert_eq!(ask.run(CI_QUEUE_WAIT, &["--help"]).code, 0);
}
