//! Tokens that are none: sealing refuses them, and what was sealed all the same never becomes active.

use e2e_tests::{
    archives::npm_tarball,
    people::member,
    world::{NPM_TOKEN, PYPI_TOKEN},
};
use ic_vetkeys::{DerivedPublicKey, IbeCiphertext, IbeIdentity, IbeSeed};
use registry_protocols::secret::{SecretToken, TokenError};
use release_types::{
    CredentialPolicy, Ecosystem, ProposalAction, ProposalStatus,
    credential::{CredentialStatus, CredentialView, DepositCredentialArgs},
    dao::DepositError,
    proposal::{CredentialChange, CredentialProposal},
};

use crate::desk::{Desk, NPM_NAME};

/// Size of what is encrypted, in bytes: two of length, the token, zeros.
const BUCKET_BYTES: usize = 512;

#[test]
fn should_not_seal_what_is_no_token() {
    let desk = Desk::for_npm();
    let master =
        sealing::MasterKey::from_bytes(&desk.world.replica.vetkd_master_public_key()).expect("a key");
    let key = sealing::custody_public_key(&master, desk.world.custody);
    for (ecosystem, text, reason) in [
        (Ecosystem::Npm, "hunter2", "too few for a token"),
        (Ecosystem::Npm, "npm_short", "is not 36 letters and digits long"),
        (Ecosystem::Npm, PYPI_TOKEN, "is for PyPI, but the credential is for npm"),
        (Ecosystem::Pypi, NPM_TOKEN, "is for npm, but the credential is for PyPI"),
        (Ecosystem::Pypi, "pypi-thisIsNotAMacaroonAtAll", "token"),
        (Ecosystem::Npm, "//registry.example/:_authToken=npm_x", "no bearer token"),
    ] {
        let policy = desk.world.policy(ecosystem, &["demo"]);
        let token = SecretToken::new(text.as_bytes().to_vec()).expect("printable");
        let error = sealing::seal(&key, &policy, token, [7; 32]).expect_err(text).to_string();
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains(text), "the text is not repeated: {error}");
    }
    assert_eq!(SecretToken::new(Vec::new()).err(), Some(TokenError::Empty));
    assert_eq!(SecretToken::new(b"two words".to_vec()).err(), Some(TokenError::NotPrintableAscii));
    assert!(matches!(SecretToken::new(vec![b'a'; 10_000]), Err(TokenError::TooLong { found: 10_000 })));
}

/// Encrypts to the policy whatever it is, as no honest client would.
fn encrypted(desk: &Desk, policy: &CredentialPolicy, plaintext: &[u8]) -> Vec<u8> {
    let master =
        sealing::MasterKey::from_bytes(&desk.world.replica.vetkd_master_public_key()).expect("a key");
    let key = sealing::custody_public_key(&master, desk.world.custody);
    let key = DerivedPublicKey::deserialize(&key.to_bytes()).expect("a key");
    let seed = IbeSeed::from_bytes(&[7; 32]).expect("32 bytes");
    let identity = IbeIdentity::from_bytes(&sealing::identity(policy));
    IbeCiphertext::encrypt(&key, &identity, plaintext, &seed).serialize()
}

fn padded(text: &str) -> Vec<u8> {
    let mut bucket = u16::try_from(text.len()).expect("short").to_be_bytes().to_vec();
    bucket.extend(text.as_bytes());
    bucket.resize(BUCKET_BYTES, 0);
    bucket
}

#[test]
fn should_never_activate_what_was_sealed_and_is_no_token() {
    let mut desk = Desk::for_npm();
    let no_token = "what was sealed is no token of this ecosystem: seal the token anew";
    let no_seal =
        "it was not sealed to this policy and this custody canister, or is damaged: seal the token anew";
    let mut policy = desk.world.policy(Ecosystem::Npm, &["demo"]);
    for (what, plaintext, reason) in [
        ("a password", Some(padded("hunter2")), no_token),
        ("a token of PyPI", Some(padded(PYPI_TOKEN)), no_token),
        ("a token with a line end", Some(padded("npm_Zk3vQ9xW2rT7yLb5MfHc8JdPsNgA4eUo1iV\n")), no_token),
        ("nothing", Some(padded("")), no_token),
        ("a bucket without padding", Some(vec![b'x'; BUCKET_BYTES]), no_token),
        ("noise in place of a ciphertext", None, no_seal),
    ] {
        policy.epoch += 1;
        let sealed_token = match plaintext {
            Some(plaintext) => encrypted(&desk, &policy, &plaintext),
            None => e2e_tests::archives::noise(sealing::SEALED_TOKEN_BYTES),
        };
        let deposit = DepositCredentialArgs { policy: policy.clone(), sealed_token };
        let credential = desk.world.deposit(deposit).expect("a deposit is not opened");
        let change = CredentialChange::Activate;
        let status =
            desk.world.carry_out(ProposalAction::Credential(CredentialProposal { credential, change }));
        assert_eq!(status, ProposalStatus::Failed { reason: reason.into() }, "{what}");
        let custody = desk.world.custody;
        let view: Option<CredentialView> =
            desk.world.query(member(0), custody, "credential", (credential,)).expect("answers");
        let view = view.expect("it is kept");
        assert_eq!(view.status, CredentialStatus::Unusable { reason: reason.into() }, "{what}");
        let action =
            desk.world.npm_release(credential, NPM_NAME, "1.0.0", &npm_tarball(NPM_NAME, "1.0.0", 100));
        desk.refuse(what, action, &[("credential", "unusable", "an active credential")]);
    }
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}

#[test]
fn should_keep_nothing_of_a_deposit_with_defects() {
    let mut desk = Desk::for_npm();
    let mut policy = desk.world.policy(Ecosystem::Npm, &[]);
    policy.custody = desk.world.dao;
    policy.endpoint = "http://npm.registry.example/".into();
    policy.epoch = 0;
    policy.not_after_ns = 1;
    let before = desk.world.snapshot();
    let deposit = DepositCredentialArgs { policy, sealed_token: vec![0; 5_000] };
    let Err(DepositError::Refused { reason }) = desk.world.deposit(deposit) else { panic!("not refused") };
    for part in [
        "policy.endpoint",
        "policy.custody",
        "policy.packages",
        "policy.epoch",
        "policy.not_after_ns",
        "sealed_token",
    ] {
        assert!(reason.contains(part), "{part} is not in: {reason}");
    }
    assert_eq!(desk.world.changes_since(&before), [""; 0]);
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}
