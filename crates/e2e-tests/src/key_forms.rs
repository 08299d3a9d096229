//! The forms in which key material can lie in a canister's memory.

use candid::Principal;
use content_keys::threshold::{Group, P256, X25519};
use content_types::OwnerName;
use ic_bls12_381::{G1Affine, Scalar};
use ic_vetkeys::{EncryptedVetKey, MasterPublicKey, VetKey};
use local_replica::{Replica, threshold::ShareFaults};
use rand_chacha::rand_core::SeedableRng;
use release_types::CredentialPolicy;
use sealing::{DerivationContext, TransportSecretKey};
use secret_search::SecretSearch;

use crate::World;

impl World {
    /// Adds the key that opens tokens sealed under `policy`: what only the nodes together know.
    pub fn add_vetkey(&self, policy: &CredentialPolicy, search: &mut SecretSearch) {
        let transport = TransportSecretKey::from_seed(vec![42; 32]).expect("32 bytes are a seed");
        let encrypted_key = self
            .replica
            .vetkd_key()
            .derive_key(
                &mut rand_chacha::ChaCha20Rng::from_seed([1; 32]),
                policy.custody.as_slice(),
                &DerivationContext::CredentialSealing.to_bytes(),
                &sealing::identity(policy),
                &transport.public_key(),
                &ShareFaults::default(),
            )
            .expect("no node fails");
        let master = sealing::MasterKey::from_bytes(&self.replica.vetkd_master_public_key())
            .expect("the replica's master key");
        let key = sealing::custody_public_key(&master, policy.custody);
        let vetkey =
            sealing::recover_vetkey(&encrypted_key, &transport, &key, policy).expect("the policy's key");
        add_vetkey_forms(&vetkey, search);
    }
}

fn add_vetkey_forms(vetkey: &VetKey, search: &mut SecretSearch) {
    let compressed: [u8; 48] = vetkey.signature_bytes().to_owned();
    search.add("the vetKey, compressed", &compressed);
    let point =
        Option::<G1Affine>::from(G1Affine::from_compressed(&compressed)).expect("a point of the group");
    let [x, y] = limbs_of_point(&point);
    search.add("the vetKey's x coordinate, as it lies in memory", &x);
    search.add("the vetKey's y coordinate, as it lies in memory", &y);
}

/// The key of which a content canister makes an owner's recipient keys: what only the nodes together know.
pub fn content_vetkey(replica: &Replica, content: Principal, owner: &OwnerName) -> VetKey {
    let transport = TransportSecretKey::from_seed(vec![42; 32]).expect("32 bytes are a seed");
    let context = DerivationContext::ContentKeys.to_bytes();
    let input = owner.as_str().as_bytes();
    let encrypted = replica
        .vetkd_key()
        .derive_key(
            &mut rand_chacha::ChaCha20Rng::from_seed([1; 32]),
            content.as_slice(),
            &context,
            input,
            &transport.public_key(),
            &ShareFaults::default(),
        )
        .expect("no node fails");
    let master =
        MasterPublicKey::deserialize(&replica.vetkd_master_public_key()).expect("the replica's master key");
    let key = master.derive_canister_key(content.as_slice()).derive_sub_key(&context);
    let encrypted = EncryptedVetKey::deserialize(&encrypted).expect("a key");
    encrypted.decrypt_and_verify(&transport, &key, input).expect("the owner's key")
}

/// Adds an owner's vetKey, and the private keys made of it: as derived, and as scalars in their own byte orders.
pub fn add_content_keys(vetkey: &VetKey, search: &mut SecretSearch) {
    add_vetkey_forms(vetkey, search);
    for (curve, domain) in [("P-256", "countersign content P-256"), ("X25519", "countersign content X25519")]
    {
        let uniform: [u8; 48] =
            vetkey.derive_symmetric_key(domain, 48).try_into().expect("as many as were asked for");
        search.add(&format!("the {curve} key, as derived"), &uniform);
        let scalar = match curve {
            "P-256" => P256::scalar_to_bytes(&P256::reduce(&uniform)),
            _ => X25519::scalar_to_bytes(&X25519::reduce(&uniform)),
        };
        search.add(&format!("the {curve} scalar"), &scalar);
        search.add(
            &format!("the {curve} scalar, turned round"),
            &scalar.iter().rev().copied().collect::<Vec<_>>(),
        );
    }
}

/// Adds a transport secret key by its seed: the seed, the scalar as serialised and as it lies in memory.
pub fn add_transport_secret(seed: &[u8], search: &mut SecretSearch) {
    search.add("the transport key's seed", seed);
    let key = TransportSecretKey::from_seed(seed.to_vec()).expect("a seed that custody took");
    let serialised = key.serialize();
    search.add("the transport secret, serialised", &serialised);
    let scalar = Option::<Scalar>::from(Scalar::from_bytes(
        serialised.as_slice().try_into().expect("a scalar has 32 bytes"),
    ))
    .expect("a scalar of the field");
    search.add("the transport secret, as it lies in memory", &bytes_of_scalar(&scalar));
}

/// The two coordinates' limbs; in wasm they lie in the same order of bytes as here.
#[allow(unsafe_code)]
fn limbs_of_point(point: &G1Affine) -> [[u8; 48]; 2] {
    assert!(size_of::<G1Affine>() >= 96 && cfg!(target_endian = "little"));
    // SAFETY: the point is alive and at least 96 bytes long; both coordinates are arrays of u64 without padding and
    // stand first, for they have the largest alignment.
    let bytes = unsafe { std::slice::from_raw_parts(std::ptr::from_ref(point).cast::<u8>(), 96) };
    [bytes[..48].try_into().expect("48 bytes"), bytes[48..].try_into().expect("48 bytes")]
}

#[allow(unsafe_code)]
fn bytes_of_scalar(scalar: &Scalar) -> [u8; 32] {
    assert!(size_of::<Scalar>() == 32 && cfg!(target_endian = "little"));
    // SAFETY: the scalar is alive and is exactly four u64.
    unsafe { *std::ptr::from_ref(scalar).cast::<[u8; 32]>() }
}
