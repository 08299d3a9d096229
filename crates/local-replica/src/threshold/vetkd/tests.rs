use super::*;
use ic_vetkeys::{
    DerivedPublicKey, EncryptedVetKey, IbeCiphertext, IbeIdentity, IbeSeed, MasterPublicKey,
    TransportSecretKey,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const CANISTER: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 7, 1, 1];
const CONTEXT: &[u8] = b"credentials";
const INPUT: &[u8] = b"credential 1";

fn setup() -> (ChaCha20Rng, VetKdKey, TransportSecretKey) {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let key = VetKdKey::generate(&mut rng, 13, 9);
    let transport = TransportSecretKey::from_seed(vec![9; 32]).expect("32 bytes");
    (rng, key, transport)
}

fn offline_public_key(key: &VetKdKey, context: &[u8]) -> DerivedPublicKey {
    MasterPublicKey::deserialize(&key.master_public_key())
        .expect("a master key")
        .derive_canister_key(CANISTER)
        .derive_sub_key(context)
}

fn all_shares(rng: &mut ChaCha20Rng, key: &VetKdKey, request: &DerivationRequest) -> Vec<EncryptedKeyShare> {
    (0..13).map(|node| key.encrypted_share(rng, NodeIndex(node), request)).collect()
}

#[test]
fn should_report_the_public_keys_that_clients_derive_offline() {
    let (_, key, _) = setup();
    for context in [CONTEXT, b""] {
        assert_eq!(key.public_key(CANISTER, context).to_vec(), offline_public_key(&key, context).serialize());
    }
}

#[test]
fn should_derive_a_key_that_decrypts_and_verifies() {
    let (mut rng, key, transport) = setup();
    let encrypted = key
        .derive_key(&mut rng, CANISTER, CONTEXT, INPUT, &transport.public_key(), &ShareFaults::default())
        .expect("a key");
    let public = offline_public_key(&key, CONTEXT);
    let encrypted = EncryptedVetKey::deserialize(&encrypted).expect("192 bytes");

    let vetkey = encrypted.decrypt_and_verify(&transport, &public, INPUT).expect("verifies");

    let sealed = IbeCiphertext::encrypt(
        &public,
        &IbeIdentity::from_bytes(INPUT),
        b"a token",
        &IbeSeed::from_bytes(&[3; 32]).expect("enough bytes"),
    );
    assert_eq!(sealed.decrypt(&vetkey).expect("opens"), b"a token");
    assert!(encrypted.decrypt_and_verify(&transport, &public, b"another input").is_err());
}

#[test]
fn should_derive_the_same_key_whichever_nodes_answer() {
    let (mut rng, key, transport) = setup();
    let request = key.request(CANISTER, CONTEXT, INPUT, &transport.public_key()).expect("a request");
    let public = offline_public_key(&key, CONTEXT);
    let shares = all_shares(&mut rng, &key, &request);
    let mut keys = Vec::new();
    for subset in [&shares[..9], &shares[4..]] {
        let combined = key.combine(&request, subset.to_vec()).expect("nine shares");
        let encrypted = EncryptedVetKey::deserialize(&combined.encrypted_key).expect("192 bytes");
        keys.push(
            encrypted.decrypt_and_verify(&transport, &public, INPUT).expect("verifies").serialize().to_vec(),
        );
    }
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn should_accept_the_identity_as_transport_key() {
    let (mut rng, key, _) = setup();
    let identity = G1Affine::identity().to_compressed();
    let encrypted = key
        .derive_key(&mut rng, CANISTER, CONTEXT, INPUT, &identity, &ShareFaults::default())
        .expect("a key");
    let public = offline_public_key(&key, CONTEXT);
    assert!(ic_vetkeys::verify_bls_signature(&public, INPUT, &encrypted[144..]));
}

#[test]
fn should_skip_and_name_the_node_when_any_part_of_its_share_is_wrong() {
    let (mut rng, key, transport) = setup();
    let request = key.request(CANISTER, CONTEXT, INPUT, &transport.public_key()).expect("a request");
    let good = all_shares(&mut rng, &key, &request);
    let doubled_g1 = |point: G1Affine| G1Affine::from(point * Scalar::from(2));
    let corruptions: [fn(&mut EncryptedKeyShare, &dyn Fn(G1Affine) -> G1Affine); 3] = [
        |share, doubled| share.c1 = doubled(share.c1),
        |share, _| share.c2 = (share.c2 * Scalar::from(2)).into(),
        |share, doubled| share.c3 = doubled(share.c3),
    ];
    for corrupt in corruptions {
        let mut shares = good.clone();
        corrupt(&mut shares[2], &doubled_g1);
        let combined = key.combine(&request, shares).expect("twelve good shares");
        assert_eq!(combined.refused, vec![NodeIndex(2)]);
        let encrypted = EncryptedVetKey::deserialize(&combined.encrypted_key).expect("192 bytes");
        assert!(encrypted.decrypt_and_verify(&transport, &offline_public_key(&key, CONTEXT), INPUT).is_ok());
    }
}

#[test]
fn should_refuse_a_share_that_another_node_made() {
    let (mut rng, key, transport) = setup();
    let request = key.request(CANISTER, CONTEXT, INPUT, &transport.public_key()).expect("a request");
    let mut shares = all_shares(&mut rng, &key, &request);
    shares[0] = EncryptedKeyShare { node: NodeIndex(0), ..shares[1].clone() };
    let combined = key.combine(&request, shares).expect("twelve good shares");
    assert_eq!(combined.refused, vec![NodeIndex(0)]);
}

#[test]
fn should_fail_when_fewer_good_shares_than_the_threshold_arrive() {
    let (mut rng, key, transport) = setup();
    let request = key.request(CANISTER, CONTEXT, INPUT, &transport.public_key()).expect("a request");
    let mut shares = all_shares(&mut rng, &key, &request);
    shares.truncate(9);
    shares[8] = shares[0].clone();
    assert_eq!(
        key.combine(&request, shares),
        Err(VetKdError::TooFewShares { needed: 9, good: 8, refused: vec![NodeIndex(0)] })
    );
}

#[test]
fn should_refuse_a_transport_key_that_is_no_point() {
    let (mut rng, key, _) = setup();
    for bytes in [vec![], vec![0; 47], vec![0xff; 48]] {
        assert_eq!(
            key.derive_key(&mut rng, CANISTER, CONTEXT, INPUT, &bytes, &ShareFaults::default()),
            Err(VetKdError::MalformedTransportKey { found_bytes: bytes.len() })
        );
    }
}

#[test]
fn should_derive_as_long_as_enough_nodes_give_good_shares() {
    let (mut rng, key, transport) = setup();
    let mut faults = ShareFaults::default();
    let mut derive = |faults: &ShareFaults| {
        key.derive_key(&mut rng, CANISTER, CONTEXT, INPUT, &transport.public_key(), faults)
    };
    faults.set((0..2).map(NodeIndex), ShareFault::Silent);
    faults.set((2..4).map(NodeIndex), ShareFault::Wrong);
    derive(&faults).expect("nine nodes are good");
    faults.set([NodeIndex(12)], ShareFault::Wrong);
    let Err(VetKdError::TooFewShares { needed: 9, good: 8, mut refused }) = derive(&faults) else {
        panic!("eight good shares are not enough");
    };
    refused.sort();
    assert_eq!(refused, [2, 3, 12].map(NodeIndex));
}
