//! What a pretended forge holds, in the forms of the real one: fields that it leaves empty are null.

use serde_json::{Value, json};

use super::world::{Item, World};

/// Where the forge believes to be. Links lead there, whoever asks.
pub(super) const ROOT_URL: &str = "https://git.example.com/";

pub(super) fn issue(world: &World, number: u64, item: &Item) -> Value {
    if item.broken {
        return json!({"id": 0, "number": 0, "title": "", "state": ""});
    }
    let assignees = item.assigned.then(|| json!([{"login": "somebody"}]));
    let pull_request = item
        .head
        .as_ref()
        .map(|head| json!({"merged": false, "merged_at": null, "draft": head.draft}));
    let title = item.milestone.as_ref();
    let at = title.and_then(|title| world.milestones.iter().position(|known| known.0 == *title));
    json!({
        "id": number + 70_000, "number": number, "title": item.title, "body": item.body,
        "state": if item.open { "open" } else { "closed" },
        "assignee": assignees.as_ref().map(|all| all[0].clone()), "assignees": assignees,
        "milestone": at.zip(title).map(|(at, title)| milestone(world, at, title)),
        "labels": labels_of(&item.labels, 0),
        "pull_request": pull_request,
        "repository": {"id": 1, "name": world.repo.split('/').next_back(), "full_name": world.repo},
        "closed_at": null, "due_date": null, "comments": 0, "ref": "",
    })
}

pub(super) fn pull(world: &World, number: u64, item: &Item) -> Value {
    let mut pull = issue(world, number, item);
    if let (Some(head), false) = (&item.head, item.broken) {
        pull["head"] = json!({
            "ref": head.reference, "label": head.label, "sha": head.commit,
            "repo": null, "repo_id": -1,
        });
        pull["draft"] = json!(head.draft);
        pull["url"] = json!(format!("{ROOT_URL}{}/pulls/{number}", world.repo));
        pull["requested_reviewers"] = Value::Null;
    }
    pull
}

pub(super) fn milestone(world: &World, at: usize, title: &str) -> Value {
    let open = world.milestones.get(at).is_some_and(|known| known.1);
    let state = if open { "open" } else { "closed" };
    json!({"id": at + 1, "title": title, "state": state, "description": "", "due_on": null})
}

pub(super) fn labels_of(names: &[String], before: usize) -> Vec<Value> {
    let label = |(at, name)| json!({"id": before + at + 1, "name": name, "color": "00aabb"});
    names.iter().enumerate().map(label).collect()
}

pub(super) fn repository(world: &World) -> Value {
    json!({
        "id": 1, "full_name": world.repo, "default_branch": world.default_branch,
        "empty": world.empty, "has_issues": world.has_issues,
        "has_pull_requests": world.has_pulls, "permissions": null,
    })
}
