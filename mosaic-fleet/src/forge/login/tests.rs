//! Finding a login from end to end, in a home of its own with a git and a tea of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::super::program::tests::{at_home, script};
use super::*;
use crate::error::ErrorKind;

fn repo() -> RepoName {
    RepoName::new("acme/widget").unwrap()
}

fn shown(login: &Login) -> Option<String> {
    let header = login.token.as_ref()?.header("token").unwrap();
    Some(header.to_str().unwrap().to_owned())
}

/// A home with tea's file; everything is looked for below it.
fn home(folder: &Path, tea: &str) -> LoginOptions {
    let mut environment = at_home(folder);
    let config = folder.join("xdg");
    environment.insert("XDG_CONFIG_HOME".into(), config.display().to_string());
    environment.insert(
        "GIT_CEILING_DIRECTORIES".into(),
        folder.parent().unwrap().display().to_string(),
    );
    fs::create_dir_all(config.join("tea")).unwrap();
    fs::create_dir_all(config.join("mosaic")).unwrap();
    let file = config.join("tea/config.yml");
    fs::write(&file, tea).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    LoginOptions::new(environment, folder)
}

fn clone_of(folder: &Path, origin: &str) {
    for arguments in [&["init", "-q"][..], &["remote", "add", "origin", origin]] {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(folder)
            .args(arguments)
            .env_clear()
            .envs(at_home(folder));
        assert!(git.status().unwrap().success());
    }
}

const TEA: &str = "logins:
- {name: main, url: https://git.example.com, token: maintoken, default: true}
- {name: lab, url: http://lab.example:3000, insecure: true, auth_method: oauth}
";

#[tokio::test]
async fn the_folder_s_origin_finds_the_login() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let options = home(folder, TEA);
    let login = find(&repo(), &options).await.unwrap();
    assert_eq!(
        (login.to_string(), shown(&login)),
        ("main".into(), Some("token maintoken".into()))
    );
    assert!(login.warnings.is_empty() && !login.insecure);

    clone_of(folder, "ssh://git@lab.example:22/acme/widget.git");
    script(folder, "tea", "echo password=labtoken");
    let login = find(&repo(), &options).await.unwrap();
    assert_eq!(
        (login.name.as_str(), login.url.as_str()),
        ("lab", "http://lab.example:3000/")
    );
    assert_eq!(shown(&login), Some("token labtoken".into()));
    assert!(login.insecure);
    assert_eq!(login.warnings.len(), 1, "{:?}", login.warnings);
    assert!(login.warnings[0].contains("unencrypted"));
    for told in [
        format!("{login:?}"),
        format!("{options:?}"),
        login.warnings.concat(),
    ] {
        assert!(!told.contains("labtoken"), "{told}");
    }
    let other = RepoName::new("acme/gadget").unwrap();
    assert_eq!(find(&other, &options).await.unwrap().name, "main");
    let named = options.clone().with_login("MAIN");
    assert_eq!(find(&repo(), &named).await.unwrap().name, "main");
}

#[tokio::test]
async fn the_owner_s_login_is_found_in_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let options = home(folder.path(), TEA);
    script(
        folder.path(),
        "git",
        "touch \"$HOME/git-was-asked\"; exit 1",
    );
    fs::write(
        options.home.forges(),
        "version: 1\nowners: {Acme: {login: main}}",
    )
    .unwrap();
    assert_eq!(find(&repo(), &options).await.unwrap().name, "main");
    assert!(!folder.path().join("git-was-asked").exists());
    fs::write(
        options.home.forges(),
        "version: 1\nowners: {Acme: {login: mian}}",
    )
    .unwrap();
    let error = find(&repo(), &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let file = options.home.forges().display().to_string();
    let told = format!("owner acme in {file}: tea has no login \"mian\" (did you mean main?)");
    assert_eq!(error.message(), told);
    let elsewhere = options.with_home(MosaicHome::new(folder.path().join("none")));
    assert_eq!(find(&repo(), &elsewhere).await.unwrap().name, "main");
    assert!(folder.path().join("git-was-asked").exists());
}

#[tokio::test]
async fn files_that_no_rule_needs_may_be_broken() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = home(folder.path(), "logins: [{token: hunter2");
    fs::write(options.home.forges(), "version: [hunter2").unwrap();
    let error = find(&repo(), &options).await.unwrap_err();
    assert!(error.message().contains("forges.yaml:1:"), "{error}");
    fs::write(options.home.forges(), "").unwrap();
    let error = find(&repo(), &options).await.unwrap_err();
    assert!(error.message().contains("tea/config.yml:1:"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
    for (key, value) in [
        ("GITEA_INSTANCE_URL", "http://git.example.com"),
        ("GITEA_TOKEN", "hunter2"),
    ] {
        options.environment.insert(key.into(), value.into());
    }
    let login = find(&repo(), &options).await.unwrap();
    assert_eq!(login.name, "env:git.example.com");
    assert_eq!(login.warnings.len(), 1);
    let told = format!("{login:?} {options:?}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_file_that_others_may_read_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = home(folder.path(), TEA);
    let file = TeaLogins::path(&options.environment);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    for options in [options.clone(), options.with_login("main")] {
        let login = find(&repo(), &options).await.unwrap();
        assert_eq!(login.warnings.len(), 1);
        assert!(login.warnings[0].contains("chmod 600"));
    }
}

#[test]
fn only_what_leaves_this_host_unencrypted_is_warned_of() {
    for (address, warned) in [
        ("http://git.example.com/", true),
        ("http://10.0.0.1:3000/", true),
        ("http://localhost.example.com/", true),
        ("https://git.example.com/", false),
        ("http://localhost:3000/", false),
        ("http://git.localhost/", false),
        ("http://127.0.0.2/", false),
        ("http://[::1]:3000/", false),
        ("http://[2001:db8::1]/", true),
    ] {
        assert_eq!(in_the_clear(address).is_some(), warned, "{address}");
    }
}

/// The library's futures can be spawned.
#[test]
fn finding_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let options = LoginOptions::new(BTreeMap::new(), "/");
    is_send(find(&repo(), &options));
}
