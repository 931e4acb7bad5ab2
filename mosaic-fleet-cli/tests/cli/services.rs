//! How a command is told of a test's own forge and CI service: by its environment.

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::{TOKEN, WoodpeckerServer};

pub(crate) fn of_forge(forge: &GiteaServer) -> [(&'static str, String); 2] {
    [
        ("GITEA_INSTANCE_URL", forge.url()),
        ("GITEA_TOKEN", forge.token()),
    ]
}

pub(crate) fn of_ci(ci: &WoodpeckerServer) -> [(&'static str, String); 2] {
    [
        ("WOODPECKER_SERVER", ci.url()),
        ("WOODPECKER_TOKEN", TOKEN.to_owned()),
    ]
}
