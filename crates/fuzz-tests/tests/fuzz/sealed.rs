//! Sealed tokens, and keys that claim to open them.

use candid::Principal;
use fuzz_tests::Campaign;
use registry_protocols::secret::SecretToken;
use release_types::{CredentialMode, CredentialPolicy, Ecosystem};
use sealing::{
    MasterKey, SEALED_TOKEN_BYTES, SealingKey, TransportSecretKey, VetKey, custody_public_key, open,
    recover_vetkey, seal,
};

/// The generator of BLS12-381's first group: a point, and the key of nobody.
const POINT: &str =
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
/// Bytes of an encrypted key: points of 48, 96 and 48 bytes.
const ENCRYPTED_KEY_BYTES: usize = 192;

fn policy() -> CredentialPolicy {
    CredentialPolicy {
        custody: Principal::from_slice(&[1, 2, 3, 1]),
        ecosystem: Ecosystem::Npm,
        endpoint: "https://npm.registry.example/".to_owned(),
        packages: vec!["@dao/demo".to_owned()],
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: u64::MAX,
        epoch: 1,
    }
}

fn sealing_key() -> SealingKey {
    let master = MasterKey::of_main_network("key_1").expect("is pinned");
    custody_public_key(&master, policy().custody)
}

/// The input, and the input made as long as is wanted.
fn in_both_lengths(bytes: &[u8], wanted: usize) -> [Vec<u8>; 2] {
    let mut fitting = bytes.to_vec();
    fitting.resize(wanted, 0);
    [bytes.to_vec(), fitting]
}

#[test]
fn should_stand_any_bytes_as_a_sealed_token() {
    let vetkey = VetKey::deserialize(&hex::decode(POINT).expect("hexadecimal")).expect("a point");
    let sealed = |number: u8| {
        let token = SecretToken::new(format!("npm_{}", "a".repeat(36)).into_bytes()).expect("printable");
        seal(&sealing_key(), &policy(), token, [number; 32]).expect("is a token")
    };
    Campaign::new("sealed-token", (0..5).map(sealed).collect()).inputs(200).run(|bytes| {
        for sealed in in_both_lengths(bytes, SEALED_TOKEN_BYTES) {
            assert!(open(&vetkey, &policy(), &sealed).is_err(), "opened with the key of nobody");
        }
    });
}

#[test]
fn should_stand_any_bytes_as_an_encrypted_key() {
    let transport = || TransportSecretKey::from_seed(vec![7; 32]).expect("32 bytes");
    let point = hex::decode(POINT).expect("hexadecimal");
    let (sealing_key, second) = (sealing_key(), sealing_key().to_bytes());
    let key = [&point[..], &second, &point].concat();
    let seeds = vec![key.clone(), point, second, vec![0xc0; ENCRYPTED_KEY_BYTES], key[..191].to_vec()];
    Campaign::new("encrypted-key", seeds).inputs(200).run(|bytes| {
        for encrypted in in_both_lengths(bytes, ENCRYPTED_KEY_BYTES) {
            let recovered = recover_vetkey(&encrypted, &transport(), &sealing_key, &policy());
            assert!(recovered.is_err(), "took the key of nobody");
        }
    });
}
