//! Everything that is checked of an amendment before it is accepted, all defects at once.

use registry_protocols::endpoint::RegistryEndpoints;
use release_types::{
    AmendOrder, Amendment, CredentialId, CredentialMode, Defect, Ecosystem, amendment::MAX_DEPRECATION_BYTES,
};

use crate::{
    amend::effect, publish::validation::check_frame, refusal::Refusal, runtime::Runtime, state::read_state,
};

/// Most amendments under way at a time.
const MAX_OPEN: usize = 20;

/// Refuses an amendment with defects.
pub fn check<R: Runtime>(runtime: &R, order: &AmendOrder) -> Result<(), Refusal> {
    let mut defects = Vec::new();
    check_frame(runtime, &order.id, &order.decision, order.expires_at_ns, &mut defects);
    defects.extend(RegistryEndpoints::check(&order.registry).err().unwrap_or_default());
    if order.registry.ecosystem != Ecosystem::Npm {
        defects.push(Defect::new(
            "registry",
            format!("one of {}", order.registry.ecosystem),
            "an npm registry",
            "Only npm has tags and deprecations.",
        ));
    } else if defects.is_empty() {
        check_amendment(order, &mut defects);
        check_credentials(runtime, order, &mut defects);
    }
    Refusal::unless_empty(defects)
}

/// Puts an amendment off that could be accepted when others are done.
pub fn check_room() -> Result<(), Refusal> {
    let open = read_state(|state| state.unfinished_amendments().count());
    if open < MAX_OPEN {
        return Ok(());
    }
    Err(Refusal::busy(
        "amendments",
        format!("{open} under way"),
        format!("fewer than {MAX_OPEN}"),
        "Send the order again when some are done.",
    ))
}

fn check_amendment(order: &AmendOrder, defects: &mut Vec<Defect>) {
    let mut is_possible = effect::look_inquiry(order, 0).is_ok();
    match &order.amendment {
        Amendment::DistTag { version, replaces, .. } => {
            is_possible &= effect::change_inquiry(order, b"").is_ok();
            if replaces.as_ref() == Some(version) {
                defects.push(Defect::new(
                    "amendment.replaces",
                    "the same version as is to be named",
                    "the version that the tag names now, or none",
                    "Read the tag at the registry.",
                ));
            }
        }
        Amendment::Deprecation { message, .. } if message.len() > MAX_DEPRECATION_BYTES => {
            defects.push(Defect::new(
                "amendment.message",
                format!("{} bytes", message.len()),
                format!("at most {MAX_DEPRECATION_BYTES} bytes"),
                "Shorten it.",
            ));
        }
        Amendment::Deprecation { .. } => {}
    }
    if !is_possible {
        defects.push(Defect::new(
            "amendment",
            "a package, tag or version that cannot stand in a URL",
            "a full npm name, a version, and a tag of letters, digits, `-`, `_` and `.`",
            "Correct it and propose it again.",
        ));
    }
}

fn check_credentials<R: Runtime>(runtime: &R, order: &AmendOrder, defects: &mut Vec<Defect>) {
    let now_ns = runtime.time_ns();
    let mut defect = |field: &str, id: CredentialId, allowed: &str| {
        let found = read_state(|state| match state.credential(&id) {
            None => format!("{id}, which is not in custody"),
            Some(credential) if !credential.is_active() => format!("{:?}", credential.standing()),
            Some(_) => "one for another package, URL or use, or whose time is over".into(),
        });
        defects.push(Defect::new(field, found, allowed, "Deposit and activate it first."));
    };
    if !usable(order, now_ns) {
        let allowed = "an active one of mode direct or staged for this package at this registry's upload URL";
        defect("credential", order.credential, allowed);
    }
    if let Some(id) = order.read_credential.filter(|id| !usable_for_reading(order, *id, now_ns)) {
        let allowed = "an active one of mode read for this package at this registry's read URL";
        defect("read_credential", id, allowed);
    }
}

/// Whether this credential may be used to read it now.
pub fn usable_for_reading(order: &AmendOrder, id: CredentialId, now_ns: u64) -> bool {
    read_state(|state| {
        state.credential(&id).is_some_and(|credential| {
            let policy = credential.policy();
            credential.is_active()
                && policy.covers(CredentialMode::Read, &order.registry, &order.package, now_ns)
        })
    })
}

/// Whether its credential may be used for it now. npm lets stage-only tokens amend as well.
pub fn usable(order: &AmendOrder, now_ns: u64) -> bool {
    read_state(|state| {
        state.credential(&order.credential).is_some_and(|credential| {
            let covers = |mode| credential.policy().covers(mode, &order.registry, &order.package, now_ns);
            credential.is_active() && (covers(CredentialMode::Direct) || covers(CredentialMode::Staged))
        })
    })
}
