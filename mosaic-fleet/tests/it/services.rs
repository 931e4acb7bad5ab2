//! Lanes and CI through the door of other languages, over HTTP on the loopback.

use std::collections::BTreeMap;

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::{FakePipeline, TOKEN, WoodpeckerServer};
use mosaic_fleet::{ErrorKind, Result, wire};
use serde_json::{Value, json};

struct Services {
    forge: GiteaServer,
    ci: WoodpeckerServer,
    folder: tempfile::TempDir,
}

impl Services {
    fn start() -> Self {
        let services = Services {
            forge: GiteaServer::start("acme/app").unwrap(),
            ci: WoodpeckerServer::start("acme/app").unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        services
            .forge
            .issue(1, "Mend the door")
            .issue(2, "Paint it");
        services.forge.pull(3, "The door", "Closes #1", "door");
        services.forge.set_head("main", &"a".repeat(40), "work");
        services
    }

    async fn ask(&self, operation: &str, mut arguments: Value) -> (Result<Value>, Vec<Value>) {
        let home = self.folder.path().display().to_string();
        let environment: BTreeMap<String, String> = [
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", home.clone()),
            ("GITEA_INSTANCE_URL", self.forge.url()),
            ("GITEA_TOKEN", self.forge.token()),
            ("WOODPECKER_SERVER", self.ci.url()),
            ("WOODPECKER_TOKEN", TOKEN.to_owned()),
            ("PATH", std::env::var("PATH").unwrap()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        arguments["folder"] = home.into();
        let mut told = Vec::new();
        let mut news = |news: Value| told.push(news);
        let answer = wire::call_free(&environment, operation, arguments, &mut news).await;
        (answer, told)
    }
}

#[tokio::test]
async fn a_lane_is_briefed() {
    let services = Services::start();
    let (brief, _) = services
        .ask("lane_brief", json!({ "repo": "acme/app" }))
        .await;
    let brief = brief.unwrap();
    assert_eq!(brief["version"], 1);
    assert!(brief.to_string().contains("Paint it"), "{brief}");
    let wrong = json!({ "repo": "acme/app", "milestone": "nonesuch" });
    let (wrong, _) = services.ask("lane_brief", wrong).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let (wrong, _) = services.ask("lane_brief", json!({ "repo": "app" })).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn pipelines_are_waited_for_and_asked() {
    let services = Services::start();
    services.ci.set(FakePipeline::new(7, "success"));
    services.ci.set(FakePipeline::new(8, "running"));
    let arguments = json!({ "repo": "acme/app", "numbers": [7] });
    let (waited, told) = services.ask("ci_wait", arguments).await;
    let waited = waited.unwrap();
    assert_eq!(
        (&waited["version"], &waited["result"]),
        (&json!(1), &json!("success"))
    );
    assert!(
        told.iter().any(|news| news.to_string().contains("success")),
        "{told:?}"
    );

    let both = json!({ "repo": "acme/app", "numbers": [7, 8] });
    let (status, _) = services.ask("ci_status", both).await;
    assert_eq!(status.unwrap()["pending"], json!([8]));
    for wrong in [
        json!({ "repo": "acme/app" }),
        json!({ "repo": "acme/app", "numbers": [7], "head": true }),
        json!({ "repo": "acme/app", "numbers": [7], "branch": "main" }),
    ] {
        let (wrong, _) = services.ask("ci_wait", wrong).await;
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[tokio::test]
async fn a_branch_is_guarded() {
    let services = Services::start();
    let pipeline = FakePipeline::new(7, "success")
        .of(&"a".repeat(40))
        .on("main");
    services.ci.set(pipeline);
    let arguments = json!({ "repo": "acme/app", "branch": "main", "purpose": "merge" });
    let (guarded, _) = services.ask("ci_guard", arguments).await;
    assert_eq!(guarded.unwrap()["result"], "clear");
    // A part of a commit matches no pipeline, and would look clear.
    let part = json!({ "repo": "acme/app", "purpose": "merge", "head": "aaaaaaa" });
    let (wrong, _) = services.ask("ci_guard", part).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let arguments = json!({ "repo": "acme/app", "branch": "main", "purpose": "fun" });
    let (wrong, _) = services.ask("ci_guard", arguments).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidArgument);
}
