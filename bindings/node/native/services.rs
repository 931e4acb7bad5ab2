//! A forge and a CI service on the loopback, with a little work in them. In test builds only.

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::{FakePipeline, TOKEN, WoodpeckerServer};
use napi_derive::napi;
use serde_json::json;

/// Both servers, until it is collected.
#[napi]
#[allow(missing_debug_implementations, reason = "the servers have none")]
pub struct Services {
    forge: GiteaServer,
    ci: WoodpeckerServer,
}

#[napi]
impl Services {
    /// Two issues, of which a pull request closes the first; pipeline 7 succeeded, 8 runs.
    #[napi(constructor)]
    pub fn new() -> napi::Result<Self> {
        let failed = |error: &dyn std::fmt::Display| napi::Error::from_reason(error.to_string());
        let services = Services {
            forge: GiteaServer::start("acme/app").map_err(|error| failed(&error))?,
            ci: WoodpeckerServer::start("acme/app").map_err(|error| failed(&error))?,
        };
        let head = "a".repeat(40);
        services
            .forge
            .issue(1, "Mend the door")
            .issue(2, "Paint it");
        services
            .forge
            .pull(3, "The door", "Closes #1, see #2", "door");
        services.forge.set_head("main", &head, "work");
        let done = FakePipeline::new(7, "success");
        services.ci.set(done.of(&head).on("main"));
        services.ci.set(FakePipeline::new(8, "running").on("other"));
        Ok(services)
    }

    /// The variables that lead to them, as JSON.
    #[napi]
    pub fn environment(&self) -> String {
        json!({
            "GITEA_INSTANCE_URL": self.forge.url(), "GITEA_TOKEN": self.forge.token(),
            "WOODPECKER_SERVER": self.ci.url(), "WOODPECKER_TOKEN": TOKEN,
        })
        .to_string()
    }
}
