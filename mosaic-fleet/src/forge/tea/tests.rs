//! tea's file in all its forms, and the tokens that a scripted tea hands out.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::super::program::tests::{at_home, script};
use super::*;

const OLD: &str = "logins:
- name: gitea.com
  url: https://gitea.com
  token: 0123456789abcdef0123456789abcdef01234567
  default: false
  ssh_host: gitea.com
  ssh_key: \"\"
  insecure: false
  user: jane
  created: 1600000000
- name: Work
  url: http://git.example.com:3000/code
  token: \"1234\"
  default: true
  ssh_host: ssh.example.com:2222
  insecure: true
  ssh_certificate_principal: \"\"
  ssh_agent: false
  ssh_key_agent_pub: \"\"
  version_check: true
  user: jane
  created: 1700000000
  refresh_token: hunter2
  token_expiry: 1800000000
preferences:
  editor: false
  flag_defaults:
    remote: \"\"
";

const NEW: &str = "logins:
    - name: oauth
      url: https://git.example.com
      default: \"true\"
      auth_method: oauth
      user: jane
      something_new: {a: [1, 2]}
";

fn parse(text: &str) -> TeaLogins {
    TeaLogins::parse(text, "config.yml").unwrap()
}

fn one(text: &str) -> TeaLogin {
    parse(&format!("logins: [{text}]")).all.remove(0)
}

fn shown(token: &Token) -> String {
    token.header("token").unwrap().to_str().unwrap().to_owned()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn every_form_of_the_file() {
    let tea = parse(OLD);
    let names: Vec<_> = tea.all.iter().map(|login| login.name.as_str()).collect();
    assert_eq!(names, ["gitea.com", "Work"]);
    let work = tea.default_login().unwrap();
    assert_eq!(work.name, "Work");
    assert_eq!(work.url(), Some("http://git.example.com:3000/code/"));
    assert!(work.insecure && work.default);
    assert_eq!(work.ssh_host.as_deref(), Some("ssh.example.com:2222"));
    assert_eq!(work.expires, Some(at(1_800_000_000)));
    let first = tea.get("GITEA.COM").unwrap();
    assert!(!first.insecure && !first.default && first.expires.is_none());

    let new = parse(NEW);
    assert!(new.all[0].default && new.all[0].oauth && new.all[0].secret.is_none());

    for empty in [
        "",
        "logins: null",
        "logins: []",
        "logins:",
        "preferences: {}",
        "# x",
    ] {
        let tea = parse(empty);
        assert!(
            tea.all.is_empty() && tea.default_login().is_none(),
            "{empty}"
        );
    }
    let bare = parse("logins: [{url: git.example.com, token: null, default: null}, null, {}]");
    assert_eq!(bare.all.len(), 2);
    assert_eq!(bare.all[0].name, "git.example.com");
    assert_eq!(bare.all[0].url(), Some("https://git.example.com/"));
    assert!(bare.all[1].address().is_err());
}

#[test]
fn the_default_is_the_first_that_is_marked_else_the_first() {
    for (text, name) in [
        (
            "[{name: a}, {name: b, default: true}, {name: c, default: true}]",
            "b",
        ),
        ("[{name: a}, {name: b, default: 'true'}]", "b"),
        ("[{name: a}, {name: b, default: false}]", "a"),
    ] {
        let tea = parse(&format!("logins: {text}"));
        assert_eq!(tea.default_login().unwrap().name, name, "{text}");
    }
}

#[test]
fn names_are_equal_in_any_case_of_letters() {
    let tea = parse("logins: [{name: Work}, {name: work}, {name: ÄRGER}]");
    assert_eq!(tea.get("work").unwrap().name, "work");
    assert_eq!(tea.get("WORK").unwrap().name, "Work");
    assert_eq!(tea.get("ärger").unwrap().name, "ÄRGER");
    assert!(tea.get("wor").is_none());
    assert_eq!(
        tea.no_such("wrk"),
        "tea has no login \"wrk\" (did you mean work?)"
    );
    assert!(tea.no_such("github").ends_with("known: Work, work, ÄRGER"));
    assert_eq!(
        parse("").no_such("x"),
        "tea has no login \"x\", nor any other in config.yml"
    );
}

#[test]
fn no_secret_is_shown() {
    let tea = parse(OLD);
    let debug = format!("{tea:?}");
    assert!(
        !debug.contains("0123456789abcdef") && !debug.contains("1234\""),
        "{debug}"
    );
    let login = one("{url: 'https://me:hunter2@git.example.com', token: hunter2}");
    assert_eq!(login.url(), Some("https://git.example.com/"));
    assert!(!format!("{login:?} {}", login.name).contains("hunter2"));
    for text in [
        "logins: [{token: hunter2, token: hunter2}]",
        "logins: [{token: [hunter2]}]",
        "logins: [{token: hunter2",
        "logins: hunter2",
        "logins:\n- token: hunter2\n  name: x: y\n",
        "hunter2",
        "logins: [{default: {hunter2: 1}}]",
        "logins: *hunter2",
        "logins: [{token: !!binary hunter2}]",
        "logins: [hunter2]",
    ] {
        let error = TeaLogins::parse(text, "config.yml").unwrap_err();
        let told = format!("{error} {error:?} {:?}", error.hint());
        assert!(!told.contains("hunter2"), "{text}: {told}");
        assert!(error.message().starts_with("config.yml:"), "{told}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in ".{0,200}", before in "[-a-z:{\\[\"'&*!| \n\t]{0,40}", after in "[-a-z:}\\]\"'&*!| \n\t]{0,40}") {
        let _ = TeaLogins::parse(&text, "f");
        let secret = "s3cr3tS3CR3T";
        for text in [format!("{before}{secret}{after}"), format!("logins:\n- token: {secret}\n  {before}\n{after}")] {
            let told = match TeaLogins::parse(&text, "f") {
                Err(error) => format!("{error} {error:?}"),
                Ok(tea) if tea.all.iter().all(|login| login.secret.is_some()) => format!("{tea:?}"),
                Ok(_) => continue,
            };
            prop_assert!(!told.contains(secret), "{text:?}: {told}");
        }
    }
}

#[test]
fn the_file_is_where_tea_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let mut environment = at_home(home);
    let usual = match cfg!(target_os = "macos") {
        true => home.join("Library/Application Support/tea/config.yml"),
        false => home.join(".config/tea/config.yml"),
    };
    let old = home.join(".tea/tea.yml");
    assert_eq!(TeaLogins::path(&environment), usual);
    assert!(TeaLogins::read(&environment).unwrap().all.is_empty());
    for file in [&old, &usual] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, OLD).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(&TeaLogins::path(&environment), file);
    }
    let tea = TeaLogins::read(&environment).unwrap();
    assert_eq!((tea.all.len(), tea.warnings.len()), (2, 0));
    fs::set_permissions(&usual, fs::Permissions::from_mode(0o660)).unwrap();
    let tea = TeaLogins::read(&environment).unwrap();
    assert_eq!(tea.warnings.len(), 1);
    assert_eq!(tea.file, usual.display().to_string());
    let xdg = home.join("xdg");
    environment.insert("XDG_CONFIG_HOME".into(), xdg.display().to_string());
    fs::remove_file(&old).unwrap();
    assert_eq!(TeaLogins::path(&environment), xdg.join("tea/config.yml"));
    environment.insert("XDG_CONFIG_HOME".into(), "not/absolute".into());
    assert_eq!(TeaLogins::path(&environment), usual);
}

/// What comes of asking for the token of `login`, with a tea that does what `text` says.
async fn ask(login: &TeaLogin, text: Option<&str>, limit: Duration) -> Result<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut environment = at_home(folder.path());
    environment.insert("PATH".into(), format!("{}:/bin", folder.path().display()));
    match text {
        Some(text) => script(folder.path(), "tea", text),
        None => drop(environment.remove("PATH")),
    }
    let token = login.token_within(&environment, at(1_750_000_000), limit);
    token.await.map(|token| shown(&token))
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_token_that_is_good_is_taken_from_the_file() {
    for text in [
        "{name: x, url: https://h, token: ' abc '}",
        "{name: x, url: https://h, token: abc, token_expiry: 0}",
        "{name: x, url: https://h, token: abc, token_expiry: 1800000000}",
        "{name: x, url: https://h, token: abc, token_expiry: '2027-01-01T00:00:00Z'}",
        "{name: x, url: https://h, token: abc, auth_method: oauth, token_expiry: 1800000000}",
        "{name: x, url: https://h, token: abc, auth_method: token}",
    ] {
        assert_eq!(
            ask(&one(text), None, LONG).await.unwrap(),
            "token abc",
            "{text}"
        );
    }
    let error = ask(&one("{name: x, token: 'hunter2 hunter2'}"), None, LONG)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn any_other_is_asked_of_tea() {
    let helper = r#"
        [ "$*" = "login helper get" ] || exit 9
        while read line && [ -n "$line" ]; do seen="$seen$line;"; done
        read more && exit 8
        [ "$seen" = "protocol=http;host=git.example.com:3000;" ] || exit 7
        printf 'protocol=http\nhost=git.example.com:3000\nusername=jane\npassword=a=b  \r\n'"#;
    for rest in [
        "",
        "token: ''",
        "token: old, token_expiry: 1700000000",
        "token: old, auth_method: oauth",
        "auth_method: oauth, token_expiry: 1800000000",
    ] {
        let login = one(&format!(
            "{{name: x, url: 'http://git.example.com:3000/code', {rest}}}"
        ));
        assert_eq!(
            ask(&login, Some(helper), LONG).await.unwrap(),
            "token a=b",
            "{rest}"
        );
    }
}

#[tokio::test]
async fn a_tea_that_has_no_token() {
    let login = one("{name: work, url: https://h}");
    for (script, words) in [
        (
            "echo password=hunter2; echo 'FATAL: no keyring' >&2; echo more >&2; exit 1",
            ": FATAL: no keyring",
        ),
        ("exit 0", "tea hands out none"),
        ("echo password=", "tea hands out none"),
        ("echo 'password=   '", "tea hands out none"),
        ("echo password=hunter2 hunter2", "none that can be used"),
        ("echo apassword=hunter2", "tea hands out none"),
        ("printf 'password=hunter2\\377\\n'", "none that can be used"),
    ] {
        let error = ask(&login, Some(script), LONG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{script}");
        assert!(error.message().ends_with(words), "{script}: {error}");
        let told = format!("{error:?}");
        assert!(!told.contains("hunter2") && told.contains("work"), "{told}");
    }
    let error = ask(&login, None, LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.hint().unwrap().contains("install tea"));
    let error = ask(&one("{name: work}"), Some("exit 0"), LONG)
        .await
        .unwrap_err();
    assert!(error.message().contains("no usable address"));
}

#[tokio::test]
async fn a_tea_that_hangs_is_given_up() {
    let login = one("{name: work, url: https://h}");
    let limit = Duration::from_millis(300);
    let asked = ask(&login, Some("sleep 600"), limit);
    let asked = tokio::time::timeout(Duration::from_secs(60), asked).await;
    let error = asked.expect("it is not waited for").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn of_two_logins_on_a_host_none_gets_the_token_of_the_other() {
    let text = "logins: [{name: a, url: https://h, user: jane}, {name: b, url: https://h/, user: joe}, {name: c, url: https://h2, user: jim}]";
    let tea = parse(text);
    let helper = "echo username=Jane; echo password=abc";
    let asked = |name| ask(tea.get(name).unwrap(), Some(helper), LONG);
    assert!(asked("a").await.is_ok());
    let error = asked("b").await.unwrap_err();
    assert!(error.message().contains("several logins for h"), "{error}");
    assert!(asked("c").await.is_ok(), "the only one of its host");
}
