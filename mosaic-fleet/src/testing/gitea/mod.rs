//! A pretended Gitea: one repository on a loopback port, with the habits of the real one that a
//! client can trip over. Its lists are capped, newest first, and move when told to; names that it does
//! not know vanish from a filter; `pulls` has the closed ones too unless asked otherwise; a wrong token
//! is refused even where none is needed; and it fails on demand. Only what this library reads is here.

mod answer;
mod shown;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Request;

pub use world::{Asked, Event, Fault, Head, Item, Moving, Status, World};

use super::loopback::Loopback;

/// A running forge. It ends when it is dropped. What it holds may be changed at any time.
#[derive(Debug)]
pub struct GiteaServer {
    loopback: Loopback,
    world: Arc<Mutex<World>>,
}

impl GiteaServer {
    /// A forge with one repository, `owner/name`, which is private and has an empty branch `main`.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start(repo: &str) -> io::Result<Self> {
        let world = Arc::new(Mutex::new(World::new(repo)));
        let asked = world.clone();
        let router = Router::new().fallback(move |request: Request| {
            let world = asked.clone();
            async move {
                let (head, _) = request.into_parts();
                answer::answer(&world, &head).await
            }
        });
        let server = GiteaServer {
            loopback: Loopback::serve(router)?,
            world,
        };
        server.set_head("main", "0000000000000000000000000000000000000001", "first");
        Ok(server)
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!(
            "{}{}",
            self.loopback.url(),
            self.with(|world| world.prefix.clone())
        )
    }

    /// The token that it knows.
    pub fn token(&self) -> String {
        self.with(|world| world.token.clone())
    }

    /// Looks at what it holds, or changes it.
    pub fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut locked(&self.world))
    }

    /// An open issue.
    pub fn issue(&self, number: u64, title: &str) -> &Self {
        self.item(
            number,
            Item {
                title: title.to_owned(),
                open: true,
                ..Item::default()
            },
        )
    }

    /// An open pull request from a branch of the repository.
    pub fn pull(&self, number: u64, title: &str, body: &str, branch: &str) -> &Self {
        let head = Head {
            reference: branch.to_owned(),
            label: branch.to_owned(),
            commit: format!("{number:040}"),
            draft: false,
        };
        self.item(
            number,
            Item {
                title: title.to_owned(),
                body: body.to_owned(),
                open: true,
                head: Some(head),
                ..Item::default()
            },
        )
    }

    /// Any issue or pull request.
    pub fn item(&self, number: u64, item: Item) -> &Self {
        self.with(|world| world.items.insert(number, item));
        self
    }

    /// Changes an issue or pull request.
    pub fn edit(&self, number: u64, change: impl FnOnce(&mut Item)) -> &Self {
        self.with(|world| world.items.get_mut(&number).map(change));
        self
    }

    /// Closes an issue or pull request.
    pub fn close(&self, number: u64) -> &Self {
        self.edit(number, |item| item.open = false)
    }

    /// Assigns somebody.
    pub fn assign(&self, number: u64) -> &Self {
        self.edit(number, |item| item.assigned = true)
    }

    /// An open milestone with these issues.
    pub fn milestone(&self, title: &str, issues: &[u64]) -> &Self {
        self.with(|world| world.milestones.push((title.to_owned(), true)));
        for number in issues {
            self.edit(*number, |item| item.milestone = Some(title.to_owned()));
        }
        self
    }

    /// A label of the repository, on these issues.
    pub fn label(&self, name: &str, issues: &[u64]) -> &Self {
        self.with(|world| world.labels.push(name.to_owned()));
        self.put_on(name, issues)
    }

    /// A label of the organisation, which the owner is from now on, on these issues.
    pub fn org_label(&self, name: &str, issues: &[u64]) -> &Self {
        self.with(|world| {
            let labels = world.org_labels.get_or_insert_default();
            labels.push(name.to_owned());
        });
        self.put_on(name, issues)
    }

    fn put_on(&self, label: &str, issues: &[u64]) -> &Self {
        for number in issues {
            self.edit(*number, |item| item.labels.push(label.to_owned()));
        }
        self
    }

    /// The forge itself finds that the pull request closes the issue.
    pub fn closes(&self, pull: u64, issue: u64) -> &Self {
        self.event(
            issue,
            Event::Mention {
                action: "closes".to_owned(),
                number: pull,
                repo: None,
            },
        )
    }

    /// Something happens to an issue.
    pub fn event(&self, issue: u64, event: Event) -> &Self {
        self.with(|world| world.events.entry(issue).or_default().push(event));
        self
    }

    /// A branch, or its new head.
    pub fn set_head(&self, branch: &str, commit: &str, message: &str) -> &Self {
        let head = (commit.to_owned(), message.to_owned());
        self.with(|world| world.branches.insert(branch.to_owned(), head));
        self
    }

    /// What a checker says of a commit from now on: `pending`, `success`, `failure`, ….
    pub fn set_status(&self, commit: &str, context: &str, state: &str, url: &str) -> &Self {
        let status = Status {
            context: context.to_owned(),
            state: state.to_owned(),
            url: url.to_owned(),
        };
        self.with(|world| {
            let said = world.statuses.entry(commit.to_owned()).or_default();
            said.push(status);
        });
        self
    }

    /// The next `times` requests go wrong in this way, after those that do already.
    pub fn fail(&self, fault: &Fault, times: usize) -> &Self {
        let faults = std::iter::repeat_n(fault.clone(), times);
        self.with(|world| world.faults.extend(faults));
        self
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.with(|world| world.asked.clone())
    }
}

fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
