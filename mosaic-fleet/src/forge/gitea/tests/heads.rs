//! Repositories, branches and the statuses of commits.

use super::{PATIENCE, client, login, repo, server};
use crate::error::ErrorKind;
use crate::forge::gitea::Gitea;
use crate::forge::{CommitStatus, Forge, IssueFilter, RepoName, StatusState};
use crate::testing::gitea::GiteaServer;

#[tokio::test]
async fn a_repository_is_told_as_the_forge_spells_it() {
    let server = server();
    server.with(|world| world.old_name = Some("acme/gadget".to_owned()));
    for asked in ["acme/widget", "ACME/Widget", "acme/gadget"] {
        let found = client(&server)
            .repository(&RepoName::new(asked).unwrap())
            .await
            .unwrap();
        assert_eq!(
            (found.name, found.default_branch.as_str()),
            (repo(), "main")
        );
    }
}

#[tokio::test]
async fn a_forge_below_a_path() {
    let server = server();
    server.issue(1, "x").set_head("feat/x", "c1", "m");
    server.with(|world| world.prefix = "/git".to_owned());
    for url in [server.url(), format!("{}/", server.url())] {
        let mut login = login(&server);
        login.url = url;
        let client = Gitea::with_patience(&login, PATIENCE).unwrap();
        assert_eq!(client.info().login, "work");
        assert_eq!(client.info().url, format!("{}/", server.url()));
        assert_eq!(
            client
                .open_issues(&repo(), &IssueFilter::new())
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(client.branch(&repo(), "feat/x").await.unwrap().commit, "c1");
    }
}

#[tokio::test]
async fn a_branch_has_a_head() {
    let server = server();
    let client = client(&server);
    for name in ["feat/546 x", "release", "a%2Fb", "ü/?#"] {
        server.set_head(name, "c1", "first line\n\nrest");
        let branch = client.branch(&repo(), name).await.unwrap();
        assert_eq!((branch.name.as_str(), branch.commit.as_str()), (name, "c1"));
        assert_eq!(branch.message, "first line\n\nrest");
        server.set_head(name, "c2", "");
        assert_eq!(client.branch(&repo(), name).await.unwrap().commit, "c2");
    }
    let error = client.branch(&repo(), "feat/y").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(
        error.message(),
        "there is no branch \"feat/y\" in acme/widget"
    );
    assert!(error.hint().unwrap().contains("\"main\""), "{error:?}");
    for name in ["", "..", "feat/../x", "feat//x", "."] {
        let error = client.branch(&repo(), name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
    }
    let other = RepoName::new("acme/other").unwrap();
    let error = client.branch(&other, "main").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

async fn said(server: &GiteaServer, commit: &str) -> Vec<CommitStatus> {
    client(server).statuses(&repo(), commit).await.unwrap()
}

#[tokio::test]
async fn the_newest_status_of_each_context() {
    let server = server();
    server.set_head("feat/x", "c1", "m");
    assert_eq!(said(&server, "c1").await, []);
    server
        .set_status("c1", "ci/b", "pending", "https://ci/1")
        .set_status("c1", "ci/a", "success", "");
    server.set_status("c1", "ci/b", "Failure", "https://ci/2");
    let expected = [
        CommitStatus::new("ci/a", StatusState::Success),
        CommitStatus::new("ci/b", StatusState::Failure).with_url("https://ci/2"),
    ];
    for reference in ["c1", "feat/x"] {
        assert_eq!(said(&server, reference).await, expected);
    }
    // The forge's own checks have an address that begins at the server.
    server.set_head("feat/y", "c2", "m");
    server.set_status(
        "c2",
        "build / one (push)",
        "pending",
        "/acme/widget/actions/runs/1/jobs/1",
    );
    let url = format!("{}/acme/widget/actions/runs/1/jobs/1", server.url());
    assert_eq!(said(&server, "c2").await[0].url, url);
    server.with(|world| world.tells_total = false);
    assert_eq!(said(&server, "c1").await, expected);
    let error = client(&server).statuses(&repo(), "c9").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(error.message(), "there is no commit \"c9\" in acme/widget");
}

#[tokio::test]
async fn statuses_come_in_pages() {
    for (cap, tells) in [(50, true), (50, false), (7, true)] {
        let server = server();
        server.with(|world| (world.cap, world.tells_total) = (cap, tells));
        for number in 0..120 {
            server.set_status("c1", &format!("ci/{number:03}"), "success", "");
        }
        server.set_status("c1", "ci/000", "pending", "");
        let found = said(&server, "c1").await;
        assert_eq!(found.len(), 120);
        assert_eq!(found[0].state, StatusState::Pending);
    }
}

#[tokio::test]
async fn what_is_switched_off_is_not_a_repository_that_is_not_there() {
    let server = server();
    server.issue(1, "x");
    let client = client(&server);
    let filter = IssueFilter::new();
    for (empty, has_pulls) in [(true, true), (false, false)] {
        server.with(|world| (world.empty, world.has_pulls) = (empty, has_pulls));
        assert_eq!(client.open_pulls(&repo()).await.unwrap(), []);
        assert_eq!(client.open_issues(&repo(), &filter).await.unwrap().len(), 1);
    }
    server.with(|world| world.has_issues = false);
    let error = client.open_issues(&repo(), &filter).await.unwrap_err();
    assert_eq!(error.message(), "issues are switched off in acme/widget");
    let other = RepoName::new("acme/other").unwrap();
    let error = client.open_pulls(&other).await.unwrap_err();
    assert!(
        error.message().contains("no repository acme/other"),
        "{error}"
    );
}
