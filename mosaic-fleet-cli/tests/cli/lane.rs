//! `lane brief` against a forge on the loopback.

use std::fs;
use std::process::Command;

use mosaic_fleet::testing::gitea::{Fault, GiteaServer};
use serde_json::json;

use crate::home::{Home, Ran};
use crate::services::of_forge;

struct Place {
    home: Home,
    forge: GiteaServer,
}

impl Place {
    /// The old harness's cases.
    fn new() -> Self {
        let place = Place {
            home: Home::new(),
            forge: GiteaServer::start("acme/widget").unwrap(),
        };
        place
            .forge
            .issue(546, "Read every page")
            .issue(777, "Only mentioned")
            .issue(999, "Not by a hotfix")
            .issue(1000, "Free")
            .pull(600, "Pages", "Closes #546", "pages")
            .pull(601, "Some", "like #777, and hotfix #999", "some")
            .milestone("M2M Part Search (0.0.45)", &[546, 777])
            .label("needs, review", &[777])
            .org_label("domain/6-security", &[999]);
        place
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.fleet(arguments);
        command.envs(of_forge(&self.forge));
        command
    }

    fn brief(&self, more: &[&str]) -> Ran {
        let arguments = [&["lane", "brief", "-r", "acme/widget"], more].concat();
        Ran::of(self.command(&arguments).output().unwrap())
    }
}

#[test]
fn what_is_free_and_what_is_underway() {
    let place = Place::new();
    let ran = place.brief(&[]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let mut lines: Vec<&str> = ran.out.lines().collect();
    let first = lines.remove(0);
    assert!(
        first.starts_with("LANE BRIEF — acme/widget · 20"),
        "{first}"
    );
    assert!(first.ends_with("Z (login=env:127.0.0.1)"), "{first}");
    assert_eq!(
        lines[..10],
        [
            "(open issues only; closed are excluded by definition — that's the point)",
            "",
            "DISPATCH CANDIDATES (open · no open PR) — 3 [cross-check vs live fleet]:",
            "  #1000  Free",
            "  #999  Not by a hotfix (also mentioned by #601)",
            "  #777  Only mentioned (also mentioned by #601)",
            "",
            "WORK UNDERWAY (open · PR in flight) — 1:",
            "  #546  Read every page  [PR open: #600 body]",
            "",
        ]
    );
    let cut = place.brief(&["-n", "1"]);
    assert!(cut.out.contains("— 3 [cross-check"), "counts are of all");
    assert!(cut.out.contains("#1000") && !cut.out.contains("#999"));

    let seen = place.brief(&["--json", "-n", "1", "-m", "M2M Part Search (0.0.45)"]);
    let mut seen = seen.json();
    assert!(seen["generated_at"].take().is_string());
    assert_eq!(
        seen,
        json!({
            "version": 1, "repo": "acme/widget", "generated_at": null,
            "filters": {"milestone": "M2M Part Search (0.0.45)", "labels": []},
            "candidates": [
                {"number": 777, "title": "Only mentioned", "assigned": false, "mentioned_by": [601]},
            ],
            "underway": [{
                "number": 546, "title": "Read every page", "assigned": false,
                "pulls": [{"number": 600, "signals": ["body"], "will_close": true}],
            }],
        })
    );
}

#[test]
fn labels_are_exact_and_all_must_be_there() {
    let place = Place::new();
    let with = |labels: &[&str]| {
        let more: Vec<&str> = labels.iter().flat_map(|label| ["-l", label]).collect();
        place.brief(&more)
    };
    let one = with(&["needs, review"]);
    assert!(one.out.contains("· label:'needs, review' ·"), "{one:#?}");
    assert!(one.out.contains("#777") && !one.out.contains("#1000"));
    assert!(with(&["domain/6-security"]).out.contains("#999"));
    let both = with(&["needs, review", "domain/6-security"]);
    assert!(both.out.contains("— 0 [cross-check"), "{both:#?}");
    with(&["security"]).fails(2, &["security"]);
    place
        .brief(&["-m", "M2M Part Serach (0.0.45)"])
        .fails(2, &["M2M Part Search (0.0.45)"]);
}

#[test]
fn the_forge_confirms_on_request() {
    let place = Place::new();
    place.forge.closes(601, 1000);
    assert!(place.brief(&[]).out.contains("— 3 [cross-check"));
    let verified = place.brief(&["--verify"]);
    let line = "  #1000  Free  [PR open: #601 native]";
    assert!(verified.out.contains(line), "{verified:#?}");
}

#[test]
fn what_is_wrong_has_its_own_code_and_shows_no_token() {
    let place = Place::new();
    let no_login = place.home.run(&["lane", "brief", "-r", "acme/widget"]);
    no_login.fails(2, &["login", "GITEA_INSTANCE_URL"]);
    place.home.run(&["lane", "brief"]).fails(2, &["--repo"]);
    let other = ["lane", "brief", "-r", "acme/gone", "-vvv"];
    let gone = Ran::of(place.command(&other).output().unwrap());
    gone.fails(1, &["acme/gone"]);
    let mut command = place.command(&["lane", "brief", "-r", "acme/widget", "-vvv"]);
    command.env("GITEA_TOKEN", "dummy-wrong-9c1e");
    let refused = Ran::of(command.output().unwrap());
    refused.fails(1, &["401"]);
    let token = place.forge.token();
    place.forge.fail(&Fault::Status(503), 100);
    let broken = place.brief(&["-vvv"]);
    broken.fails(1, &["503"]);
    for ran in [gone, refused, broken] {
        let text = format!("{ran:?}");
        assert!(!text.contains("9c1e") && !text.contains(&token), "{text}");
    }
}

/// tea's own file: the owner's login by `forges.yaml`, else the one that is the default.
#[test]
fn teas_logins_are_used_as_they_are() {
    let place = Place::new();
    let (url, token) = (place.forge.url(), place.forge.token());
    place.home.write(
        "config/tea/config.yml",
        &format!(
            "logins:\n- {{name: other, url: 'http://127.0.0.1:9', token: dummy-other, default: true}}\n\
             - {{name: Widgets, url: '{url}', token: {token}}}\n"
        ),
    );
    let path = place.home.path("config/tea/config.yml");
    let before = fs::read_to_string(&path).unwrap();
    place.home.write(
        "mosaic/forges.yaml",
        "version: 1\nowners: {ACME: {login: widgets}}\n",
    );
    let brief = ["lane", "brief", "-r", "acme/widget"];
    let ran = place.home.run(&brief);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("(login=Widgets)"), "{ran:#?}");
    let named = place.home.run(&[&brief[..], &["-L", "widgts"]].concat());
    named.fails(2, &["Widgets"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

/// A login whose token tea keeps elsewhere: tea is asked, and no token is in anybody's arguments.
#[test]
fn tea_hands_out_what_its_file_does_not_hold() {
    let place = Place::new();
    let url = place.forge.url();
    place.home.write(
        "config/tea/config.yml",
        &format!("logins:\n- {{name: work, url: '{url}', auth_method: oauth}}\n"),
    );
    let asked = place.home.path("asked").display().to_string();
    let script = place.home.write(
        "tea.sh",
        &format!(
            "#!/bin/sh\necho \"$*\" >> {asked}\ncat >> {asked}\nprintf 'password={}\\n'\n",
            place.forge.token()
        ),
    );
    place.home.program("bin/tea", script);
    let mut command = place
        .home
        .fleet(&["lane", "brief", "-r", "acme/widget", "-vvv"]);
    let path = std::env::var("PATH").unwrap();
    let bin = place.home.path("bin").display().to_string();
    command.env("PATH", format!("{bin}:{path}"));
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("(login=work)"), "{ran:#?}");
    assert!(!format!("{ran:?}").contains(&place.forge.token()));
    let asked = fs::read_to_string(asked).unwrap();
    assert!(asked.starts_with("login helper get\n"), "{asked}");
}
