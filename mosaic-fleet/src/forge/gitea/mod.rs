//! Gitea and Forgejo over their REST API.

mod paging;

#[cfg(test)]
mod tests;
