//! The file's forms, its mistakes, and the tokens that it points to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

const TEXT: &str = "\
version: 1
owners:
  usc: {login: usc, ci: usc}
  mosaic: {login: mosaicstack, ci: mosaic, lane: {branch_digits: 4}}
  bare:
ci:
  mosaic: {server: 'https://me:hunter2@ci.mosaic.example/x', token_env: MOSAIC_CI_TOKEN}
  usc:
    server: http://ci.usc.example:8000/
    token_file: ~/.secret/usc
lane:
  keywords: [Closes, behebt]
  branch_digits: 3
";

fn repo(name: &str) -> RepoName {
    RepoName::new(name).unwrap()
}

fn forges() -> Forges {
    Forges::parse(TEXT, "forges.yaml").unwrap()
}

#[test]
fn owners_are_found_in_any_case_of_letters() {
    let forges = forges();
    for name in ["usc/uconnect", "USC/uconnect", "Usc/x"] {
        let owner = forges.owner(&repo(name)).unwrap();
        assert_eq!(owner.login.as_deref(), Some("usc"));
        assert_eq!(owner.ci.as_deref(), Some("usc"));
    }
    assert_eq!(forges.owner(&repo("bare/x")), Some(&Owner::default()));
    assert_eq!(forges.owner(&repo("us/c")), None);
}

#[test]
fn an_owner_s_lane_goes_before_everybody_s() {
    let forges = forges();
    let words = Some(vec!["closes".to_owned(), "behebt".to_owned()]);
    for (name, digits) in [("usc/x", 3), ("mosaic/x", 4), ("other/x", 3)] {
        let rules = forges.lane_rules(&repo(name));
        assert_eq!(rules.keywords, words);
        assert_eq!(rules.branch_digits, Some(digits), "{name}");
    }
    let none = Forges::default().lane_rules(&repo("a/b"));
    assert_eq!(none, LaneRules::default());
}

#[test]
fn ci_servers_are_found_by_name() {
    let forges = forges();
    let mosaic = forges.ci_server("mosaic").unwrap();
    assert_eq!(mosaic.server, "https://ci.mosaic.example/x/");
    assert_eq!(
        mosaic.token,
        TokenSource::Variable("MOSAIC_CI_TOKEN".into())
    );
    assert_eq!(
        forges.ci["usc"].token,
        TokenSource::File("~/.secret/usc".into())
    );
    for (forges, name, told) in [
        (
            &forges,
            "mosiac",
            "no CI server \"mosiac\" in forges.yaml (did you mean mosaic?)",
        ),
        (
            &forges,
            "zebra",
            "no CI server \"zebra\" in forges.yaml; known: mosaic, usc",
        ),
        (&Forges::default(), "zebra", "no CI server \"zebra\" in "),
    ] {
        let error = forges.ci_server(name).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::InvalidArgument, told)
        );
    }
}

#[test]
fn what_is_not_there_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = MosaicHome::new(folder.path());
    let file = home.forges();
    let forges = Forges::read(&home).unwrap();
    assert_eq!(forges.file, file.display().to_string());
    assert!(forges.owners.is_empty() && forges.ci.is_empty());
    fs::write(&file, "# nothing yet\n").unwrap();
    assert!(Forges::read(&home).unwrap().owners.is_empty());
    fs::write(&file, TEXT).unwrap();
    assert_eq!(Forges::read(&home).unwrap().owners, self::forges().owners);
    fs::write(&file, "version: 2").unwrap();
    let error = Forges::read(&home).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}:1:10: `version` must be 1", file.display())
    );
}

#[test]
fn every_mistake_is_told_with_its_place() {
    for (text, told) in [
        (
            "owners: {}",
            "1:1: `version` is missing: write `version: 1`",
        ),
        ("version: '1'", "1:10: `version` must be 1"),
        (
            "version: 1\nownrs: {}",
            "2:1: unknown field `ownrs`, did you mean `owners`?",
        ),
        (
            "version: 1\nzebra: {}",
            "2:1: unknown field `zebra`; known: version, owners, ci, lane",
        ),
        ("version: 1\nowners: [a]", "2:9: `owners` must be a mapping"),
        (
            "version: 1\nowners: {a: {logn: x}}",
            "2:14: unknown field `logn`, did you mean `login`?",
        ),
        (
            "version: 1\nowners: {a: {login: 7}}",
            "2:21: `login` must be text: put it in quotes",
        ),
        (
            "version: 1\nowners: {a: {login: ''}}",
            "2:21: `login` must be text",
        ),
        (
            "version: 1\nowners: {a: {login: [hunter2]}}",
            "2:21: `login` must be text",
        ),
        (
            "version: 1\nowners:\n  a: {}\n  A: {}",
            "4:3: this owner stands here twice: names are equal in any case of letters",
        ),
        ("version: 1\nversion: 1", "2:1: this key stands here twice"),
        (
            "version: 1\nowners:\n  a: {}\n  a: {}",
            "4:3: this key stands here twice",
        ),
        (
            "version: 1\nci:\n  m: {server: https://h}",
            "3:3: its token is missing: write `token_env: VARIABLE` or `token_file: PATH`",
        ),
        (
            "version: 1\nci:\n  m:\n",
            "3:3: `server` is missing: write its address",
        ),
        (
            "version: 1\nci:\n  m: {token_env: A}",
            "3:3: `server` is missing: write its address",
        ),
        (
            "version: 1\nci:\n  m: {server: hunter2, token_env: A}",
            "3:15: `server` is no address: write it with https://",
        ),
        (
            "version: 1\nci:\n  m: {server: https://h, token_env: A, token_file: /a}",
            "3:3: only one of `token_env` and `token_file` may be there",
        ),
        (
            "version: 1\nci:\n  m: {server: https://h, token_env: hunter2}",
            "3:37: `token_env` must name a variable, in capitals; it is not the token itself",
        ),
        (
            "version: 1\nci:\n  m: {server: https://h, token_file: hunter2}",
            "3:38: `token_file` must begin with `/` or `~/`; it is not the token itself",
        ),
        (
            "version: 1\nci:\n  m: {server: https://h, token: hunter2}",
            "3:26: no token may be in this file: use `token_env: VARIABLE` or `token_file: PATH` of a CI server, and `tea login add` for a forge's",
        ),
        (
            "version: 1\nci:\n  m: {hunter2: 1}",
            "3:7: unknown field; known: server, token_env, token_file",
        ),
        (
            "version: 1\nlane: {keywords: closes}",
            "2:18: `keywords` must be a list of words",
        ),
        (
            "version: 1\nlane: {keywords: [a-b]}",
            "2:19: a keyword must be one word of letters",
        ),
        (
            "version: 1\nlane: {branch_digits: 0}",
            "2:23: `branch_digits` must be a number from 1 to 18",
        ),
        ("[hunter2]", "1:1: the file must be a mapping"),
        ("hunter2", "1:1: the file must be a mapping"),
    ] {
        let error = Forges::parse(text, "f").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert_eq!(error.message(), format!("f:{told}"), "{text}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "owners: {a: {login: 1, x: 2}}\nversion: 3\n";
    let error = Forges::parse(text, "f").unwrap_err();
    assert_eq!(
        error.message(),
        "f:1:21: `login` must be text: put it in quotes"
    );
    let hint = error.hint().unwrap();
    assert!(
        hint.starts_with("mend these too:\nf:1:24: unknown field `x`"),
        "{hint}"
    );
    assert!(hint.ends_with("\nf:2:10: `version` must be 1"), "{hint}");
}

#[test]
fn aliases_are_followed() {
    let text = "version: 1\nowners:\n  a: &a {login: x}\n  b: *a\n  c: {<<: *a, ci: m}\n";
    let forges = Forges::parse(text, "f").unwrap();
    let c = &forges.owners["c"];
    assert_eq!(forges.owners["a"], forges.owners["b"]);
    assert_eq!(
        (c.login.as_deref(), c.ci.as_deref()),
        (Some("x"), Some("m"))
    );
    let bomb = "version: 1\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    assert!(Forges::parse(bomb, "f").is_err());
    let deep = format!(
        "version: 1\nlane: {}{}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(Forges::parse(&deep, "f").is_err());
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in ".{0,200}", before in "[-a-z:{\\[\"'&*!| \n]{0,40}", after in "[-a-z:}\\]\"'&*!| \n]{0,40}") {
        let _ = Forges::parse(&text, "f");
        let secret = "s3cr3tS3CR3T";
        let wholly = format!("{before}{secret}{after}");
        for key in ["token", "token_env", "server", "login", "version", ""] {
            let text = format!("ci:\n  m:\n    {key}: {secret}\n    {before}\n{after}");
            for text in [&text, &wholly] {
                if let Err(error) = Forges::parse(text, "f") {
                    let told = format!("{error} {error:?}");
                    prop_assert!(!told.contains(secret), "{text:?}: {told}");
                }
            }
        }
    }
}

fn shown(token: &Token) -> String {
    token.header("Bearer").unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_token_is_taken_from_its_variable() {
    let forges = forges();
    let mosaic = &forges.ci["mosaic"];
    let token = |text: &str| {
        mosaic.token(&BTreeMap::from([(
            "MOSAIC_CI_TOKEN".to_owned(),
            text.to_owned(),
        )]))
    };
    assert_eq!(shown(&token(" abc\n").unwrap()), "Bearer abc");
    for (text, told) in [
        ("", "is empty or not there"),
        ("hunter2 hunter2", "holds something else than one token"),
    ] {
        let error = token(text).unwrap_err();
        let whole = format!("no token for CI server mosaic: the variable MOSAIC_CI_TOKEN {told}");
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::ConfigInvalid, whole.as_str())
        );
        assert!(!format!("{error:?}").contains("hunter2"));
        let hint = "set MOSAIC_CI_TOKEN to a token of https://ci.mosaic.example/x/";
        assert_eq!(error.hint(), Some(hint));
    }
    assert!(mosaic.token(&BTreeMap::new()).is_err());
    assert!(mosaic.warnings(&BTreeMap::new()).is_empty());
}

#[test]
fn a_token_is_taken_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".secret/usc");
    let home = folder.path().display().to_string();
    let environment = BTreeMap::from([("HOME".to_owned(), home)]);
    let forges = forges();
    let usc = &forges.ci["usc"];
    let error = usc.token(&environment).unwrap_err();
    assert_eq!(
        error.message(),
        format!(
            "no token for CI server usc: {} is empty or not there",
            file.display()
        )
    );
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "hunter2\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(shown(&usc.token(&environment).unwrap()), "Bearer hunter2");
    let clear = "http://ci.usc.example:8000/";
    let warnings = usc.warnings(&environment);
    assert!(
        warnings.len() == 1 && warnings[0].contains(clear),
        "{warnings:?}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = usc.warnings(&environment).join("\n");
    assert!(
        warnings.contains("chmod 600") && !warnings.contains("hunter2"),
        "{warnings}"
    );
    fs::write(&file, "hunter2\nhunter2\n").unwrap();
    let error = usc.token(&environment).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn what_the_profiles_ship_is_read() {
    let mut read = 0;
    for profile in crate::roster::PROFILES {
        let Some(text) = profile.forges else { continue };
        let forges = Forges::parse(text, profile.name).unwrap();
        assert!(forges.ci.is_empty(), "nobody's server is known to us");
        // The form that its comment shows is right, and has what the owners name.
        let whole = text.replace("# ci:", "ci:").replace("#   ", "  ");
        let whole = Forges::parse(&whole, profile.name).unwrap();
        for owner in forges.owners.values() {
            assert!(owner.login.is_some());
            assert!(whole.ci_server(owner.ci.as_deref().unwrap()).is_ok());
        }
        read += 1;
    }
    assert_eq!(read, 1);
}

#[test]
fn the_guide_shows_what_a_profile_ships_and_more() {
    let page = include_str!("../../guide/from_bash.md");
    let block = page.split("\n```yaml\n").nth(1).unwrap();
    let shown = Forges::parse(block.split("\n```").next().unwrap(), "from_bash.md").unwrap();
    let profiles = crate::roster::PROFILES.iter();
    let text = profiles
        .filter_map(|profile| profile.forges)
        .next()
        .unwrap();
    assert_eq!(shown.owners, Forges::parse(text, "profile").unwrap().owners);
    for owner in shown.owners.values() {
        assert!(shown.ci_server(owner.ci.as_deref().unwrap()).is_ok());
    }
}
