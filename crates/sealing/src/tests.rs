use candid::Principal;
use ic_bls12_381::{
    G1Affine, G1Projective, G2Affine, G2Projective, Scalar,
    hash_to_curve::{ExpandMsgXmd, HashToCurve, HashToField},
};
use ic_vetkeys::{IbeCiphertext, IbeIdentity, IbeSeed};
use registry_protocols::secret::SecretToken;
use release_types::{CredentialMode, CredentialPolicy, Ecosystem};
use sha2::Sha256;

use super::*;

const NPM_TOKEN: &str = "npm_0123456789abcdefghijABCDEFGHIJ012345";
const PYPI_TOKEN: &str = "pypi-AgEMcHlwaS5leGFtcGxlAiQxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUAAipbMywiYWFhYWFhYWEtYmJiYi00Y2NjLThkZGQtZWVlZWVlZWVlZWVlIl0AAAYgGRsdSW29cw97Nvc_GI5tBxilJD7R7-zINvC-8AKOWkI";

/// A network whose master secret is known, so that keys can be derived without a subnet.
struct Network {
    secret: Scalar,
}

impl Network {
    fn new(secret: u64) -> Self {
        Self { secret: Scalar::from(secret) }
    }

    fn public(secret: Scalar) -> [u8; 96] {
        G2Affine::from(G2Projective::generator() * secret).to_compressed()
    }

    fn master_key(&self) -> MasterKey {
        MasterKey::from_bytes(&Self::public(self.secret)).expect("a point")
    }

    /// The secret that belongs to a canister's key in a context: each step adds a hash of the public key so
    /// far and the name of the step.
    fn derived_secret(&self, canister: Principal, context: &[u8]) -> Scalar {
        let step = |secret: Scalar, name: &[u8], domain: &str| {
            let mut hashed = Vec::new();
            for part in [&Self::public(secret)[..], name] {
                hashed.extend_from_slice(&(part.len() as u64).to_be_bytes());
                hashed.extend_from_slice(part);
            }
            let mut offset = [Scalar::zero()];
            Scalar::hash_to_field::<ExpandMsgXmd<Sha256>>(&hashed, domain.as_bytes(), &mut offset);
            secret + offset[0]
        };
        let of_canister = step(self.secret, canister.as_slice(), "ic-vetkd-bls12-381-g2-canister-id");
        step(of_canister, context, "ic-vetkd-bls12-381-g2-context")
    }

    /// The BLS signature on the policy's identity, which is the vetKey.
    fn signature(&self, policy: &CredentialPolicy) -> G1Affine {
        let context = DerivationContext::CredentialSealing.to_bytes();
        let secret = self.derived_secret(policy.custody, &context);
        let message = [&Self::public(secret)[..], &identity(policy)].concat();
        let domain = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";
        let hash = <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(message, domain);
        G1Affine::from(hash * secret)
    }

    fn vetkey(&self, policy: &CredentialPolicy) -> VetKey {
        VetKey::deserialize(&self.signature(policy).to_compressed()).expect("a point")
    }

    fn sealing_key(&self, policy: &CredentialPolicy) -> SealingKey {
        custody_public_key(&self.master_key(), policy.custody)
    }
}

fn policy() -> CredentialPolicy {
    CredentialPolicy {
        custody: Principal::from_slice(&[1, 2, 3, 1]),
        ecosystem: Ecosystem::Npm,
        endpoint: "https://npm.registry.example/".to_owned(),
        packages: vec!["@dao/demo".to_owned()],
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: 1_900_000_000_000_000_000,
        epoch: 1,
    }
}

fn token(text: &str) -> SecretToken {
    SecretToken::new(text.as_bytes().to_vec()).expect("printable")
}

fn sealed(network: &Network, policy: &CredentialPolicy) -> Vec<u8> {
    seal(&network.sealing_key(policy), policy, token(NPM_TOKEN), [7; 32]).expect("seals")
}

#[test]
fn should_open_what_was_sealed_with_the_key_that_the_network_derives() {
    let network = Network::new(4_242);
    for (ecosystem, text) in [(Ecosystem::Npm, NPM_TOKEN), (Ecosystem::Pypi, PYPI_TOKEN)] {
        let policy = CredentialPolicy { ecosystem, ..policy() };
        let sealed = seal(&network.sealing_key(&policy), &policy, token(text), [7; 32]).expect("seals");
        let opened = open(&network.vetkey(&policy), &policy, &sealed).expect("opens");
        assert_eq!(opened.expose(), text.as_bytes());
    }
}

#[test]
fn should_not_open_under_any_other_policy() {
    let network = Network::new(4_242);
    let sealed = sealed(&network, &policy());
    let others = [
        CredentialPolicy { epoch: 2, ..policy() },
        CredentialPolicy { packages: vec!["@dao/other".to_owned()], ..policy() },
        CredentialPolicy { custody: Principal::from_slice(&[1, 2, 3, 2]), ..policy() },
    ];
    for other in others {
        let error = open(&network.vetkey(&other), &other, &sealed).expect_err("another identity");
        assert_eq!(error, OpenError::WrongKeyOrPolicy);
    }
}

#[test]
fn should_not_open_with_the_key_of_another_network() {
    let sealed = sealed(&Network::new(4_242), &policy());
    let error = open(&Network::new(4_243).vetkey(&policy()), &policy(), &sealed).expect_err("another key");
    assert_eq!(error, OpenError::WrongKeyOrPolicy);
}

#[test]
fn should_not_open_a_changed_or_truncated_ciphertext() {
    let network = Network::new(4_242);
    let (sealed, vetkey) = (sealed(&network, &policy()), network.vetkey(&policy()));
    // One in the header, the point, the masked seed, the token and the padding.
    for at in [0, 20, 110, 140, SEALED_TOKEN_BYTES - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let error = open(&vetkey, &policy(), &changed).expect_err("changed");
        assert!(matches!(error, OpenError::NotACiphertext { .. } | OpenError::WrongKeyOrPolicy), "{at}");
    }
    let cut = &sealed[..SEALED_TOKEN_BYTES - 1];
    for bytes in [cut, &[]] {
        let error = open(&vetkey, &policy(), bytes).expect_err("truncated");
        assert_eq!(error, OpenError::NotACiphertext { found_bytes: bytes.len() });
    }
}

#[test]
fn should_not_show_the_token_s_length_in_the_ciphertext() {
    let network = Network::new(4_242);
    let key = network.sealing_key(&policy());
    for text in ["c2VjcmV0IHNlY3JldCBzZWNyZXQ=", NPM_TOKEN, &"a".repeat(MAX_SEALABLE_TOKEN_BYTES)] {
        let sealed = seal(&key, &policy(), token(text), [7; 32]).expect("seals");
        assert_eq!(sealed.len(), SEALED_TOKEN_BYTES);
    }
    let longer = token(&"a".repeat(MAX_SEALABLE_TOKEN_BYTES + 1));
    let error = seal(&key, &policy(), longer, [7; 32]).expect_err("too long");
    assert_eq!(error, SealError::TooLong { found_bytes: MAX_SEALABLE_TOKEN_BYTES + 1 });
}

#[test]
fn should_refuse_to_seal_a_token_that_is_none() {
    let key = Network::new(4_242).sealing_key(&policy());
    let error = seal(&key, &policy(), token("hunter2"), [7; 32]).expect_err("a password");
    assert_eq!(error, ImplausibleToken::TooShort { found_bytes: 7 }.into());
}

#[test]
fn should_find_at_opening_what_another_tool_sealed_wrongly() {
    let network = Network::new(4_242);
    let seal_raw = |bytes: &[u8]| {
        let seed = IbeSeed::from_bytes(&[9; 32]).expect("a seed");
        let identity = IbeIdentity::from_bytes(&identity(&policy()));
        IbeCiphertext::encrypt(network.sealing_key(&policy()).derived(), &identity, bytes, &seed).serialize()
    };
    let mut password = [0; 512];
    password[..9].copy_from_slice(b"\x00\x07hunter2");
    let cases = [
        (seal_raw(&[b'a'; 512]), OpenError::NotPadded),
        (seal_raw(&password), ImplausibleToken::TooShort { found_bytes: 7 }.into()),
    ];
    for (sealed, expected) in cases {
        let error = open(&network.vetkey(&policy()), &policy(), &sealed).expect_err("sealed wrongly");
        assert_eq!(error, expected);
    }
}

#[test]
fn should_recover_the_key_that_the_network_sends_encrypted_and_no_other() {
    let (network, policy) = (Network::new(4_242), policy());
    let key = network.sealing_key(&policy);
    let transport = TransportSecretKey::from_seed(vec![5; 32]).expect("a seed");
    let transport_public: [u8; 48] = transport.public_key().try_into().expect("48 bytes");
    let transport_public = G1Affine::from_compressed(&transport_public).into_option().expect("a point");
    // What the subnet answers: (g1·r, g2·r, transport·r + signature).
    let r = Scalar::from(77);
    let encrypt = |signature: G1Affine| {
        let masked = transport_public * r + G1Projective::from(signature);
        [
            &G1Affine::from(G1Projective::generator() * r).to_compressed()[..],
            &Network::public(r),
            &G1Affine::from(masked).to_compressed(),
        ]
        .concat()
    };
    let encrypted = encrypt(network.signature(&policy));
    let vetkey = recover_vetkey(&encrypted, &transport, &key, &policy).expect("recovers");
    assert_eq!(vetkey.serialize(), network.vetkey(&policy).serialize());
    assert!(open(&vetkey, &policy, &sealed(&network, &policy)).is_ok());

    let other = CredentialPolicy { epoch: 2, ..policy.clone() };
    for wrong in [encrypt(network.signature(&other)), encrypted[..100].to_vec(), Vec::new()] {
        assert!(recover_vetkey(&wrong, &transport, &key, &policy).is_err());
    }
}

#[test]
fn should_refuse_a_reported_key_that_the_master_key_does_not_give() {
    let expected = Network::new(4_242).sealing_key(&policy());
    assert_eq!(check_reported(&expected, &expected.to_bytes()), Ok(()));
    let another = Network::new(4_243).sealing_key(&policy()).to_bytes();
    for reported in [&another[..], &[], &[0; 10_000]] {
        let error = check_reported(&expected, reported).expect_err("another key").to_string();
        assert!(error.contains("do not seal") && error.len() < 700, "{error}");
    }
}

#[test]
fn should_derive_another_key_for_every_canister_and_every_pinned_network() {
    let custody = policy().custody;
    let main = MasterKey::of_main_network("key_1").expect("pinned");
    let test = MasterKey::of_main_network("test_key_1").expect("pinned");
    let keys = [
        custody_public_key(&main, custody),
        custody_public_key(&test, custody),
        custody_public_key(&main, Principal::from_slice(&[9])),
        custody_public_key(&Network::new(4_242).master_key(), custody),
    ];
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key));
        assert_eq!(SealingKey::from_bytes(&key.to_bytes()).as_ref(), Ok(key));
    }
    let unknown = MasterKey::of_main_network("key_2").expect_err("not pinned");
    assert_eq!(unknown, InvalidKey::UnknownName { name: "key_2".to_owned() });
    assert_eq!(MasterKey::from_bytes(&[0; 96]), Err(InvalidKey::NotAPoint { found_bytes: 96 }));
}

#[test]
fn should_keep_the_derivation_context_as_it_was_first_used() {
    // Tokens sealed in the past are lost when this changes.
    assert_eq!(
        DerivationContext::CredentialSealing.to_bytes(),
        b"\x0bcountersign\x12credential-sealing\x01\x01"
    );
}
