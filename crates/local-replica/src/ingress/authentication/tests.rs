use super::super::{MAX_DELEGATION_TARGETS, MAX_DELEGATIONS};
use super::*;
use ic_transport_types::{Delegation, DelegationPermissions, SenderInfo, SignedDelegation};
use std::borrow::Cow;

const NOW_NS: u64 = 1_800_000_000 * NANOSECONDS;
/// No certificate is believed under it; the schemes of these tests need none.
const NO_ROOT: &[u8] = &[];
const MINUTE_NS: u64 = 60 * NANOSECONDS;

/// A user's key pair of one of the three schemes.
enum Signer {
    Ed25519(ic_ed25519::PrivateKey),
    Secp256k1(ic_secp256k1::PrivateKey),
    P256(ic_secp256r1::PrivateKey),
}

impl Signer {
    fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ic_ed25519::PrivateKey::generate_from_seed(&[seed]))
    }

    fn of_each_scheme() -> [Self; 3] {
        [
            Self::ed25519(1),
            Self::Secp256k1(ic_secp256k1::PrivateKey::generate_from_seed(&[1])),
            Self::P256(ic_secp256r1::PrivateKey::generate_insecure_key_for_testing(1)),
        ]
    }

    fn der(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.public_key().serialize_rfc8410_der(),
            Self::Secp256k1(key) => key.public_key().serialize_der(),
            Self::P256(key) => key.public_key().serialize_der(),
        }
    }

    fn principal(&self) -> Principal {
        Principal::self_authenticating(self.der())
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign_message(message).to_vec(),
            Self::Secp256k1(key) => key.sign_message_with_ecdsa(message).to_vec(),
            Self::P256(key) => key.sign_message(message).to_vec(),
        }
    }

    fn delegate(&self, change: impl FnOnce(&mut Delegation), to: &Signer) -> SignedDelegation {
        let mut delegation =
            Delegation { pubkey: to.der(), expiration: NOW_NS + MINUTE_NS, targets: None, permissions: None };
        change(&mut delegation);
        let signature = self.sign(&delegation.signable());
        SignedDelegation { delegation, signature }
    }
}

fn canister() -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 7, 1, 1])
}

fn call_by(sender: Principal) -> EnvelopeContent {
    EnvelopeContent::Call {
        nonce: Some(vec![1; MAX_NONCE_BYTES]),
        ingress_expiry: NOW_NS + 4 * MINUTE_NS,
        sender,
        canister_id: canister(),
        method_name: "vote".to_owned(),
        arg: b"DIDL\0\0".to_vec(),
        sender_info: None,
    }
}

fn read_state_by(sender: Principal, ingress_expiry: u64) -> EnvelopeContent {
    EnvelopeContent::ReadState { ingress_expiry, sender, paths: vec![] }
}

fn unsigned(content: EnvelopeContent) -> Envelope<'static> {
    Envelope { content: Cow::Owned(content), sender_pubkey: None, sender_sig: None, sender_delegation: None }
}

fn signed(signer: &Signer, content: EnvelopeContent) -> Envelope<'static> {
    let signature = signer.sign(&content.to_request_id().signable());
    Envelope { sender_pubkey: Some(signer.der()), sender_sig: Some(signature), ..unsigned(content) }
}

/// A call by `owner`, signed by `session` at the end of `chain`.
fn delegated(owner: &Signer, session: &Signer, chain: Vec<SignedDelegation>) -> Envelope<'static> {
    Envelope {
        sender_pubkey: Some(owner.der()),
        sender_delegation: Some(chain),
        ..signed(session, call_by(owner.principal()))
    }
}

fn authenticate(request: impl Into<DecodedRequest>) -> Result<AuthenticatedRequest, IngressError> {
    super::authenticate(request, NOW_NS, RootOfTrust::new(NO_ROOT))
}

fn error_of(envelope: Envelope<'static>) -> IngressError {
    authenticate(envelope).expect_err("must be refused")
}

#[test]
fn should_accept_a_signed_call_of_each_scheme() {
    for signer in Signer::of_each_scheme() {
        let envelope = signed(&signer, call_by(signer.principal()));
        let request_id = envelope.content.to_request_id();
        let decoded = decode(&envelope.encode_bytes()).expect("decodes");
        let request = authenticate(decoded).expect("accepted");
        assert_eq!(request.sender(), signer.principal());
        assert_eq!(request.request_id.0, *request_id);
        assert_eq!(request.targets, None);
    }
}

#[test]
fn should_refuse_a_signature_on_another_content_in_each_scheme() {
    for signer in Signer::of_each_scheme() {
        let mut envelope = signed(&signer, call_by(signer.principal()));
        if let EnvelopeContent::Call { method_name, .. } = envelope.content.to_mut() {
            *method_name = "withdraw".to_owned();
        }
        assert_eq!(error_of(envelope), IngressError::WrongSignature { key: "sender_pubkey".to_owned() });
    }
}

#[test]
fn should_refuse_a_signature_by_another_key() {
    let (signer, other) = (Signer::ed25519(1), Signer::ed25519(2));
    let envelope =
        Envelope { sender_pubkey: Some(signer.der()), ..signed(&other, call_by(signer.principal())) };
    assert_eq!(error_of(envelope), IngressError::WrongSignature { key: "sender_pubkey".to_owned() });
}

#[test]
fn should_refuse_a_signature_of_wrong_length() {
    for signer in Signer::of_each_scheme() {
        let mut envelope = signed(&signer, call_by(signer.principal()));
        envelope.sender_sig = Some(vec![1; 63]);
        assert!(matches!(error_of(envelope), IngressError::WrongSignature { .. }));
    }
}

#[test]
fn should_refuse_a_sender_who_does_not_own_the_key() {
    let (signer, other) = (Signer::ed25519(1), Signer::ed25519(2));
    assert_eq!(
        error_of(signed(&signer, call_by(other.principal()))),
        IngressError::SenderMismatch { sender: other.principal(), of_key: signer.principal() }
    );
}

#[test]
fn should_refuse_a_sender_who_does_not_sign() {
    let signer = Signer::ed25519(1);
    let content = || call_by(signer.principal());
    let field_of = |envelope| match error_of(envelope) {
        IngressError::MissingAuthentication { field } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field_of(unsigned(content())), "sender_pubkey");
    assert_eq!(field_of(Envelope { sender_sig: None, ..signed(&signer, content()) }), "sender_sig");
}

#[test]
fn should_accept_an_anonymous_call_and_refuse_one_that_carries_authentication() {
    let content = || call_by(Principal::anonymous());
    assert!(authenticate(unsigned(content())).is_ok());
    for (field, envelope) in [
        ("sender_pubkey", Envelope { sender_pubkey: Some(vec![1]), ..unsigned(content()) }),
        ("sender_sig", Envelope { sender_sig: Some(vec![1]), ..unsigned(content()) }),
        ("sender_delegation", Envelope { sender_delegation: Some(vec![]), ..unsigned(content()) }),
    ] {
        assert_eq!(error_of(envelope), IngressError::AnonymousWithAuthentication { field });
    }
}

#[test]
fn should_refuse_a_key_of_an_unknown_scheme() {
    let canister_signature_key_without_content =
        [&b"\x30\x0e\x30\x0c\x06\x0a"[..], b"\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x02"].concat();
    for der in [canister_signature_key_without_content, vec![1, 2, 3]] {
        let content = call_by(Principal::self_authenticating(&der));
        let envelope =
            Envelope { sender_pubkey: Some(der), sender_sig: Some(vec![1; 64]), ..unsigned(content) };
        assert_eq!(error_of(envelope), IngressError::UnsupportedKey { field: "sender_pubkey".to_owned() });
    }
}

/// Flips every bit of a signature in turn; each must spoil it.
#[test]
fn should_refuse_a_signature_with_any_bit_flipped() {
    for signer in Signer::of_each_scheme() {
        let good = signed(&signer, call_by(signer.principal()));
        let signature = good.sender_sig.clone().expect("signed");
        // Every seventh bit hits each byte, at changing places.
        for bit in (0..8 * signature.len()).step_by(7) {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let envelope = Envelope { sender_sig: Some(flipped), ..good.clone() };
            assert!(matches!(error_of(envelope), IngressError::WrongSignature { .. }), "bit {bit}");
        }
    }
}

#[test]
fn should_hash_the_nonce_of_a_read_state_into_its_id() {
    use serde::Serialize;
    use serde_bytes::ByteBuf;
    #[derive(Serialize)]
    struct Content {
        request_type: &'static str,
        nonce: ByteBuf,
        ingress_expiry: u64,
        sender: Principal,
        paths: Vec<Vec<ByteBuf>>,
    }
    #[derive(Serialize)]
    struct Signed<'a> {
        content: &'a Content,
        sender_pubkey: ByteBuf,
        sender_sig: ByteBuf,
    }
    let signer = Signer::ed25519(1);
    let body = |nonce: Vec<u8>, signed_nonce: Vec<u8>| {
        let mut content = Content {
            request_type: "read_state",
            nonce: ByteBuf::from(signed_nonce),
            ingress_expiry: NOW_NS + MINUTE_NS,
            sender: signer.principal(),
            paths: vec![vec![ByteBuf::from(b"time".to_vec())]],
        };
        let request_id = ic_transport_types::to_request_id(&content).expect("hashes");
        content.nonce = ByteBuf::from(nonce);
        let signature = signer.sign(&request_id.signable());
        let (sender_pubkey, sender_sig) = (ByteBuf::from(signer.der()), ByteBuf::from(signature));
        let envelope = Signed { content: &content, sender_pubkey, sender_sig };
        serde_cbor::to_vec(&envelope).expect("encodes")
    };
    let result = |body: Vec<u8>| authenticate(decode(&body).expect("an envelope")).map(|_| ());
    assert_eq!(result(body(vec![7; 32], vec![7; 32])), Ok(()));
    assert!(matches!(result(body(vec![7; 32], vec![8; 32])), Err(IngressError::WrongSignature { .. })));
    assert_eq!(result(body(vec![7; 33], vec![7; 33])), Err(IngressError::NonceTooLong { found_bytes: 33 }));
}

#[test]
fn should_refuse_a_request_that_expired_or_expires_too_late() {
    let furthest_ns = NOW_NS + 6 * MINUTE_NS;
    let at = |expiry_ns| {
        let signer = Signer::ed25519(1);
        let mut content = call_by(signer.principal());
        if let EnvelopeContent::Call { ingress_expiry, .. } = &mut content {
            *ingress_expiry = expiry_ns;
        }
        authenticate(signed(&signer, content)).map(|_| ())
    };
    assert_eq!(at(NOW_NS), Ok(()));
    assert_eq!(at(furthest_ns), Ok(()));
    for expiry_ns in [NOW_NS - 1, furthest_ns + 1] {
        assert_eq!(at(expiry_ns), Err(IngressError::Expiry { expiry_ns, now_ns: NOW_NS, furthest_ns }));
    }
}

#[test]
fn should_check_the_expiry_of_a_signed_read_state_but_not_of_an_anonymous_one() {
    let signer = Signer::ed25519(1);
    assert!(authenticate(unsigned(read_state_by(Principal::anonymous(), 0))).is_ok());
    assert!(matches!(
        error_of(signed(&signer, read_state_by(signer.principal(), 0))),
        IngressError::Expiry { .. }
    ));
}

#[test]
fn should_refuse_a_nonce_that_is_too_long() {
    let mut content = call_by(Principal::anonymous());
    if let EnvelopeContent::Call { nonce, .. } = &mut content {
        *nonce = Some(vec![0; MAX_NONCE_BYTES + 1]);
    }
    assert_eq!(error_of(unsigned(content)), IngressError::NonceTooLong { found_bytes: MAX_NONCE_BYTES + 1 });
}

#[test]
fn should_refuse_sender_info_instead_of_passing_it_on_unverified() {
    let mut content = call_by(Principal::anonymous());
    if let EnvelopeContent::Call { sender_info, .. } = &mut content {
        *sender_info = Some(SenderInfo { info: vec![], signer: vec![], sig: vec![] });
    }
    assert_eq!(error_of(unsigned(content)), IngressError::SenderInfoUnsupported);
}

#[test]
fn should_refuse_mangled_cbor() {
    let signer = Signer::ed25519(1);
    let good = signed(&signer, call_by(signer.principal())).encode_bytes();
    let mut trailing = good.clone();
    trailing.push(0);
    for body in
        [b"".to_vec(), b"no cbor".to_vec(), good[..good.len() - 1].to_vec(), trailing, vec![0x81; 100_000]]
    {
        assert!(matches!(decode(&body), Err(IngressError::Malformed { .. })));
    }
}

#[test]
fn should_follow_a_chain_of_delegations_across_schemes() {
    let [owner, middle, session] = Signer::of_each_scheme();
    let targets = vec![canister(), Principal::management_canister()];
    let chain = vec![
        owner.delegate(|delegation| delegation.targets = Some(targets), &middle),
        middle.delegate(|delegation| delegation.targets = Some(vec![canister()]), &session),
    ];
    let request = authenticate(delegated(&owner, &session, chain)).expect("accepted");
    assert_eq!(request.sender(), owner.principal());
    assert_eq!(request.targets, Some(BTreeSet::from([canister()])));
}

#[test]
fn should_refuse_an_expired_delegation() {
    let (owner, session) = (Signer::ed25519(1), Signer::ed25519(2));
    let chain = vec![owner.delegate(|delegation| delegation.expiration = NOW_NS - 1, &session)];
    assert_eq!(
        error_of(delegated(&owner, &session, chain)),
        IngressError::DelegationExpired { index: 0, expiration_ns: NOW_NS - 1, now_ns: NOW_NS }
    );
}

#[test]
fn should_refuse_a_delegation_for_other_canisters() {
    let (owner, middle, session) = (Signer::ed25519(1), Signer::ed25519(2), Signer::ed25519(3));
    let other = Principal::from_slice(&[9, 1, 1]);
    let only = |target| move |delegation: &mut Delegation| delegation.targets = Some(vec![target]);
    let mismatch = IngressError::TargetMismatch { canister_id: canister() };
    let direct = vec![owner.delegate(only(other), &session)];
    assert_eq!(error_of(delegated(&owner, &session, direct)), mismatch);
    // Each link allows something, but nothing is allowed by both.
    let disjoint = vec![owner.delegate(only(canister()), &middle), middle.delegate(only(other), &session)];
    assert_eq!(error_of(delegated(&owner, &session, disjoint)), mismatch);
}

#[test]
fn should_refuse_a_delegation_that_the_key_before_did_not_sign() {
    let (owner, middle, session) = (Signer::ed25519(1), Signer::ed25519(2), Signer::ed25519(3));
    let chain = vec![owner.delegate(|_| {}, &middle), owner.delegate(|_| {}, &session)];
    assert_eq!(
        error_of(delegated(&owner, &session, chain)),
        IngressError::WrongDelegationSignature { index: 1 }
    );
    let mut chain = vec![owner.delegate(|_| {}, &session)];
    chain[0].delegation.expiration += 1;
    assert_eq!(
        error_of(delegated(&owner, &session, chain)),
        IngressError::WrongDelegationSignature { index: 0 }
    );
}

#[test]
fn should_refuse_a_request_signed_by_another_key_than_the_chain_ends_in() {
    let (owner, session) = (Signer::ed25519(1), Signer::ed25519(2));
    let chain = vec![owner.delegate(|_| {}, &session)];
    assert_eq!(
        error_of(delegated(&owner, &owner, chain)),
        IngressError::WrongSignature { key: "sender_delegation[0].pubkey".to_owned() }
    );
}

#[test]
fn should_refuse_a_chain_that_is_too_long() {
    let keys: Vec<Signer> = (1..=22).map(Signer::ed25519).collect();
    let chain_of = |length: usize| -> Vec<SignedDelegation> {
        keys.windows(2).take(length).map(|pair| pair[0].delegate(|_| {}, &pair[1])).collect()
    };
    let longest = delegated(&keys[0], &keys[MAX_DELEGATIONS], chain_of(MAX_DELEGATIONS));
    assert!(authenticate(longest).is_ok());
    let too_long = delegated(&keys[0], &keys[MAX_DELEGATIONS + 1], chain_of(MAX_DELEGATIONS + 1));
    assert_eq!(error_of(too_long), IngressError::TooManyDelegations { found: MAX_DELEGATIONS + 1 });
}

#[test]
fn should_refuse_a_chain_with_a_cycle() {
    let (owner, session) = (Signer::ed25519(1), Signer::ed25519(2));
    let to_itself = vec![owner.delegate(|_| {}, &owner)];
    assert_eq!(error_of(delegated(&owner, &owner, to_itself)), IngressError::DelegationCycle { index: 0 });
    let back = vec![owner.delegate(|_| {}, &session), session.delegate(|_| {}, &owner)];
    assert_eq!(error_of(delegated(&owner, &owner, back)), IngressError::DelegationCycle { index: 1 });
}

#[test]
fn should_refuse_too_many_targets() {
    let (owner, session) = (Signer::ed25519(1), Signer::ed25519(2));
    let found = MAX_DELEGATION_TARGETS + 1;
    let chain =
        vec![owner.delegate(|delegation| delegation.targets = Some(vec![canister(); found]), &session)];
    assert_eq!(
        error_of(delegated(&owner, &session, chain)),
        IngressError::TooManyTargets { index: 0, found }
    );
}

#[test]
fn should_refuse_a_call_by_a_delegation_for_queries() {
    let (owner, session) = (Signer::ed25519(1), Signer::ed25519(2));
    let chain =
        || {
            vec![owner.delegate(
                |delegation| delegation.permissions = Some(DelegationPermissions::Queries),
                &session,
            )]
        };
    assert_eq!(error_of(delegated(&owner, &session, chain())), IngressError::QueriesOnly { index: 0 });
    let read = Envelope {
        sender_pubkey: Some(owner.der()),
        sender_delegation: Some(chain()),
        ..signed(&session, read_state_by(owner.principal(), NOW_NS))
    };
    assert!(authenticate(read).is_ok());
}

#[test]
fn should_refuse_a_duplicate_key_in_a_map() {
    let signer = Signer::ed25519(1);
    let body = signed(&signer, call_by(signer.principal())).encode_bytes();
    let start = body.windows(7).position(|window| window == b"content").expect("the key") - 1;
    let mut twice = body[..start].to_vec();
    // One more pair in the outermost map, and the content's pair twice.
    let map = twice.iter_mut().rfind(|byte| (0xa0..0xb8).contains(*byte)).expect("a map");
    *map += 1;
    let end = start
        + body[start..].windows(13).position(|window| window == b"sender_pubkey").expect("the next")
        - 1;
    twice.extend_from_slice(&body[start..end]);
    twice.extend_from_slice(&body[start..]);
    assert!(matches!(decode(&twice), Err(IngressError::Malformed { .. })));
}
