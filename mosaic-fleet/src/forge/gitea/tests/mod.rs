//! Tests of the client, by subject, against a pretended forge.

mod filters;
mod heads;
mod links;
mod lists;
mod paging;
mod refusals;

use std::time::Duration;

use super::Gitea;
use crate::forge::{Login, RepoName};
use crate::http::{Patience, Token};
use crate::testing::gitea::GiteaServer;

/// Tries again within milliseconds; its limits are for a machine that is busy.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(10),
    request: Duration::from_secs(20),
    silence: Duration::from_secs(20),
    call: Duration::from_secs(60),
    tries: 4,
    pause: Duration::from_millis(1),
};

fn server() -> GiteaServer {
    GiteaServer::start("acme/widget").unwrap()
}

fn repo() -> RepoName {
    RepoName::new("acme/widget").unwrap()
}

fn login(server: &GiteaServer) -> Login {
    Login::new("work", server.url()).with_token(Token::new(&server.token()).unwrap())
}

fn client(server: &GiteaServer) -> Gitea {
    Gitea::with_patience(&login(server), PATIENCE).unwrap()
}

fn numbers<T>(items: &[T], number: impl Fn(&T) -> u64) -> Vec<u64> {
    items.iter().map(number).collect()
}
