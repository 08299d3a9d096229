//! Proposals to watch a package.

use registry_protocols::{npm, pypi};
use release_types::{
    Defect, Ecosystem,
    watch::{LONGEST_INTERVAL_S, SHORTEST_INTERVAL_S, WatchChange, WatchProposal},
};

use crate::state::State;

pub fn validate(state: &State, proposal: &WatchProposal) -> Result<(), Vec<Defect>> {
    let WatchProposal { registry, package, change } = proposal;
    let mut defects = Vec::new();
    match state.registry(registry) {
        Some(known) => defects.extend(name_defect(known.ecosystem, package)),
        None => defects.push(Defect::new(
            "registry",
            registry.0.chars().take(40).collect::<String>(),
            "a registry in place",
            "Propose the registry first.",
        )),
    }
    if let WatchChange::Start { interval_s } = change
        && !(SHORTEST_INTERVAL_S..=LONGEST_INTERVAL_S).contains(interval_s)
    {
        defects.push(Defect::new(
            "change.interval_s",
            interval_s.to_string(),
            format!("{SHORTEST_INTERVAL_S} to {LONGEST_INTERVAL_S} seconds"),
            "An hour suits most packages.",
        ));
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}

fn name_defect(ecosystem: Ecosystem, package: &str) -> Option<Defect> {
    let (is_name, allowed) = match ecosystem {
        Ecosystem::Npm => (npm::escaped_name(package).is_ok(), "the full npm name"),
        Ecosystem::Pypi => (
            pypi::normalized_project(package).is_ok_and(|name| name == package),
            "the project's name in normalised form",
        ),
    };
    let found = || package.escape_default().take(60).collect::<String>();
    (!is_name).then(|| Defect::new("package", found(), allowed, "Give the name as the registry has it."))
}
