//! Each rule goes before the next, and each says what is wrong with its own words.

use super::*;
use crate::error::ErrorKind;

const TEA: &str = "logins:
- {name: first, url: https://first.example, token: t}
- {name: Default, url: https://git.example.com, token: t, default: true}
- {name: third, url: https://third.example:8443/code, token: t, ssh_host: 'ssh.third.example:2222'}
- {name: port, url: http://git.example.com:3000, token: t}
";

/// What is known in a test; the repository is `acme/widget`.
#[derive(Clone, Copy)]
struct Scene<'a> {
    asked: Option<&'a str>,
    environment: &'a [(&'a str, &'a str)],
    forges: &'a str,
    tea: &'a str,
    origin: &'a str,
}

const SCENE: Scene<'_> = Scene {
    asked: None,
    environment: &[],
    forges: "",
    tea: TEA,
    origin: "",
};

impl Scene<'_> {
    /// The name of the login that is chosen, with its warnings.
    fn chosen(&self) -> Result<(String, Vec<String>)> {
        let environment = self.environment.iter();
        let environment = environment
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        let origin = Origin::parse(self.origin);
        let known = Known {
            repo: &RepoName::new("acme/widget").unwrap(),
            asked: self.asked,
            environment: &environment,
            forges: Some(&Forges::parse(self.forges, "forges.yaml").unwrap()),
            tea: Some(&TeaLogins::parse(self.tea, "config.yml").unwrap()),
            origin: Some(origin.as_ref()),
        };
        Ok(match choose(&known)? {
            Choice::Here(login) => (login.name.clone(), login.warnings),
            Choice::Tea(login, warnings) => (login.name.clone(), warnings),
            Choice::Need(need) => panic!("{need:?}"),
        })
    }

    fn name(&self) -> String {
        self.chosen().unwrap().0
    }
}

const MAPPED: &str = "version: 1\nowners: {ACME: {login: FIRST}}";

#[test]
fn each_rule_goes_before_the_next() {
    let mut scene = Scene {
        asked: Some("third"),
        environment: &[
            ("GITEA_LOGIN", "port"),
            ("GITEA_INSTANCE_URL", "https://env.example"),
            ("GITEA_TOKEN", "t"),
        ],
        forges: MAPPED,
        origin: "git@ssh.third.example:Acme/Widget.git",
        ..SCENE
    };
    assert_eq!(scene.name(), "third");
    scene.asked = None;
    assert_eq!(scene.name(), "port");
    scene.environment = &scene.environment[1..];
    assert_eq!(scene.name(), "env:env.example");
    scene.environment = &[];
    assert_eq!(scene.name(), "first");
    scene.forges = "version: 1\nowners: {acme: {ci: x}, other: {login: port}}";
    assert_eq!(scene.name(), "third");
    scene.origin = "";
    assert_eq!(scene.name(), "Default");
    scene.tea = "logins: [{name: x, url: https://x}, {name: y, url: https://y}]";
    assert_eq!(scene.name(), "x");
}

#[test]
fn nothing_is_asked_for_that_no_rule_needs() {
    let environment = BTreeMap::from([("GITEA_LOGIN".to_owned(), "first".to_owned())]);
    let nothing = BTreeMap::new();
    let repo = RepoName::new("acme/widget").unwrap();
    let forges = [Forges::default(), Forges::parse(MAPPED, "f").unwrap()];
    let tea = [TeaLogins::default(), TeaLogins::parse(TEA, "f").unwrap()];
    let known = Known {
        repo: &repo,
        asked: None,
        environment: &nothing,
        forges: None,
        tea: None,
        origin: None,
    };
    let need = |known: Known<'_>| match choose(&known) {
        Ok(Choice::Need(need)) => Some(need),
        _ => None,
    };
    assert_eq!(
        need(Known {
            asked: Some("first"),
            ..known
        }),
        Some(Need::Tea)
    );
    assert_eq!(
        need(Known {
            environment: &environment,
            ..known
        }),
        Some(Need::Tea)
    );
    assert_eq!(need(known), Some(Need::Forges));
    let known = Known {
        forges: Some(&forges[1]),
        ..known
    };
    assert_eq!(need(known), Some(Need::Tea));
    assert_eq!(
        need(Known {
            tea: Some(&tea[1]),
            ..known
        }),
        None
    );
    let known = Known {
        forges: Some(&forges[0]),
        ..known
    };
    assert_eq!(need(known), Some(Need::Tea));
    assert_eq!(
        need(Known {
            tea: Some(&tea[0]),
            ..known
        }),
        None
    );
    assert_eq!(
        need(Known {
            tea: Some(&tea[1]),
            ..known
        }),
        Some(Need::Origin)
    );
}

#[test]
fn a_login_of_the_origin_s_host_is_used_for_the_origin_only() {
    for (origin, name) in [
        ("https://third.example:8443/code/acme/widget.git", "third"),
        ("https://third.example/acme/widget", "Default"),
        ("https://third.example:8443/code/acme/gadget", "Default"),
        ("https://third.example:8443/code/fork/widget", "Default"),
        ("ssh://git@ssh.third.example:2222/acme/widget", "third"),
        ("git@SSH.third.example:ACME/WIDGET.git", "third"),
        ("git@third.example:acme/widget", "third"),
        ("https://ssh.third.example/acme/widget", "Default"),
        ("https://first.example/acme/widget", "first"),
        ("http://first.example/acme/widget", "first"),
        ("http://git.example.com:3000/acme/widget", "port"),
        ("git@git.example.com:acme/widget", "Default"),
        ("git@github.com:acme/widget", "Default"),
    ] {
        let scene = Scene { origin, ..SCENE };
        assert_eq!(scene.name(), name, "{origin}");
    }
}

#[test]
fn of_several_on_the_host_the_default_is_used() {
    let tea = "logins: [{name: a, url: https://h}, {name: b, url: https://h, default: true}]";
    let origin = "git@h:acme/widget";
    assert_eq!(
        Scene {
            tea,
            origin,
            ..SCENE
        }
        .name(),
        "b"
    );
    let tea = "logins: [{name: x, url: https://x, default: true}, {name: a, url: https://h}, {name: b, url: https://h}]";
    assert_eq!(
        Scene {
            tea,
            origin,
            ..SCENE
        }
        .name(),
        "a"
    );
    let tea = "logins: [{name: x, default: true}, {name: a, url: https://w, ssh_host: '[::1]:22'}]";
    let origin = "ssh://git@[::1]/acme/widget";
    assert_eq!(
        Scene {
            tea,
            origin,
            ..SCENE
        }
        .name(),
        "a"
    );
}

#[test]
fn a_name_that_tea_has_not_is_told_with_its_place() {
    for (scene, told) in [
        (
            Scene {
                asked: Some("thrid"),
                ..SCENE
            },
            "-L: tea has no login \"thrid\" (did you mean third?)",
        ),
        (
            Scene {
                asked: Some(""),
                ..SCENE
            },
            "-L: tea has no login \"\"; known: first, Default, third, port",
        ),
        (
            Scene {
                environment: &[("GITEA_LOGIN", "zebra")],
                ..SCENE
            },
            "GITEA_LOGIN: tea has no login \"zebra\"; known: first, Default, third, port",
        ),
        (
            Scene {
                forges: MAPPED,
                tea: "",
                ..SCENE
            },
            "owner acme in forges.yaml: tea has no login \"FIRST\", nor any other in config.yml",
        ),
    ] {
        let error = scene.chosen().unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::InvalidArgument, told)
        );
        assert!(error.hint().unwrap().contains("tea login add"));
    }
}

#[test]
fn no_login_at_all() {
    let scene = Scene { tea: "", ..SCENE };
    let error = scene.chosen().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(error.message(), "no login for acme/widget");
    for way in [
        "tea login add",
        "GITEA_INSTANCE_URL and GITEA_TOKEN",
        "-L",
        "forges.yaml",
    ] {
        assert!(error.hint().unwrap().contains(way), "{way}");
    }
    let scene = Scene {
        environment: &[("GITEA_TOKEN", "hunter2")],
        ..scene
    };
    let error = scene.chosen().unwrap_err();
    assert!(
        error
            .message()
            .ends_with("(GITEA_TOKEN is set, and GITEA_INSTANCE_URL is not)")
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

fn here(environment: &[(&str, &str)]) -> Result<Login> {
    let environment = environment
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect();
    let repo = RepoName::new("acme/widget").unwrap();
    let known = Known {
        repo: &repo,
        asked: None,
        environment: &environment,
        forges: None,
        tea: None,
        origin: None,
    };
    match choose(&known)? {
        Choice::Here(login) => Ok(login),
        choice => panic!("{choice:?}"),
    }
}

#[test]
fn the_environment_names_a_forge() {
    let url = (
        "GITEA_INSTANCE_URL",
        " https://me:hunter2@git.example.com/code ",
    );
    let login = here(&[url, ("GITEA_TOKEN", " hunter2 "), ("GITEA_LOGIN", " ")]).unwrap();
    assert_eq!(
        (login.name.as_str(), login.url.as_str()),
        ("env:git.example.com", "https://git.example.com/code/")
    );
    assert!(login.token.is_some() && !login.insecure && login.warnings.is_empty());
    assert!(!format!("{login:?}").contains("hunter2"));
    for (text, insecure) in [
        ("true", true),
        ("1", true),
        ("TRUE", true),
        ("false", false),
        ("0", false),
        ("", false),
    ] {
        let login = here(&[url, ("GITEA_TOKEN", "t"), ("GITEA_INSTANCE_INSECURE", text)]).unwrap();
        assert_eq!(login.insecure, insecure, "{text}");
    }
    let login = here(&[url, ("GITEA_TOKEN", "")]).unwrap();
    assert!(login.token.is_none() && login.warnings.len() == 1);
    for (environment, told) in [
        (
            [("GITEA_INSTANCE_URL", "hunter2"), ("GITEA_TOKEN", "t")],
            "GITEA_INSTANCE_URL is no address",
        ),
        (
            [url, ("GITEA_TOKEN", "hunter2 x")],
            "GITEA_TOKEN: the token holds a blank",
        ),
    ] {
        let error = here(&environment).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.message().starts_with(told), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[test]
fn a_guess_is_told() {
    let warnings = |scene: Scene<'_>| scene.chosen().unwrap().1.join("\n");
    assert_eq!(warnings(SCENE), "");
    let origin = "https://github.com/acme/widget";
    assert_eq!(
        warnings(Scene { origin, ..SCENE }),
        "acme/widget is from github.com by its origin, where tea has no login; Default is used"
    );
    let origin = "https://github.com/other/thing";
    assert_eq!(warnings(Scene { origin, ..SCENE }), "");
    let tea = "logins: [{name: x, url: https://x}, {name: y, url: https://y}]";
    assert!(warnings(Scene { tea, ..SCENE }).contains("the first, x, is used"));
    let tea = "logins: [{name: x, url: https://x}]";
    assert_eq!(warnings(Scene { tea, ..SCENE }), "");
}
