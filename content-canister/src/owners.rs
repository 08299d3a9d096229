//! Owners: registering them, and their recipient keys.

use candid::Principal;
use content_keys::PublicKey;
use content_types::{ContentError, CurveName, OwnerName, OwnerView, RecipientKeyView, RegisterOwnerArgs};
use serde_bytes::ByteBuf;

use crate::{
    authorization::{require_administrator, require_owner},
    owner_key,
    public_key::SigningKey,
    runtime::Runtime,
    state::{DerivationPurpose, Event, Owner, State, process_event, read_state},
    vault,
};

/// Most owners: each has a page.
const MAX_OWNERS: usize = 1_000;

/// Registers an owner and derives its recipient keys. The same again changes nothing, but derives what is missing.
///
/// # Errors
/// A caller who is no administrator, a name or key that another owner has, a key of another kind; or the recipient keys
/// could not be derived now: then the owner is registered without.
pub async fn register<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: RegisterOwnerArgs,
) -> Result<OwnerView, ContentError> {
    require_administrator(caller)?;
    let owner = args.owner.clone();
    let new_key = read_state(|state| check(state, &args))?;
    if let Some(public_key_der) = new_key {
        process_event(
            runtime,
            Event::RegisteredOwner {
                owner: args.owner,
                public_key_der,
                quota_bytes: args.quota_bytes,
                openings_per_day: args.openings_per_day,
            },
        );
    }
    learn_recipient_keys(runtime, &owner).await?;
    view(&owner).ok_or(ContentError::Unavailable)
}

/// The owner's key as it is to be kept; none if the same owner is registered already.
fn check(state: &State, args: &RegisterOwnerArgs) -> Result<Option<ByteBuf>, ContentError> {
    if SigningKey::from_der(&args.public_key_der).is_none() {
        return Err(ContentError::invalid(
            "public_key_der",
            format!("{} bytes", args.public_key_der.len()),
            "SubjectPublicKeyInfo in DER of a P-256 (uncompressed) or Ed25519 key",
            "Export the public key again, e.g. with `openssl pkey -pubout -outform DER`.",
        ));
    }
    let der = args.public_key_der.clone();
    if let Some(registered) = state.owner(&args.owner) {
        let same = registered.public_key_der == der
            && registered.quota_bytes == args.quota_bytes
            && registered.openings_per_day == args.openings_per_day;
        return if same { Ok(None) } else { Err(taken("owner", &args.owner)) };
    }
    if let Some(other) = state.owner_of(&Principal::self_authenticating(&der)) {
        return Err(taken("public_key_der", other));
    }
    if state.owners().len() >= MAX_OWNERS {
        let found = format!("{} owners", state.owners().len());
        let allowed = format!("at most {MAX_OWNERS}");
        return Err(ContentError::invalid("owner", found, allowed, "Install another content canister."));
    }
    Ok(Some(der))
}

fn taken(field: &str, by: &OwnerName) -> ContentError {
    ContentError::invalid(
        field,
        format!("one that {by} is registered with, with other values"),
        "a new name with a new key, or the same values again",
        "Choose another.",
    )
}

async fn learn_recipient_keys<R: Runtime>(runtime: &R, owner: &OwnerName) -> Result<(), ContentError> {
    let are_missing =
        || read_state(|state| state.owner(owner).is_some_and(|owner| owner.recipient_keys.is_none()));
    if !are_missing() {
        return Ok(());
    }
    let purpose = DerivationPurpose::RecipientKeys { owner: owner.clone() };
    let delivered = owner_key::derive(runtime, purpose).await.map_err(|_| ContentError::Unavailable)?;
    let keys = vault::recipient_keys(delivered).map_err(|_| ContentError::Unavailable)?;
    if are_missing() {
        let [p256, x25519] = keys.map(ByteBuf::from);
        process_event(runtime, Event::LearnedRecipientKeys { owner: owner.clone(), p256, x25519 });
    }
    Ok(())
}

impl Owner {
    /// P-256, X25519; none until they are derived.
    pub fn public_keys(&self) -> Option<[PublicKey; 2]> {
        const OWN: &str = "this canister wrote them";
        let [p256, x25519] = self.recipient_keys.as_ref()?;
        Some([PublicKey::p256(p256).expect(OWN), PublicKey::x25519(x25519).expect(OWN)])
    }
}

/// An owner's recipient keys in every form; empty until they are derived.
pub fn recipient_keys(owner: &Owner) -> Vec<RecipientKeyView> {
    let Some(keys) = owner.public_keys() else { return Vec::new() };
    let view = |(curve, key): (CurveName, PublicKey)| RecipientKeyView {
        curve,
        jwk: key.to_jwk(),
        age: key.to_age_recipient(),
        cose_key: ByteBuf::from(key.to_cose_key()),
        raw: ByteBuf::from(key.to_bytes()),
    };
    [CurveName::P256, CurveName::X25519].into_iter().zip(keys).map(view).collect()
}

/// An owner as administrators see it.
pub fn view(name: &OwnerName) -> Option<OwnerView> {
    read_state(|state| state.owner(name).map(|owner| view_of(name, owner)))
}

/// All owners.
///
/// # Errors
/// A caller who is no administrator.
pub fn views(caller: Principal) -> Result<Vec<OwnerView>, ContentError> {
    require_administrator(caller)?;
    Ok(read_state(|state| state.owners().iter().map(|(name, owner)| view_of(name, owner)).collect()))
}

/// The owner that `caller` speaks for.
///
/// # Errors
/// A caller who speaks for none.
pub fn own_view(caller: Principal) -> Result<OwnerView, ContentError> {
    let name = require_owner(caller)?;
    view(&name).ok_or(ContentError::Unavailable)
}

fn view_of(name: &OwnerName, owner: &Owner) -> OwnerView {
    OwnerView {
        owner: name.clone(),
        principal: owner.principal(),
        quota_bytes: owner.quota_bytes,
        used_bytes: owner.used_bytes,
        openings_per_day: owner.openings_per_day,
        registered_at_ns: owner.registered_at_ns,
        recipient_keys: recipient_keys(owner),
    }
}
