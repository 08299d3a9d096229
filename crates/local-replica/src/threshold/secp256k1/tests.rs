use super::*;
use ic_secp256k1::{PocketIcMasterPublicKeyId, PublicKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const CANISTER: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 7, 1, 1];

fn path() -> Vec<Vec<u8>> {
    vec![b"receipts".to_vec(), 5_u32.to_be_bytes().to_vec()]
}

fn key() -> Secp256k1Key {
    Secp256k1Key::generate(&mut ChaCha20Rng::from_seed([1; 32]))
}

/// What a client derives from the pinned master key.
fn offline(key: &Secp256k1Key) -> (PublicKey, [u8; 32]) {
    let master = PublicKey::deserialize_sec1(&key.master_public_key()).expect("a public key");
    master.derive_subkey(&DerivationPath::from_canister_id_and_path(CANISTER, &path()))
}

#[test]
fn should_sign_under_the_key_that_clients_derive_offline() {
    let key = key();
    let (public, chain_code) = offline(&key);
    assert_eq!(key.public_key(CANISTER, &path()), (public.serialize_sec1(true), chain_code.to_vec()));

    let ecdsa = key.sign_ecdsa(CANISTER, &path(), &[5; 32]);
    assert!(public.verify_ecdsa_signature_prehashed(&[5; 32], &ecdsa));
    assert!(!public.verify_ecdsa_signature_prehashed(&[6; 32], &ecdsa));

    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let bip340 = key.sign_bip340(&mut rng, CANISTER, &path(), b"statement", None).expect("no root is given");
    assert!(public.verify_bip340_signature(b"statement", &bip340));
    assert!(!public.verify_bip340_signature(b"another statement", &bip340));
}

#[test]
fn should_tweak_the_key_for_taproot_only_by_a_merkle_root() {
    let key = key();
    let (public, _) = offline(&key);
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    for root in [&[][..], &[9; 32][..]] {
        let signature =
            key.sign_bip340(&mut rng, CANISTER, &path(), b"spend", Some(root)).expect("a valid root");
        assert!(public.verify_bip341_signature(b"spend", &signature, root));
        assert!(!public.verify_bip340_signature(b"spend", &signature));
    }
    let result = key.sign_bip340(&mut rng, CANISTER, &path(), b"spend", Some(&[9; 31]));
    assert_eq!(result, Err(InvalidMerkleRoot { found_bytes: 31 }));
}

/// The key that PocketIC calls `key_1`, whose secret is published with the key: what is derived from
/// it here must be what others derive from its public part.
#[test]
fn should_derive_from_a_known_master_key_what_is_known_to_follow() {
    let secret = hex::decode("6f65b33c736ceaf3d89e6b913a508e0612a2f43d872128606d59ab855b80d288");
    let key = Secp256k1Key {
        master: PrivateKey::deserialize_sec1(&secret.expect("hexadecimal")).expect("a private key"),
    };
    assert_eq!(
        hex::encode(key.master_public_key()),
        "036ad6e838b46811ad79c37b2f4b854b7a05f406715b2935edc5d3251e7666977b"
    );
    let master = PublicKey::pocketic_key(PocketIcMasterPublicKeyId::EcdsaKey1);
    let (public, chain_code) =
        master.derive_subkey(&DerivationPath::from_canister_id_and_path(CANISTER, &path()));
    assert_eq!(key.public_key(CANISTER, &path()), (public.serialize_sec1(true), chain_code.to_vec()));
}
