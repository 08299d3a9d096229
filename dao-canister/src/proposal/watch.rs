//! Proposals to watch a package.

use registry_protocols::{npm, pypi};
use release_types::{
    Defect, Ecosystem,
    watch::{WatchArgs, WatchChange, WatchProposal},
};

use crate::{proposal::credential, state::State};

pub fn validate(state: &State, proposal: &WatchProposal, now_ns: u64) -> Result<(), Vec<Defect>> {
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
    if let WatchChange::Start { interval_s, read_credential } = change {
        let with_token = read_credential.is_some();
        defects.extend(WatchArgs::interval_defect("change.interval_s", *interval_s, with_token));
        if let (Some(id), Some(registry)) = (read_credential, state.registry(registry)) {
            let field = "change.read_credential";
            defects.extend(credential::read_defect(state, field, *id, registry, package, now_ns));
        }
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
