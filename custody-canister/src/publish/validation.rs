//! Everything that is checked of an order before it is accepted, all defects at once.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use registry_protocols::endpoint::RegistryEndpoints;
use release_types::{
    CredentialId, CredentialMode, Defect, Ecosystem, OrderId, PublishOrder,
    order::{Decision, MAX_ORDER_ID_BYTES, OrderedArtifact, Publication},
};

use crate::{refusal::Refusal, registry, runtime::Runtime, state::read_state};

/// Most artifacts of one order.
const MAX_ARTIFACTS: usize = 20;
/// Most orders under way at a time.
const MAX_OPEN_ORDERS: usize = 100;
/// Largest artifact that is compared with what other people sent: a digest of each mebibyte goes onto the log.
const MAX_COMPARED_BYTES: u64 = 256 * 1_048_576;
/// Longest filename, in bytes.
const MAX_FILENAME_BYTES: usize = 255;
/// Largest order in its Candid encoding apart from what [`registry`] bounds: source reference and the like.
const MAX_SOURCE_FIELD_BYTES: usize = 500;

/// Refuses an order with defects.
pub fn check<R: Runtime>(runtime: &R, order: &PublishOrder) -> Result<(), Refusal> {
    let mut defects = Vec::new();
    check_frame(runtime, &order.id, &order.decision, order.expires_at_ns, &mut defects);
    check_credentials(runtime, order, &mut defects);
    defects.extend(RegistryEndpoints::check(&order.registry).err().unwrap_or_default());
    check_artifacts(order, &mut defects);
    Refusal::unless_empty(defects)
}

/// Checks what every order has: its id, who decided, and until when it may begin.
pub fn check_frame<R: Runtime>(
    runtime: &R,
    id: &OrderId,
    decision: &Decision,
    expires_at_ns: u64,
    defects: &mut Vec<Defect>,
) {
    let id = &id.0;
    if id.is_empty() || id.len() > MAX_ORDER_ID_BYTES || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        defects.push(Defect::new(
            "id",
            excerpt(id),
            format!("1 to {MAX_ORDER_ID_BYTES} printable ASCII characters without spaces"),
            "Give the order an id of its own.",
        ));
    }
    let authority = read_state(|state| state.authority());
    if decision.authority != authority {
        defects.push(Defect::new(
            "decision.authority",
            decision.authority.to_text(),
            authority.to_text(),
            "Name the canister that gives this order.",
        ));
    }
    if let Some(source) = &decision.source {
        let fields =
            [Some(&source.repository), Some(&source.commit), source.tag.as_ref(), source.rebuild.as_ref()];
        if fields.into_iter().flatten().any(|field| field.len() > MAX_SOURCE_FIELD_BYTES) {
            defects.push(Defect::new(
                "decision.source",
                "a longer field",
                format!("at most {MAX_SOURCE_FIELD_BYTES} bytes in each field"),
                "Shorten it.",
            ));
        }
    }
    if expires_at_ns <= runtime.time_ns() {
        defects.push(Defect::new(
            "expires_at_ns",
            expires_at_ns.to_string(),
            "a moment in the future",
            "Have the release voted anew.",
        ));
    }
}

/// Puts an order off that could be accepted when others are done.
pub fn check_room() -> Result<(), Refusal> {
    let open = read_state(|state| state.busy_orders());
    if open < MAX_OPEN_ORDERS {
        return Ok(());
    }
    Err(Refusal::busy(
        "orders",
        format!("{open} under way"),
        format!("fewer than {MAX_OPEN_ORDERS}"),
        "Send the order again when some are done.",
    ))
}

fn check_credentials<R: Runtime>(runtime: &R, order: &PublishOrder, defects: &mut Vec<Defect>) {
    defects.extend(order.mode.defects(order.registry.ecosystem, order.credential.is_some()));
    if let (Some(id), Some(mode)) = (order.credential, order.mode.credential_mode()) {
        check_credential(runtime, order, "credential", id, mode, defects);
    }
    if let Some(id) = order.read_credential {
        check_credential(runtime, order, "read_credential", id, CredentialMode::Read, defects);
    }
}

fn check_credential<R: Runtime>(
    runtime: &R,
    order: &PublishOrder,
    field: &str,
    id: CredentialId,
    mode: CredentialMode,
    defects: &mut Vec<Defect>,
) {
    let mut defect = |found: String, allowed: &str, hint: &str| {
        defects.push(Defect::new(field, found, allowed, hint));
    };
    read_state(|state| {
        let Some(credential) = state.credential(&id) else {
            return defect(id.to_string(), "one in custody", "Deposit and activate it first.");
        };
        if !credential.is_active() {
            defect(format!("{:?}", credential.standing()), "an active one", "Have its activation voted.");
        }
        let policy = credential.policy();
        if policy.mode != mode {
            defect(
                format!("a {} credential", policy.mode),
                &format!("a {mode} credential"),
                "Use a credential of that kind, or another mode.",
            );
        }
        if policy.ecosystem != order.registry.ecosystem {
            defect(
                format!("a token of {}", policy.ecosystem),
                "one of the registry's ecosystem",
                "Use a credential for that registry.",
            );
        }
        if policy.endpoint != policy.mode.endpoint(&order.registry) {
            defect(
                format!("a token for {}", policy.endpoint),
                "the registry's URL exactly",
                "Use a credential for that URL.",
            );
        }
        if !policy.packages.contains(&order.package) {
            defect(
                format!("no right to publish {}", excerpt(&order.package)),
                "a package that its policy names",
                "Use a credential for that package.",
            );
        }
        if policy.not_after_ns <= runtime.time_ns() {
            defect("one whose time is over".into(), "a not-after in the future", "Activate another.");
        }
        if runtime.time_ns() < policy.not_before_ns {
            let begins = SystemTime::UNIX_EPOCH + Duration::from_nanos(policy.not_before_ns);
            defect(
                format!("one whose time begins at {}", humantime::format_rfc3339_seconds(begins)),
                "one that may be used now",
                "Wait until then, or use the credential of this time.",
            );
        }
    });
}

fn check_artifacts(order: &PublishOrder, defects: &mut Vec<Defect>) {
    let count = order.artifacts.len();
    let allowed = match order.registry.ecosystem {
        Ecosystem::Npm => 1..=1,
        Ecosystem::Pypi => 1..=MAX_ARTIFACTS,
    };
    if !allowed.contains(&count) {
        defects.push(Defect::new(
            "artifacts",
            format!("{count} artifacts"),
            format!("{} to {}", allowed.start(), allowed.end()),
            "Order exactly the files of one release.",
        ));
        return;
    }
    let filenames: BTreeSet<_> = order.artifacts.iter().map(|artifact| &artifact.filename).collect();
    let digests: BTreeSet<_> = order.artifacts.iter().map(|artifact| artifact.sha256).collect();
    if filenames.len() < count || digests.len() < count {
        defects.push(Defect::new(
            "artifacts",
            "a filename or a digest twice",
            "each once",
            "Order each file once.",
        ));
    }
    for (index, artifact) in order.artifacts.iter().enumerate() {
        check_artifact(order, artifact, index, defects);
    }
}

fn check_artifact(order: &PublishOrder, artifact: &OrderedArtifact, index: usize, defects: &mut Vec<Defect>) {
    let field = |name: &str| format!("artifacts[{index}].{name}");
    let name = &artifact.filename;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b'\\');
    if name.is_empty() || name.len() > MAX_FILENAME_BYTES || !is_plain || name.starts_with('.') {
        defects.push(Defect::new(
            field("filename"),
            excerpt(name),
            format!("1 to {MAX_FILENAME_BYTES} printable ASCII characters, no slash, no dot first"),
            "Use the name that the package is published under.",
        ));
    }
    let fits_ecosystem = matches!(
        (&artifact.publication, order.registry.ecosystem),
        (Publication::Npm { .. }, Ecosystem::Npm) | (Publication::Pypi { .. }, Ecosystem::Pypi)
    );
    if !fits_ecosystem {
        defects.push(Defect::new(
            field("publication"),
            "that of another ecosystem",
            format!("that of {}", order.registry.ecosystem),
            "Derive it from the artifact.",
        ));
        return;
    }
    if let Publication::Pypi { form } = &artifact.publication {
        check_form(order, form, &field("publication"), defects);
    }
    let largest_bytes = if order.mode.sends_bytes() {
        registry::largest_artifact_bytes(order, artifact, &field("publication"))
    } else {
        Ok(MAX_COMPARED_BYTES)
    };
    match largest_bytes {
        Ok(largest_bytes) if (1..=largest_bytes).contains(&artifact.size_bytes) => {}
        Ok(largest_bytes) => defects.push(Defect::new(
            field("size_bytes"),
            format!("{} bytes", artifact.size_bytes),
            format!("1 to {largest_bytes} bytes in {} mode, beside this package's metadata", order.mode),
            "Publish a smaller artifact, or choose staged-elsewhere or verify-only.",
        )),
        Err(mut found) => defects.append(&mut found),
    }
}

/// The form must speak of the ordered package and version, because the index believes the form. It spells the version
/// as the artifact's metadata do, the order in the normal form.
fn check_form(order: &PublishOrder, form: &[(String, String)], field: &str, defects: &mut Vec<Defect>) {
    let mut names = form.iter().filter(|(name, _)| name == "name").map(|(_, value)| value);
    let is_package = |value: &String| {
        registry_protocols::pypi::normalized_project(value).is_ok_and(|name| name == order.package)
    };
    if !(names.next().is_some_and(is_package) && names.next().is_none()) {
        defects.push(Defect::new(
            format!("{field}.name"),
            "another package, or none",
            excerpt(&order.package),
            "Derive the form from the artifact's own metadata.",
        ));
    }
    let mut versions = form.iter().filter(|(name, _)| name == "version").map(|(_, value)| value);
    let is_version = |value: &String| {
        registry_protocols::pypi::normalized_version(value).is_some_and(|normal| normal == order.version)
    };
    if !(versions.next().is_some_and(is_version) && versions.next().is_none()) {
        defects.push(Defect::new(
            format!("{field}.version"),
            "another version, or none",
            excerpt(&order.version),
            "Derive the form from the artifact's own metadata.",
        ));
    }
}

fn excerpt(text: &str) -> String {
    text.escape_default().take(60).collect()
}
