//! Every command of the README and of the guide is run, in its order: those of the README in one
//! home, those of each page in another. Blocks `sh,systemd` are for the tests that have a manager.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::{FakePipeline, WoodpeckerServer};

use crate::home::{Home, Ran};
use crate::services::{of_ci, of_forge};

/// The forge and the CI service that the documents ask, as the environment names them.
struct Services {
    forge: GiteaServer,
    ci: WoodpeckerServer,
}

impl Services {
    fn start() -> Self {
        let head = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
        let services = Services {
            forge: GiteaServer::start("acme/widget").unwrap(),
            ci: WoodpeckerServer::start("acme/widget").unwrap(),
        };
        services
            .forge
            .set_head("main", head, "work")
            .issue(546, "Read every page")
            .issue(547, "Say it in German")
            .pull(600, "Pages", "Closes #546, and helps #547", "pages")
            .milestone("Search (0.0.45)", &[546, 547])
            .label("needs, review", &[547]);
        services.ci.put(FakePipeline::new(17, "success").of(head));
        services.ci.put(FakePipeline::new(18, "success").of(head));
        services
    }

    fn known_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(of_forge(&self.forge)).envs(of_ci(&self.ci))
    }
}

/// The lines of the ```sh blocks that run our command.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut commands = Vec::new();
    let mut shell = false;
    let mut whole = String::new();
    for line in text.lines() {
        if let Some(kind) = line.trim().strip_prefix("```") {
            shell = !shell && matches!(kind, "sh" | "bash" | "console");
            continue;
        }
        if !shell {
            continue;
        }
        whole.push_str(line.trim().trim_start_matches("$ "));
        if whole.ends_with('\\') {
            whole.pop();
            continue;
        }
        let command = std::mem::take(&mut whole);
        if command.starts_with("mosaic-fleet ") {
            commands.push(command);
        }
    }
    commands
}

#[test]
fn every_command_of_the_readme_works() {
    let (home, services) = (Home::new(), Services::start());
    for line in commands() {
        if line.starts_with("mosaic-fleet attach") {
            // Needs a person's terminal.
            continue;
        }
        let mut shell = home.command("sh");
        services.known_to(&mut shell);
        shell.args(["-ec", &line]).stdin(Stdio::null());
        let ran = Ran::of(shell.output().unwrap());
        assert_eq!(ran.code, 0, "{line}: {ran:#?}");
    }
}

/// Each page of the guide: its name and its text.
fn pages() -> Vec<(String, String)> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mosaic-fleet");
    let entries = fs::read_dir(core.join("src/guide")).unwrap();
    let page = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    entries.map(page).collect()
}

#[test]
fn every_command_of_the_guide_works() {
    let mut run = 0;
    let services = Services::start();
    for (page, text) in pages() {
        let home = Home::new();
        let blocks = text.split("\n```").skip(1).step_by(2);
        for block in blocks.filter_map(|block| block.strip_prefix("sh\n")) {
            let mut shell = home.command("sh");
            services.known_to(&mut shell);
            // As the page says: everything is in the home folder.
            shell
                .env_remove("MOSAIC_HOME")
                .env_remove("XDG_CONFIG_HOME");
            shell.args(["-ec", block]).stdin(Stdio::null());
            let ran = Ran::of(shell.output().unwrap());
            assert_eq!(ran.code, 0, "{page}: {block}: {ran:#?}");
            run += 1;
        }
    }
    assert!(run > 15, "the guide's blocks are found: {run}");
}
