//! Identities: the PEM files that `icp` also uses. Ed25519 (PKCS#8), secp256k1 and P-256 (SEC1 or PKCS#8).

use std::{io::Write as _, path::Path};

use candid::Principal;
use ic_agent::{
    Identity,
    identity::{BasicIdentity, Prime256v1Identity, Secp256k1Identity},
};
use ic_ed25519::{PrivateKey, PrivateKeyFormat};
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};

/// Reads an identity from its PEM file.
///
/// # Errors
/// When the file cannot be read or holds no private key of a known kind.
pub fn load(path: &Path) -> Outcome<Box<dyn Identity>> {
    let pem = Zeroizing::new(std::fs::read(path).map_err(|error| {
        Failure::file("read the identity", path, error)
            .hint("make one with `countersign identity new FILE`, or export one with `icp identity export`")
    })?);
    parse(&pem).ok_or_else(|| {
        Failure::usage(format!("{} holds no private key that is understood", path.display())).hint(
            "allowed: an unencrypted PEM with an Ed25519 (PKCS#8), secp256k1 or P-256 (SEC1 or PKCS#8) private key",
        )
    })
}

/// The key that a PEM text holds, if it is of a known kind.
pub fn parse(pem: &[u8]) -> Option<Box<dyn Identity>> {
    if let Ok(identity) = BasicIdentity::from_pem(pem) {
        return Some(Box::new(identity));
    }
    if let Ok(identity) = Secp256k1Identity::from_pem(pem) {
        return Some(Box::new(identity));
    }
    Prime256v1Identity::from_pem(pem).ok().map(|identity| Box::new(identity) as Box<dyn Identity>)
}

/// Makes a fresh Ed25519 identity and writes it to `path`, readable by its owner alone.
///
/// # Errors
/// When the file exists already or cannot be written.
pub fn create(path: &Path) -> Outcome<Principal> {
    let key = PrivateKey::generate();
    let pem = Zeroizing::new(key.serialize_pkcs8_pem(PrivateKeyFormat::Pkcs8v1));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(pem.as_bytes())).map_err(|error| {
        Failure::file("create the identity", path, error).hint("an existing file is never replaced")
    })?;
    Ok(Principal::self_authenticating(key.public_key().serialize_rfc8410_der()))
}

/// Whom an identity speaks as.
///
/// # Errors
/// When the identity cannot tell.
pub fn principal(identity: &dyn Identity) -> Outcome<Principal> {
    identity
        .sender()
        .map_err(|error| Failure::usage(format!("the identity cannot name its principal: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same three keys that `openssl genpkey`/`ecparam` write, made for these tests.
    const SECP256K1_SEC1: &str = include_str!("identity/secp256k1_sec1.pem");
    const SECP256K1_PKCS8: &str = include_str!("identity/secp256k1_pkcs8.pem");
    const P256_SEC1: &str = include_str!("identity/p256_sec1.pem");
    const P256_PKCS8: &str = include_str!("identity/p256_pkcs8.pem");

    fn principal_of(pem: &str) -> Principal {
        principal(parse(pem.as_bytes()).expect("understood").as_ref()).expect("named")
    }

    #[test]
    fn should_load_what_it_created_and_never_replace_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("me.pem");
        let created = create(&path).expect("created");
        assert_eq!(principal(load(&path).expect("loaded").as_ref()).expect("named"), created);
        let before = std::fs::read(&path).expect("read");
        assert!(create(&path).expect_err("exists").hint.expect("has one").contains("never replaced"));
        assert_eq!(std::fs::read(&path).expect("read"), before);
    }

    #[cfg(unix)]
    #[test]
    fn should_let_only_its_owner_read_a_new_identity() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("me.pem");
        create(&path).expect("created");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn should_read_both_forms_of_each_curve_as_the_same_principal() {
        assert_eq!(principal_of(SECP256K1_SEC1), principal_of(SECP256K1_PKCS8));
        assert_eq!(principal_of(P256_SEC1), principal_of(P256_PKCS8));
        assert_ne!(principal_of(P256_SEC1), principal_of(SECP256K1_SEC1));
    }

    #[test]
    fn should_say_what_is_allowed_when_a_file_holds_no_key() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("me.pem");
        std::fs::write(&path, "hello").expect("written");
        let failure = load(&path).map(|_| ()).expect_err("no key");
        assert!(failure.hint.expect("has one").contains("Ed25519"));
    }
}
