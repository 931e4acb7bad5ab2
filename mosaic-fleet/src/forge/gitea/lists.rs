//! Whole lists: the requests for the pages that a walk wants.

use futures::future::try_join_all;

use super::paging::{Page, Step, Walk, Window};
use super::wire::Item;
use super::{Gitea, of_repo};
use crate::error::Result;
use crate::forge::RepoName;
use crate::http::Answer;

/// Pages that are asked for at the same time.
const AT_ONCE: usize = 4;

impl Gitea {
    /// Everything of a list of a repository.
    pub(super) async fn of_repo_list<T: Item>(
        &self,
        repo: &RepoName,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        let read = |answer: &_| {
            let items: Option<Vec<Option<T>>> = self.read(answer, repo)?;
            Ok(items.unwrap_or_default())
        };
        self.list(&of_repo(repo, path), query, read).await
    }

    /// Everything of a list, in the order of the numbers. `read` says what an answer holds.
    pub(super) async fn list<T: Item>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        read: impl Fn(&Answer) -> Result<Vec<Option<T>>> + Send + Sync,
    ) -> Result<Vec<T>> {
        let mut walk = Walk::new();
        loop {
            let windows = walk.plan(AT_ONCE);
            let pages = windows.iter().map(|window| self.page(path, query, *window));
            let answers = try_join_all(pages).await?;
            for (window, answer) in windows.into_iter().zip(&answers) {
                let items = read(answer)?;
                match walk.take(window, page(items, answer))? {
                    Step::Joined => {}
                    Step::Torn => {
                        tracing::debug!(asked = answer.asked, ?window, "the list moved");
                        break;
                    }
                    Step::Done => return Ok(walk.into_items()),
                }
            }
        }
    }

    async fn page(&self, path: &[&str], query: &[(&str, &str)], window: Window) -> Result<Answer> {
        let page = window.page.to_string();
        let limit = window.limit.to_string();
        let mut query = query.to_vec();
        query.extend([("page", page.as_str()), ("limit", limit.as_str())]);
        self.http.get(path, &query).await
    }
}

fn page<T: Item>(items: Vec<Option<T>>, answer: &Answer) -> Page<T> {
    let count = items.len() as u64;
    let keyed = |item: T| Some((u64::try_from(item.key()).ok().filter(|key| *key > 0)?, item));
    Page {
        items: items.into_iter().flatten().filter_map(keyed).collect(),
        count,
        total: answer.number("x-total-count"),
    }
}
