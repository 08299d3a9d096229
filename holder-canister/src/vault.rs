//! Shares in memory: the only place that sees them.
//!
//! What is open is wiped at the epoch's end, by a freeze, and by an upgrade, which takes the heap away. At rest it is
//! sealed under a key that is derived for opening and is in memory no longer than the shares. Each entry function
//! overwrites the stack that its work used; freed memory is overwritten by the allocator.

use std::{cell::RefCell, collections::BTreeMap};

use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit, Nonce},
};
use content_keys::threshold::{
    DirectShare, Group, Holder, HolderIndex, IdentityKey, KeyShare, P256, Partial, Point, Request, Roster,
    Seed, X25519,
};
use ic_vetkeys::{DerivedPublicKey, EncryptedVetKey, TransportSecretKey};
use key_holders::{
    encode,
    interface::{HolderError, KeyCurve, KeyName},
    steps::{self, Shares, Step, StepAnswer},
};
use sha2::{Digest, Sha256};
use wiping::scrub_stack;
use zeroize::Zeroizing;

use crate::{runtime::Derived, storage};

/// What the vetKey is derived for: a holder has one.
pub const DERIVATION_INPUT: &[u8] = b"shares";
const NONCE_BYTES: usize = 12;

thread_local! {
    static OPEN: RefCell<Option<OpenShares>> = const { RefCell::new(None) };
}

/// Everything secret, while it is open.
pub(crate) struct OpenShares {
    until_ns: u64,
    sealing_key: Zeroizing<Vec<u8>>,
    /// Of which the holder's identities are made: the same after a reinstallation, so that peers know it again.
    identity_root: Zeroizing<Vec<u8>>,
    randomness: Randomness,
    p256: BTreeMap<KeyName, HeldKey<P256>>,
    x25519: BTreeMap<KeyName, HeldKey<X25519>>,
}

/// A key of which this canister is a holder, and its share ready for use.
pub(crate) struct HeldKey<G: Group> {
    holder: Holder<G>,
    share: Option<KeyShare<G>>,
}

/// Fresh secret bytes from one draw of the subnet's randomness.
struct Randomness {
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl Randomness {
    fn next(&mut self) -> Zeroizing<[u8; 32]> {
        self.drawn += 1;
        let digest = Sha256::new()
            .chain_update(b"countersign holder randomness")
            .chain_update(&self.seed[..])
            .chain_update(self.drawn.to_be_bytes());
        Zeroizing::new(digest.finalize().into())
    }
}

/// The secret half of a transport key, for one derivation; wiped on drop.
pub struct TransportKey(TransportSecretKey);

impl TransportKey {
    /// # Errors
    /// If the seed is not 32 bytes.
    pub fn from_seed(seed: Vec<u8>) -> Result<Self, HolderError> {
        let key = TransportSecretKey::from_seed(seed).map_err(|_| HolderError::NotAnswered);
        scrub_stack();
        key.map(Self)
    }

    pub fn public_key(&self) -> Vec<u8> {
        self.0.public_key()
    }
}

/// How a curve's keys are found among all.
pub(crate) trait HeldCurve: Group {
    fn keys(open: &mut OpenShares) -> &mut BTreeMap<KeyName, HeldKey<Self>>;
}

impl HeldCurve for P256 {
    fn keys(open: &mut OpenShares) -> &mut BTreeMap<KeyName, HeldKey<Self>> {
        &mut open.p256
    }
}

impl HeldCurve for X25519 {
    fn keys(open: &mut OpenShares) -> &mut BTreeMap<KeyName, HeldKey<Self>> {
        &mut open.x25519
    }
}

/// Opens what is sealed of these keys, until then. `randomness` is 32 fresh bytes of the subnet.
///
/// # Errors
/// [`HolderError::NotAnswered`] if the subnet delivered no valid key; [`HolderError::Declined`] if it does not open what
/// was sealed.
pub fn open(
    derived: &Derived,
    transport: TransportKey,
    randomness: &Zeroizing<[u8; 32]>,
    keys: &[KeyName],
    until_ns: u64,
) -> Result<(), HolderError> {
    let opened = unseal_all(derived, transport, randomness, keys, until_ns);
    scrub_stack();
    OPEN.set(Some(opened?));
    Ok(())
}

/// Wipes everything secret from memory.
pub fn wipe() {
    drop(OPEN.take());
    scrub_stack();
}

/// Until when shares are in memory, if they are.
pub fn open_until_ns() -> Option<u64> {
    OPEN.with_borrow(|open| open.as_ref().map(|open| open.until_ns))
}

/// The public half of the key by which this holder signs in ceremonies of `key`.
///
/// # Errors
/// [`HolderError::Sealed`].
pub(crate) fn identity<G: HeldCurve>(now_ns: u64, key: &KeyName) -> Result<Point<G>, HolderError> {
    with_open(now_ns, |open| Ok(identity_key::<G>(&open.identity_root, key).public()))
}

/// Becomes a holder of `key`, without a share.
///
/// # Errors
/// [`HolderError::Sealed`]; [`HolderError::Declined`] if the roster is none, or without this holder.
pub(crate) fn join<G: HeldCurve>(
    now_ns: u64,
    key: &KeyName,
    threshold: u8,
    identities: Vec<Point<G>>,
) -> Result<(), HolderError> {
    with_open(now_ns, |open| {
        let roster = Roster::new(key.name.clone().into_bytes(), threshold, identities)
            .map_err(|error| HolderError::Declined(error.to_string()))?;
        let identity = identity_key::<G>(&open.identity_root, key);
        let holder =
            Holder::new(roster, identity).map_err(|refusal| HolderError::Declined(refusal.to_string()))?;
        G::keys(open).insert(key.clone(), HeldKey { holder, share: None });
        seal::<G>(open, key);
        Ok(())
    })
}

/// What came of a step.
pub(crate) struct Taken<G: Group> {
    pub answer: StepAnswer<G>,
    /// To be sent to their holders.
    pub shares: Shares<G>,
    /// The public side of the active share in CBOR.
    pub key_set: Option<Vec<u8>>,
}

/// Takes a step of a ceremony, and seals what it changed before anybody hears of it.
///
/// # Errors
/// [`HolderError::Sealed`], [`HolderError::UnknownKey`].
pub(crate) fn take_step<G: HeldCurve>(
    now_ns: u64,
    key: &KeyName,
    step: Step<G>,
) -> Result<Taken<G>, HolderError> {
    with_open(now_ns, |open| {
        let seed = Seed::new(open.randomness.next());
        let held = G::keys(open).get_mut(key).ok_or(HolderError::UnknownKey)?;
        let (answer, shares) = steps::take(&mut held.holder, step, &seed);
        held.share = held.holder.share();
        let key_set = held.holder.keys().map(encode);
        seal::<G>(open, key);
        Ok(Taken { answer, shares, key_set })
    })
}

/// Takes a share that this holder has sent.
///
/// # Errors
/// [`HolderError::Sealed`], [`HolderError::UnknownKey`]; [`HolderError::Declined`] if the share does not belong here.
pub(crate) fn receive<G: HeldCurve>(
    now_ns: u64,
    key: &KeyName,
    from: HolderIndex,
    share: &[u8],
) -> Result<(), HolderError> {
    with_open(now_ns, |open| {
        let held = G::keys(open).get_mut(key).ok_or(HolderError::UnknownKey)?;
        let share = DirectShare::<G>::from_bytes(share)
            .ok_or_else(|| HolderError::malformed("share", "other bytes", "a direct share in CBOR"))?;
        held.holder.receive(from, share).map_err(|refusal| HolderError::Declined(refusal.to_string()))?;
        seal::<G>(open, key);
        Ok(())
    })
}

/// Carries out requests that are admitted.
///
/// # Errors
/// [`HolderError::Sealed`], [`HolderError::UnknownKey`]; [`HolderError::Declined`] if one is of another epoch or curve.
pub(crate) fn evaluate<G: HeldCurve>(
    now_ns: u64,
    key: &KeyName,
    requests: &[Request],
    proofs: bool,
) -> Result<Vec<Partial<G>>, HolderError> {
    with_open(now_ns, |open| {
        let seeds: Vec<_> =
            requests.iter().map(|_| proofs.then(|| Seed::new(open.randomness.next()))).collect();
        let held = G::keys(open).get(key).ok_or(HolderError::UnknownKey)?;
        let share = held.share.as_ref().ok_or(HolderError::UnknownKey)?;
        let partials = requests.iter().zip(&seeds).map(|(request, seed)| {
            share.evaluate(request, seed.as_ref()).map_err(|error| HolderError::Declined(error.to_string()))
        });
        partials.collect()
    })
}

fn with_open<T>(
    now_ns: u64,
    work: impl FnOnce(&mut OpenShares) -> Result<T, HolderError>,
) -> Result<T, HolderError> {
    // The timer that wipes may come late.
    if open_until_ns().is_some_and(|until_ns| until_ns <= now_ns) {
        wipe();
    }
    let outcome =
        OPEN.with_borrow_mut(|open| open.as_mut().ok_or(HolderError::Sealed).and_then(|open| work(open)));
    scrub_stack();
    outcome
}

#[inline(never)]
fn unseal_all(
    derived: &Derived,
    transport: TransportKey,
    randomness: &Zeroizing<[u8; 32]>,
    keys: &[KeyName],
    until_ns: u64,
) -> Result<OpenShares, HolderError> {
    let public_key =
        DerivedPublicKey::deserialize(&derived.public_key).map_err(|_| HolderError::NotAnswered)?;
    let vetkey = EncryptedVetKey::deserialize(&derived.encrypted)
        .and_then(|encrypted| encrypted.decrypt_and_verify(&transport.0, &public_key, DERIVATION_INPUT))
        .map_err(|_| HolderError::NotAnswered)?;
    let mut open = OpenShares {
        until_ns,
        sealing_key: Zeroizing::new(vetkey.derive_symmetric_key("countersign holder sealing", 32)),
        identity_root: Zeroizing::new(vetkey.derive_symmetric_key("countersign holder identity", 32)),
        randomness: Randomness { seed: randomness.clone(), drawn: 0 },
        p256: BTreeMap::new(),
        x25519: BTreeMap::new(),
    };
    for key in keys {
        match key.curve {
            KeyCurve::P256 => unseal::<P256>(&mut open, key)?,
            KeyCurve::X25519 => unseal::<X25519>(&mut open, key)?,
        }
    }
    Ok(open)
}

fn identity_key<G: Group>(root: &Zeroizing<Vec<u8>>, key: &KeyName) -> IdentityKey<G> {
    let digest = Sha256::new().chain_update(&root[..]).chain_update(encode(key)).finalize();
    IdentityKey::new(&Seed::new(Zeroizing::new(digest.into())))
}

fn cipher(open: &OpenShares) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(&open.sealing_key).expect("the key was derived with 32 bytes")
}

fn seal<G: HeldCurve>(open: &mut OpenShares, key: &KeyName) {
    let nonce = open.randomness.next();
    let nonce = &nonce[..NONCE_BYTES];
    let Some(held) = G::keys(open).get(key) else {
        panic!("BUG: what is to be sealed is not open");
    };
    let mut buffer = held.holder.to_bytes();
    cipher(open)
        .encrypt_in_place(&nonce_of(nonce), &encode(key), &mut *buffer)
        .expect("memory holds less than one nonce serves");
    storage::keep_sealed(key, [nonce, &buffer[..]].concat());
}

fn unseal<G: HeldCurve>(open: &mut OpenShares, key: &KeyName) -> Result<(), HolderError> {
    let Some(sealed) = storage::sealed(key) else {
        return Ok(());
    };
    let unusable = || HolderError::Declined("what was sealed does not open".to_owned());
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(unusable)?;
    let mut buffer = Zeroizing::new(sealed.to_vec());
    cipher(open).decrypt_in_place(&nonce_of(nonce), &encode(key), &mut *buffer).map_err(|_| unusable())?;
    let identity = identity_key::<G>(&open.identity_root, key);
    let holder = Holder::from_bytes(&buffer, identity).ok_or_else(unusable)?;
    let share = holder.share();
    G::keys(open).insert(key.clone(), HeldKey { holder, share });
    Ok(())
}

fn nonce_of(bytes: &[u8]) -> Nonce<Aes256Gcm> {
    Nonce::<Aes256Gcm>::try_from(bytes).expect("the nonce has 12 bytes")
}
