//! The units of the bash version: those in the user's folder that have the names of ours and that we
//! did not write. They are looked at, and never touched.

use std::fs;
use std::path::Path;

use super::install::entries;
use super::units::{HOLDER, TEMPLATE, agent_of, is_ours};
use crate::agent::AgentName;
use crate::setup::{Leftover, LeftoverKind};

/// What puts our units in their places.
const INSTALL: &str = "mosaic-fleet install-systemd --enable";

/// The variable by which an old unit says where its agents live.
const SOCKET: &str = "MOSAIC_TMUX_SOCKET=";

/// The old units in `folder`, for the fleet of these agents on `socket`.
pub(super) fn old_units(folder: &Path, socket: &str, agents: &[AgentName]) -> Vec<Leftover> {
    let old = |unit: &str| {
        let text = fs::read_to_string(folder.join(unit)).ok()?;
        (!is_ours(&text)).then_some(text)
    };
    let (holder, template) = (old(HOLDER), old(TEMPLATE));
    let mut found = Vec::new();
    for (unit, text, what) in [
        (
            HOLDER,
            &holder,
            "starts the tmux server, and then loses sight of it",
        ),
        (
            TEMPLATE,
            &template,
            "starts agents, and does not see them end",
        ),
    ] {
        let Some(text) = text else { continue };
        let replaced_by = "our unit of the same name; this one is kept as a backup";
        let unit = Leftover::new(LeftoverKind::Unit, unit, what, replaced_by)
            .with_path(folder.join(unit))
            .with_warning(elsewhere(text, socket))
            .with_next(INSTALL);
        found.push(unit);
    }
    let wants = folder.join("default.target.wants");
    let mut enabled = entries(&wants);
    enabled.sort();
    for unit in enabled {
        let agent = agent_of(&unit);
        let is_old = match agent {
            Some(_) => template.is_some(),
            None => unit == HOLDER && holder.is_some(),
        };
        if !is_old {
            continue;
        }
        let leftover = Leftover::new(
            LeftoverKind::EnabledUnit,
            &unit,
            "is started at log-in or at boot",
            "our unit of the same name",
        )
        .with_path(wants.join(&unit));
        let stranger = agent.filter(|agent| !agents.iter().any(|known| known.as_str() == *agent));
        found.push(match stranger {
            None => leftover.with_next(INSTALL),
            Some(agent) => leftover
                .with_warning(Some(format!(
                    "{agent} is not in the roster: install-systemd disables it"
                )))
                .with_next(format!("mosaic-fleet roster add {agent}; {INSTALL}")),
        });
    }
    found
}

/// What an old unit says of where its agents live, if that is not where this fleet's do.
fn elsewhere(text: &str, socket: &str) -> Option<String> {
    let lines = text.lines().filter(|line| line.starts_with("Environment="));
    let says = lines
        .filter_map(|line| line.split_once(SOCKET))
        .map(|(_, value)| value.trim_matches(['"', '\'', ' ']))
        .next_back()?;
    (says != socket).then(|| {
        format!(
            "its agents live on the socket {says}, this fleet's on {socket}: say --socket {says}, \
             or set tmux.socket_name in the roster"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::keeping::UnitProgram;
    use crate::supervise::units::Units;

    #[test]
    fn units_that_are_not_ours_are_told_with_what_they_start() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let wants = at.join("default.target.wants");
        fs::create_dir(&wants).unwrap();
        let agents = [AgentName::new("a").unwrap()];
        let names = |socket: &str| {
            let found = old_units(at, socket, &agents).into_iter();
            found.map(|one| (one.name, one.warning)).collect::<Vec<_>>()
        };
        assert_eq!(names("s"), []);
        let old = "[Unit]\n[Service]\nEnvironment=MOSAIC_TMUX_SOCKET=s\n";
        for unit in [HOLDER, TEMPLATE] {
            fs::write(at.join(unit), old).unwrap();
        }
        for unit in [
            "mosaic-agent@a.service",
            "mosaic-agent@b.service",
            "x.service",
        ] {
            fs::write(wants.join(unit), "").unwrap();
        }
        let found = names("s");
        let units: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            units,
            [
                HOLDER,
                TEMPLATE,
                "mosaic-agent@a.service",
                "mosaic-agent@b.service"
            ]
        );
        assert_eq!(
            found
                .iter()
                .filter(|(_, warning)| warning.is_some())
                .count(),
            1
        );
        assert!(found[3].1.as_deref().unwrap().contains("not in the roster"));
        assert!(names("t")[0].1.as_deref().unwrap().contains("--socket s"));

        let program = UnitProgram::new("/bin/mosaic-fleet", "/bin");
        let units = Units {
            program: &program,
            socket: "s",
            socket_path: Path::new("/s"),
            environment: Vec::new(),
        };
        fs::write(at.join(HOLDER), units.holder()).unwrap();
        fs::write(at.join(TEMPLATE), units.template()).unwrap();
        assert_eq!(names("s"), []);
    }
}
