//! The repository that a folder was cloned from: git's remote `origin`, as the host and the
//! repository that its address names. Which login fits is for [`login`](super::login).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::program;
use super::repo::RepoName;

/// How long git may take to read its own configuration.
const LIMIT: Duration = Duration::from_secs(5);

/// Where a repository was cloned from. The user and password of the address are not kept.
///
/// ```
/// use mosaic_fleet::forge::Origin;
///
/// let origin = Origin::parse("ssh://git@git.example.com:2222/acme/widget.git").unwrap();
/// assert_eq!(origin.host, "git.example.com");
/// assert_eq!(origin.repo.as_str(), "acme/widget");
/// assert_eq!(Origin::parse("/srv/git/widget.git"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The server, in small letters; an IPv6 address stands in brackets.
    pub host: String,
    /// The repository.
    pub repo: RepoName,
    /// The port of a web address: `Some(None)` is the usual one. `None` for any other address,
    /// whose port says nothing of the forge's.
    pub(super) web_port: Option<Option<u16>>,
}

impl Origin {
    /// What a remote's address names; nothing if that is no repository of a forge.
    ///
    /// Web addresses, `ssh://`, `git://` and `[user@]host:path` are understood. A forge may live
    /// below a path: the last two parts name the repository.
    pub fn parse(address: &str) -> Option<Origin> {
        let address = address.trim();
        if address.contains("://") {
            Self::of_url(&Url::parse(address).ok()?)
        } else {
            Self::of_scp(address)
        }
    }

    /// The `origin` of the repository that `directory` is in. Nothing if there is no git, no
    /// repository or no such remote, if it is no forge's, or if git does not answer in 5 seconds.
    ///
    /// git gets `environment` and nothing else. May be dropped at any await: git is killed then.
    pub async fn of(directory: &Path, environment: &BTreeMap<String, String>) -> Option<Origin> {
        let arguments = ["remote", "get-url", "origin"].map(AsRef::as_ref);
        let arguments = [&["-C".as_ref(), directory.as_os_str()], &arguments[..]].concat();
        let ran = program::run("git", &arguments, environment, b"", LIMIT).await;
        let ran = ran.ok().filter(|ran| ran.succeeded)?;
        Self::parse(String::from_utf8(ran.output).ok()?.lines().next()?)
    }

    fn of_url(url: &Url) -> Option<Origin> {
        let web_port = match url.scheme() {
            "http" | "https" => Some(url.port()),
            "ssh" | "git" | "git+ssh" | "ssh+git" => None,
            _ => return None,
        };
        Self::new(url.host_str()?, url.path(), web_port)
    }

    fn of_scp(address: &str) -> Option<Origin> {
        // A name before the first slash, or a path on this host.
        let user_end = address.find('@').filter(|at| !address[..*at].contains('/'));
        let rest = user_end.map_or(address, |at| &address[at + 1..]);
        let (host, path) = match rest.strip_prefix('[') {
            // `[host:port]:path` as well as an IPv6 address.
            Some(inner) => {
                let (inner, path) = inner.split_once("]:")?;
                let host = match inner.matches(':').count() {
                    0 => inner.to_owned(),
                    1 => inner.split(':').next()?.to_owned(),
                    _ => format!("[{inner}]"),
                };
                (host, path)
            }
            None => {
                let (host, path) = rest.split_once(':')?;
                (host.to_owned(), path)
            }
        };
        // `transport::address` is for a helper of git's.
        if host.contains(['/', '\\']) || path.starts_with(':') {
            return None;
        }
        Self::new(&host, path, None)
    }

    fn new(host: &str, path: &str, web_port: Option<Option<u16>>) -> Option<Origin> {
        if host.is_empty() {
            return None;
        }
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let mut parts = path.rsplit('/');
        let (name, owner) = (parts.next()?, parts.next()?);
        Some(Origin {
            host: host.to_ascii_lowercase(),
            repo: RepoName::new(&format!("{owner}/{name}")).ok()?,
            web_port,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::program::tests::{at_home, script};
    use super::*;

    #[test]
    fn every_form_of_an_address() {
        let web = |port| Some(port);
        for (address, host, repo, port) in [
            (
                "https://git.example.com/acme/widget",
                "git.example.com",
                "acme/widget",
                web(None),
            ),
            (
                "https://git.example.com/acme/widget.git/",
                "git.example.com",
                "acme/widget",
                web(None),
            ),
            (
                "http://Git.Example.com:3000/a/b.git",
                "git.example.com",
                "a/b",
                web(Some(3000)),
            ),
            (
                "https://git.example.com:443/a/b",
                "git.example.com",
                "a/b",
                web(None),
            ),
            (
                "https://me:hunter2@git.example.com/code/forge/a/b.git",
                "git.example.com",
                "a/b",
                web(None),
            ),
            ("https://[::1]:3000/a/b", "[::1]", "a/b", web(Some(3000))),
            (
                "ssh://git@git.example.com:2222/a/b.git",
                "git.example.com",
                "a/b",
                None,
            ),
            ("ssh://GIT.example.com/a/b", "git.example.com", "a/b", None),
            ("git+ssh://git@h/a/b", "h", "a/b", None),
            ("git://h/a/b.git", "h", "a/b", None),
            (
                "git@git.example.com:a/b.git",
                "git.example.com",
                "a/b",
                None,
            ),
            (
                "git@git.example.com:/a/b.git/",
                "git.example.com",
                "a/b",
                None,
            ),
            ("Work:a/b", "work", "a/b", None),
            ("git@h:forge/a/b.c.git", "h", "a/b.c", None),
            ("git@[h:2222]:a/b.git", "h", "a/b", None),
            ("[2001:db8::1]:a/b", "[2001:db8::1]", "a/b", None),
            ("  https://h/a/b\n", "h", "a/b", web(None)),
        ] {
            let origin = Origin::parse(address).unwrap_or_else(|| panic!("{address}"));
            let seen = (origin.host.as_str(), origin.repo.as_str(), origin.web_port);
            assert_eq!(seen, (host, repo, port), "{address}");
            assert!(!format!("{origin:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_forge() {
        for address in [
            "",
            "/srv/git/a/b.git",
            "./a/b",
            "../a:b/c",
            "a/b",
            "file:///srv/a/b",
            "https://h/b",
            "https:///",
            "https://h",
            "git@h:b.git",
            "git@h:",
            ":a/b",
            "@:a/b",
            "ext::sh -c a/b",
            "https://h/a/..",
            "git@h:a/b c",
            "C:\\x\\y",
            "[::1]",
            "s3://h/a/b",
            "git@[h:a/b",
        ] {
            assert_eq!(Origin::parse(address), None, "{address:?}");
        }
    }

    fn git(folder: &Path, arguments: &[&str]) {
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .env_clear()
            .envs(at_home(folder))
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?} {output:?}");
    }

    #[tokio::test]
    async fn git_says_where_a_folder_is_from() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut environment = at_home(folder);
        // Whatever is above our temporary folder is none of ours.
        let ceiling = folder.parent().unwrap().display().to_string();
        environment.insert("GIT_CEILING_DIRECTORIES".to_owned(), ceiling);
        assert_eq!(Origin::of(folder, &environment).await, None);
        git(folder, &["init", "-q"]);
        assert_eq!(Origin::of(folder, &environment).await, None);
        git(folder, &["remote", "add", "origin", "work:acme/widget.git"]);
        git(
            folder,
            &[
                "config",
                "url.https://me:hunter2@git.example.com/.insteadOf",
                "work:",
            ],
        );
        let below = folder.join("some/where");
        std::fs::create_dir_all(&below).unwrap();
        for place in [folder, below.as_path()] {
            let origin = Origin::of(place, &environment).await.unwrap();
            assert_eq!(origin.host, "git.example.com");
            assert_eq!(origin.repo.as_str(), "acme/widget");
        }
        assert_eq!(
            Origin::of(&folder.join("nowhere"), &environment).await,
            None
        );
        environment.insert("PATH".to_owned(), String::new());
        assert_eq!(Origin::of(folder, &environment).await, None);
    }

    #[tokio::test]
    async fn a_git_that_fails_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        script(folder.path(), "git", "echo https://h/a/b; exit 128");
        assert_eq!(
            Origin::of(folder.path(), &at_home(folder.path())).await,
            None
        );
    }
}
