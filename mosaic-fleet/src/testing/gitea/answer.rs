//! What a pretended forge answers to a request.

use std::collections::{BTreeMap, BTreeSet};
use std::panic;
use std::sync::Mutex;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::locked;
use super::shown::{ROOT_URL, issue, labels_of, milestone, pull, repository};
use super::world::{Asked, Event, Fault, Head, Item, World};

/// Items of a page when nothing is asked for.
const USUAL: usize = 30;

type Parameters = BTreeMap<String, String>;

pub(super) async fn answer(world: &Mutex<World>, request: &Parts) -> Response {
    let (fault, response) = {
        let mut world = locked(world);
        let header = request.headers.get("authorization");
        let token = header.and_then(|value| value.to_str().ok()).and_then(token);
        let authorised = token == Some(world.token.as_str());
        world.asked.push(Asked {
            path: request.uri.path().to_owned(),
            query: request.uri.query().unwrap_or_default().to_owned(),
            authorised,
        });
        let fault = world.faults.pop_front();
        let response = match fault {
            Some(Fault::Busy(_) | Fault::Status(_) | Fault::Page) => None,
            _ if header.is_some() && !authorised => {
                Some(refused(401, "invalid username, password or token"))
            }
            _ => Some(route(&mut world, &request.uri, authorised)),
        };
        (fault, response)
    };
    let page = "<!DOCTYPE html>\n<html><body>a proxy's page</body></html>";
    match (fault, response) {
        (Some(Fault::Busy(pause)), _) => {
            let pause = [("retry-after", pause.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, pause, page).into_response()
        }
        (Some(Fault::Status(status)), _) => (status_code(status), page).into_response(),
        (Some(Fault::Page), _) => page.into_response(),
        // The connection's task ends with it, and no message is printed.
        (Some(Fault::Drop), _) => panic::resume_unwind(Box::new("dropped on purpose")),
        (Some(Fault::Cut), _) => {
            let pieces = [
                Ok(Bytes::from_static(b"[{\"number\": 1")),
                Err("cut on purpose"),
            ];
            Body::from_stream(futures::stream::iter(pieces)).into_response()
        }
        (Some(Fault::Silence), _) => std::future::pending().await,
        (None, Some(response)) => response,
        (None, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The token of `token X` or `Bearer X`.
fn token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let known = ["token", "bearer"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    known.then_some(token)
}

fn route(world: &mut World, uri: &Uri, authorised: bool) -> Response {
    let api = format!("{}/api/v1/", world.prefix);
    let Some(path) = uri.path().strip_prefix(&api) else {
        return (StatusCode::NOT_FOUND, "<html>no such page</html>").into_response();
    };
    if let Some((part, scope)) = &world.missing_scope
        && path.contains(part.as_str())
    {
        return refused(
            403,
            &format!(
                "token does not have at least one of required scope(s), required=[{scope}], token scope=read:misc"
            ),
        );
    }
    let parts: Vec<String> = path.split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let query = Query::<Parameters>::try_from_uri(uri)
        .map(|query| query.0)
        .unwrap_or_default();
    match parts.as_slice() {
        ["version"] => json_of(&json!({"version": "1.27.0"})),
        ["settings", "api"] => {
            json_of(&json!({"max_response_items": world.cap, "default_paging_num": USUAL}))
        }
        ["orgs", owner, "labels"] => match &world.org_labels {
            Some(labels) if world.repo.starts_with(&format!("{owner}/")) => {
                listed(world, &query, &labels_of(labels, 1000), Value::clone)
            }
            _ => not_found(),
        },
        ["repos", owner, name, rest @ ..] => {
            let asked = format!("{owner}/{name}");
            if world.old_name.as_deref() == Some(asked.as_str()) {
                let place = uri.to_string().replacen(&asked, &world.repo, 1);
                return (StatusCode::MOVED_PERMANENTLY, [("location", place)]).into_response();
            }
            if !asked.eq_ignore_ascii_case(&world.repo) || world.private && !authorised {
                return not_found();
            }
            of_repo(world, rest, &query)
        }
        _ => not_found(),
    }
}

fn of_repo(world: &mut World, path: &[&str], query: &Parameters) -> Response {
    match path {
        [] => json_of(&repository(world)),
        ["issues"] if !world.has_issues => not_found(),
        ["pulls"] if !world.has_pulls || world.empty => not_found(),
        ["issues"] => {
            let kind = query.get("type").map(String::as_str);
            world.stir(false);
            issues(world, query, kind)
        }
        ["issues", number] => match number
            .parse()
            .ok()
            .and_then(|n| Some((n, world.items.get(&n)?)))
        {
            Some((number, item)) => json_of(&issue(world, number, item)),
            None => not_found(),
        },
        ["issues", number, "timeline"] => timeline(world, number, query),
        ["pulls"] => {
            world.stir(true);
            let state = query.get("state").map_or("all", String::as_str);
            let wanted = |item: &Item| item.head.is_some() && in_state(item.open, state);
            let chosen = world.items.iter().rev().filter(|(_, item)| wanted(item));
            let found: Vec<(&u64, &Item)> = chosen.collect();
            listed(world, query, &found, |(number, item)| {
                pull(world, **number, item)
            })
        }
        ["milestones"] => {
            let state = query.get("state").map_or("open", String::as_str);
            let part = query
                .get("name")
                .map(|name| name.to_lowercase())
                .unwrap_or_default();
            let found = world.milestones.iter().enumerate();
            let found = found
                .filter(|(_, (title, open))| {
                    in_state(*open, state) && title.to_lowercase().contains(&part)
                })
                .map(|(at, (title, _))| milestone(world, at, title));
            let found: Vec<Value> = found.collect();
            listed(world, query, &found, Value::clone)
        }
        ["labels"] => listed(world, query, &labels_of(&world.labels, 0), Value::clone),
        ["branches", name] => match world.branches.get(*name) {
            Some((commit, message)) => json_of(&json!({
                "name": name, "protected": false, "effective_branch_protection_name": "",
                "commit": {"id": commit, "message": message, "added": null, "removed": null,
                    "modified": null, "timestamp": "2026-01-02T03:04:05Z"},
            })),
            None => not_found(),
        },
        ["commits", reference, "status"] => statuses(world, reference, query),
        _ => not_found(),
    }
}

fn issues(world: &World, query: &Parameters, kind: Option<&str>) -> Response {
    let state = query.get("state").map_or("open", String::as_str);
    let names = |key: &str| -> Vec<String> {
        let names = query.get(key).map_or("", String::as_str).split(',');
        names.map(|name| name.trim().to_owned()).collect()
    };
    // What is not known is dropped, and nothing at all means everything.
    let title = |name: String| {
        let by_title = world.milestones.iter().find(|(title, _)| *title == name);
        let by_number = || {
            world
                .milestones
                .get(name.parse::<usize>().ok()?.checked_sub(1)?)
        };
        by_title.or_else(by_number).map(|(title, _)| title.clone())
    };
    let milestones: Vec<String> = names("milestones").into_iter().filter_map(title).collect();
    let mut labels = names("labels");
    labels.retain(|name| world.labels.contains(name));
    let wanted = |item: &Item| {
        in_state(item.open, state)
            && match kind {
                Some("issues") => item.head.is_none(),
                Some("pulls") => item.head.is_some(),
                _ => true,
            }
            && (milestones.is_empty()
                || item
                    .milestone
                    .as_ref()
                    .is_some_and(|title| milestones.contains(title)))
            && labels.iter().all(|name| item.labels.contains(name))
    };
    let chosen = world.items.iter().rev().filter(|(_, item)| wanted(item));
    let found: Vec<(&u64, &Item)> = chosen.collect();
    listed(world, query, &found, |(number, item)| {
        issue(world, **number, item)
    })
}

fn timeline(world: &World, number: &str, query: &Parameters) -> Response {
    let Some(number) = number.parse().ok().filter(|n| world.items.contains_key(n)) else {
        // As the real one does.
        return refused(500, "");
    };
    let none = Vec::new();
    let events = world.events.get(&number).unwrap_or(&none);
    let (start, limit) = place(world, query);
    let shown: Vec<Value> = events
        .iter()
        .skip(start)
        .take(limit)
        .filter_map(|event| match event {
            Event::Hidden => None,
            Event::Comment => Some(
                json!({"type": "comment", "body": "hm", "ref_action": "none", "ref_issue": null}),
            ),
            Event::Mention {
                action,
                number,
                repo,
            } => {
                let here = repo.is_none();
                let item = world.items.get(number).filter(|_| here);
                let item = item.cloned().unwrap_or_else(|| Item {
                    open: true,
                    head: Some(Head::default()),
                    ..Item::default()
                });
                let mut shown = issue(world, *number, &item);
                if let Some(repo) = repo {
                    shown["repository"]["full_name"] = json!(repo);
                }
                let kind = if item.head.is_some() {
                    "pull_ref"
                } else {
                    "issue_ref"
                };
                Some(json!({"type": kind, "ref_action": action, "ref_issue": shown}))
            }
        })
        .collect();
    // The number of this page, and null for nothing.
    let total = [("x-total-count", shown.len().to_string())];
    match shown.is_empty() {
        true => (total, "null").into_response(),
        false => (total, Value::from(shown).to_string()).into_response(),
    }
}

fn statuses(world: &World, reference: &str, query: &Parameters) -> Response {
    let commit = match world.branches.get(reference) {
        Some((commit, _)) => commit.as_str(),
        None => reference,
    };
    let Some(said) = world.statuses.get(commit) else {
        let known = world.branches.values().any(|(head, _)| head == commit);
        return if known {
            let none =
                json!({"state": "pending", "sha": commit, "total_count": 0, "statuses": null});
            json_of(&none)
        } else {
            not_found()
        };
    };
    // Only the newest of a context, the newest first.
    let mut contexts = BTreeSet::new();
    let found: Vec<Value> = said
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, status)| contexts.insert(status.context.as_str()))
        .map(|(at, status)| {
            json!({
                "id": at + 1, "status": status.state, "context": status.context,
                "target_url": status.url, "description": "", "creator": null,
            })
        })
        .collect();
    let total = found.len();
    let (start, limit) = place(world, query);
    let page: Vec<Value> = found.into_iter().skip(start).take(limit).collect();
    let whole =
        json!({"state": "pending", "sha": commit, "total_count": page.len(), "statuses": page});
    with_total(world, total, whole.to_string())
}

fn in_state(open: bool, state: &str) -> bool {
    match state {
        "open" => open,
        "closed" => !open,
        _ => true,
    }
}

/// Where the page begins, and how long it is at most.
fn place(world: &World, query: &Parameters) -> (usize, usize) {
    let number = |key| {
        query
            .get(key)
            .and_then(|text| text.parse::<usize>().ok())
            .filter(|n| *n > 0)
    };
    let limit = number("limit").unwrap_or(USUAL).min(world.cap);
    let page = if world.same_page {
        1
    } else {
        number("page").unwrap_or(1)
    };
    ((page - 1) * limit, limit)
}

/// A page of a list, whose items are shown as `show` says.
fn listed<T>(world: &World, query: &Parameters, all: &[T], show: impl Fn(&T) -> Value) -> Response {
    let total = all.len();
    let (start, limit) = place(world, query);
    let page: Vec<Value> = all.iter().skip(start).take(limit).map(show).collect();
    let mut response = with_total(world, total, Value::from(page).to_string());
    let link = format!(
        "<{ROOT_URL}api/v1/repos/{}?page=2>; rel=\"next\"",
        world.repo
    );
    if let (true, Ok(link)) = (start + limit < total, HeaderValue::from_str(&link)) {
        response.headers_mut().insert("link", link);
    }
    response
}

fn with_total(world: &World, total: usize, body: String) -> Response {
    match world.tells_total {
        true => ([("x-total-count", total.to_string())], body).into_response(),
        false => body.into_response(),
    }
}

fn json_of(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

fn not_found() -> Response {
    refused(404, "not found")
}

fn refused(status: u16, message: &str) -> Response {
    let said = json!({"message": message, "url": format!("{ROOT_URL}api/swagger")});
    (status_code(status), said.to_string()).into_response()
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A part of a path without its `%XX`.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = behind
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
