//! Choosing where a release goes and with which credential, when only one fits; and the proposal itself.

use release_types::{
    CredentialId, CredentialMode, Ecosystem, RegistryId,
    credential::{CredentialStatus, CredentialView},
    dao::RegistryView,
};

use crate::failure::{Failure, Outcome};

/// The registry that is named, or the only one of the ecosystem.
///
/// # Errors
/// When it is not in place, is of another ecosystem, or several fit.
pub fn choose_registry<'a>(
    registries: &'a [RegistryView],
    wanted: Option<&RegistryId>,
    ecosystem: Option<Ecosystem>,
) -> Outcome<&'a RegistryView> {
    let fits = |view: &&RegistryView| ecosystem.is_none_or(|ecosystem| view.registry.ecosystem == ecosystem);
    if let Some(id) = wanted {
        let found = registries.iter().find(|view| view.id == *id).ok_or_else(|| {
            Failure::refused(format!("no registry {id} is in place"))
                .hint("`countersign registry list` shows them, `countersign registry propose` adds one")
        })?;
        if !fits(&found) {
            return Err(Failure::usage(format!(
                "registry {id} is of the ecosystem {}, and the artifacts are not",
                found.registry.ecosystem
            )));
        }
        return Ok(found);
    }
    let fitting: Vec<_> = registries.iter().filter(fits).collect();
    let kind = ecosystem.map(|ecosystem| format!("{ecosystem} ")).unwrap_or_default();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(Failure::refused(format!("no {kind}registry is in place"))
            .hint("put one to the vote with `countersign registry propose`")),
        several => Err(Failure::usage(format!("several {kind}registries are in place: {}", names(several)))
            .hint("choose one with --registry NAME")),
    }
}

fn names(registries: &[&RegistryView]) -> String {
    registries.iter().map(|view| view.id.0.as_str()).collect::<Vec<_>>().join(", ")
}

/// The credential that is named, or the newest active one of that kind that covers the package.
///
/// # Errors
/// When none or several fit; says what is in the way.
pub fn choose_credential(
    credentials: &[CredentialView],
    wanted: Option<CredentialId>,
    registry: &RegistryView,
    package: &str,
    mode: CredentialMode,
    now_ns: u64,
) -> Outcome<CredentialId> {
    let policy_fits = |view: &&CredentialView| view.policy.covers(mode, &registry.registry, package, now_ns);
    let endpoint = mode.endpoint(&registry.registry);
    if let Some(id) = wanted {
        let found = credentials.iter().find(|view| view.id == id).ok_or_else(|| {
            Failure::refused(format!("custody has no credential {id}"))
                .hint("`countersign credential list` shows all of them")
        })?;
        if !policy_fits(&found) {
            return Err(Failure::refused(format!(
                "credential {id} is no {mode} credential that covers {package} at {endpoint} now"
            ))
            .hint("see its policy with `countersign credential status`"));
        }
        return Ok(id);
    }
    let covering: Vec<_> = credentials.iter().filter(policy_fits).collect();
    let active: Vec<_> = covering.iter().filter(|view| view.status == CredentialStatus::Active).collect();
    // Of several the newest token: the older ones are on their way out.
    if let Some(newest) = active.iter().max_by_key(|view| view.policy.epoch) {
        return Ok(newest.id);
    }
    let failure = Failure::refused(format!("no active {mode} credential covers {package} at {endpoint}"));
    let first = |status| covering.iter().find(|view| view.status == status).map(|view| view.id);
    Err(match (first(CredentialStatus::Activating), first(CredentialStatus::Deposited)) {
        (Some(id), _) => failure.hint(format!(
            "one is being activated; wait for it with `countersign credential status {id}`, then propose again"
        )),
        (None, Some(id)) => failure.hint(format!(
            "one is deposited; put it to the vote with `countersign credential propose {id}`"
        )),
        (None, None) => failure
            .hint(format!("seal one with `countersign credential seal --mode {mode} --package {package}`")),
    })
}

#[cfg(test)]
mod tests;
