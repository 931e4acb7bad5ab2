//! Milestones and labels: exact, known, and not taken apart.

use super::{client, numbers, repo, server};
use crate::error::{Error, ErrorKind};
use crate::forge::{Forge, IssueFilter};
use crate::testing::gitea::GiteaServer;

async fn found(server: &GiteaServer, filter: &IssueFilter) -> Result<Vec<u64>, Error> {
    let issues = client(server).open_issues(&repo(), filter).await?;
    Ok(numbers(&issues, |issue| issue.number))
}

fn in_milestone(title: &str) -> IssueFilter {
    IssueFilter::new().with_milestone(title)
}

fn labelled(names: &[&str]) -> IssueFilter {
    names
        .iter()
        .fold(IssueFilter::new(), |filter, name| filter.with_label(*name))
}

fn filled() -> GiteaServer {
    let server = server();
    for number in 1..=9 {
        server.issue(number, "x");
    }
    // The second milestone is called like the number of another.
    server
        .milestone("M8: core, and more", &[1, 2])
        .milestone("1", &[3])
        .milestone("M8", &[4]);
    server.milestone("old", &[5]).milestone("m8", &[6]);
    server.with(|world| world.milestones[3].1 = false);
    server
        .label("security", &[1, 2])
        .label("domain/6-security", &[3])
        .label("a, b", &[4]);
    server.label("Big one", &[2, 5]);
    server
}

#[tokio::test]
async fn a_milestone_is_exact() {
    let server = filled();
    for (title, issues) in [
        ("M8: core, and more", vec![2, 1]),
        ("1", vec![3]),
        ("M8", vec![4]),
        ("m8", vec![6]),
        ("old", vec![5]),
    ] {
        assert_eq!(
            found(&server, &in_milestone(title)).await.unwrap(),
            issues,
            "{title}"
        );
    }
    // The forge filters only where it takes the title as it is meant.
    let sent: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path.ends_with("/issues"))
        .map(|asked| asked.query)
        .collect();
    assert!(!sent[0].contains("milestones="), "{sent:?}");
    assert!(sent[1].contains("milestones=1&"), "{sent:?}");
    assert!(!sent[2].contains("milestones="), "{sent:?}");
    assert!(sent[4].contains("milestones=old&"), "{sent:?}");
}

#[tokio::test]
async fn labels_are_exact_and_all_must_match() {
    let server = filled();
    server
        .org_label("kind/bug", &[2, 7])
        .org_label("security", &[8]);
    for (names, issues) in [
        (vec!["security"], vec![8, 2, 1]),
        (vec!["domain/6-security"], vec![3]),
        (vec!["a, b"], vec![4]),
        (vec!["Big one"], vec![5, 2]),
        (vec!["kind/bug"], vec![7, 2]),
        (vec!["kind/bug", "Big one", "security"], vec![2]),
        (vec!["a, b", "Big one"], vec![]),
    ] {
        assert_eq!(
            found(&server, &labelled(&names)).await.unwrap(),
            issues,
            "{names:?}"
        );
    }
    let both = in_milestone("M8").with_label("a, b");
    assert_eq!(found(&server, &both).await.unwrap(), [4]);
}

#[tokio::test]
async fn what_does_not_exist_is_told_with_what_is_near() {
    let server = filled();
    for (filter, message, hint) in [
        (
            in_milestone("M9"),
            "there is no milestone \"M9\" in acme/widget",
            "\"M8\"",
        ),
        (
            in_milestone("core"),
            "\"core\"",
            "near it: \"M8: core, and more\"",
        ),
        (
            in_milestone("zebra"),
            "\"zebra\"",
            "there are \"M8: core, and more\", \"1\"",
        ),
        (in_milestone(""), "\"\"", "there are"),
        (
            labelled(&["Security"]),
            "label \"Security\"",
            "near it: \"security\", \"domain/6-security\"",
        ),
        (labelled(&["security", "a"]), "label \"a\"", "\"a, b\""),
    ] {
        let error = found(&server, &filter).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(message), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
    }
    let bare = super::server();
    let error = found(&bare, &in_milestone("M")).await.unwrap_err();
    assert_eq!(error.hint(), Some("it has no milestone at all"));
}

#[tokio::test]
async fn labels_of_an_owner_that_cannot_be_read() {
    let server = filled();
    server.org_label("kind/bug", &[7]);
    server.with(|world| {
        world.missing_scope = Some(("orgs/".to_owned(), "read:organization".to_owned()));
    });
    // An issue has it, so it exists.
    let filter = in_milestone("M8").with_label("kind/bug");
    assert_eq!(found(&server, &filter).await.unwrap(), Vec::<u64>::new());
    assert_eq!(found(&server, &labelled(&["kind/bug"])).await.unwrap(), [7]);
    let error = found(&server, &labelled(&["kind/bag"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        error.hint().unwrap().contains("read:organization"),
        "{error:?}"
    );
    // A person's are none, unless an issue shows one.
    server.with(|world| (world.missing_scope, world.org_labels) = (None, None));
    assert_eq!(found(&server, &labelled(&["kind/bug"])).await.unwrap(), [7]);
    let error = found(&server, &labelled(&["kind/bag"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn many_names() {
    let server = server();
    server.issue(1, "x");
    for number in 0..120 {
        server
            .label(&format!("l{number}"), &[])
            .milestone(&format!("m{number}"), &[]);
    }
    server.label("wanted", &[1]).milestone("wanted", &[1]);
    let filter = in_milestone("wanted").with_label("wanted");
    assert_eq!(found(&server, &filter).await.unwrap(), [1]);
}
