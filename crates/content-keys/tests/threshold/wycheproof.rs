//! Every case of Wycheproof, the private key split 3 of 5 and multiplied in shares by two sets of holders.

use content_keys::{
    Dh, InvalidPublicKey, PublicKey,
    threshold::{Group, P256, X25519},
};
use rand::{SeedableRng, rngs::StdRng};
use serde::Deserialize;

use crate::fixtures::{Split, answers, holder, recipient, request, tweak, verified};

#[derive(Deserialize)]
struct File {
    #[serde(rename = "testGroups")]
    groups: Vec<TestGroup>,
}

#[derive(Deserialize)]
struct TestGroup {
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "tcId")]
    id: u32,
    flags: Vec<String>,
    public: String,
    private: String,
    shared: String,
    result: String,
}

impl Case {
    fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|other| other == flag)
    }
}

fn cases(file: &str) -> Vec<Case> {
    let file: File = serde_json::from_str(file).expect("Wycheproof's form");
    file.groups.into_iter().flat_map(|group| group.tests).collect()
}

/// ECDH of the private key, which exists in shares only, by two sets of holders.
fn in_shares<G: Group>(case: &Case, private: G::Scalar, public: PublicKey) {
    let rng = &mut StdRng::seed_from_u64(case.id.into());
    let split = Split::<G>::new(private - tweak::<G>(&recipient("alice")), 3, 5, rng);
    for signers in [[1, 3, 5], [4, 2, 3]] {
        let request = request(&split.keys, "alice", public, rng);
        let shares = signers.map(|index| &split.shares[&holder(index)]);
        let answers = answers(shares, &request, rng);
        let partials = verified(&split.keys, &request, &answers);
        let combined = split.keys.combine(&request, &partials).expect("three answers");
        let secret = combined.dh(&public).expect("this key");
        assert_eq!(hex::encode(secret.expose()), case.shared, "case {}", case.id);
    }
}

#[test]
fn should_agree_with_wycheproof_on_p256() {
    let (mut exact, mut refused) = (0, 0);
    for case in cases(include_str!("../vectors/wycheproof/ecdh_secp256r1_ecpoint.json")) {
        let Ok(public) = PublicKey::p256(&hex::decode(&case.public).expect("hex")) else {
            assert_eq!(case.result, "invalid", "case {}", case.id);
            refused += 1;
            continue;
        };
        assert_ne!(case.result, "invalid", "case {}", case.id);
        let digits = format!("{:0>64}", case.private.trim_start_matches('0'));
        let private = hex::decode(digits).expect("hex").try_into().expect("32 bytes");
        in_shares::<P256>(&case, P256::scalar_from_bytes(&private).expect("below the order"), public);
        exact += 1;
    }
    assert_eq!((exact, refused), (331, 24));
}

#[test]
fn should_agree_with_wycheproof_on_x25519() {
    let (mut exact, mut twist, mut low_order) = (0, 0, 0);
    for case in cases(include_str!("../vectors/wycheproof/x25519.json")) {
        let public = match PublicKey::x25519(&hex::decode(&case.public).expect("hex")) {
            Ok(public) => public,
            Err(InvalidPublicKey::SmallOrder) => {
                assert!(case.is("ZeroSharedSecret"), "case {}", case.id);
                low_order += 1;
                continue;
            }
            Err(error) => {
                assert!(case.is("Twist") && error == InvalidPublicKey::NotOnCurve, "case {}", case.id);
                twist += 1;
                continue;
            }
        };
        assert!(!case.is("Twist") && !case.is("ZeroSharedSecret"), "case {}", case.id);
        let mut private = [0; 48];
        hex::decode_to_slice(&case.private, &mut private[..32]).expect("32 bytes");
        private[0] &= 248;
        private[31] = private[31] & 127 | 64;
        let eighth = X25519::reduce(&private) * X25519::invert(&8u64.into());
        in_shares::<X25519>(&case, eighth, public);
        exact += 1;
    }
    assert_eq!((exact, twist, low_order), (271, 221, 26));
}
