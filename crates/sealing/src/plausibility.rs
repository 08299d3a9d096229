//! Is this a token at all? Catches pasted passwords, headers and tokens of the other ecosystem before they
//! are sealed. Only the registry knows whether a token works.

use registry_protocols::{
    macaroon::{self, MacaroonError},
    secret::SecretToken,
};
use release_types::{CredentialMode, Ecosystem};
use thiserror::Error;

/// Length of npm's own tokens, in bytes: `npm_` and 36 letters and digits.
const NPM_TOKEN_BYTES: usize = 40;
/// Shortest token of another registry, in bytes: 128 bits in base64.
const MIN_OPAQUE_TOKEN_BYTES: usize = 22;

/// Why something is no token for the ecosystem. Never shows it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ImplausibleToken {
    /// A PyPI token for npm, or the reverse.
    #[error("token: is for {found}, but the credential is for {expected}; give a token of that registry")]
    OtherEcosystem {
        /// Whose token it looks like.
        found: Ecosystem,
        /// Whose was expected.
        expected: Ecosystem,
    },
    /// `npm_` and something.
    #[error(
        "token: starts with `npm_` but is not 36 letters and digits long after it (found {found_bytes} bytes in all, expected 40); copy the whole token again"
    )]
    DamagedNpmToken {
        /// Length found.
        found_bytes: usize,
    },
    /// Too short to be unguessable.
    #[error(
        "token: found {found_bytes} bytes, too few for a token (at least 22); a password will not do, create an access token at the registry"
    )]
    TooShort {
        /// Length found.
        found_bytes: usize,
    },
    /// Characters that bearer tokens never have.
    #[error(
        "token: contains a character that no bearer token has; give the token alone, without `Bearer` or the configuration line around it"
    )]
    NotABearerToken,
    /// Not a macaroon.
    #[error(transparent)]
    Macaroon(#[from] MacaroonError),
}

/// Checks the token's form.
///
/// npm's own tokens are `npm_` and 36 letters and digits. Other npm registries issue what they like, such as
/// signed JSON, so that for these only length and alphabet (RFC 6750) are checked. PyPI tokens that upload are macaroons,
/// whatever the index, because they must be narrowed; one that only reads a private index is whatever that issues.
pub fn check_token(
    ecosystem: Ecosystem,
    mode: CredentialMode,
    token: &SecretToken,
) -> Result<(), ImplausibleToken> {
    let bytes = token.expose();
    match ecosystem {
        Ecosystem::Npm => check_npm_token(bytes),
        Ecosystem::Pypi if bytes.starts_with(b"npm_") => {
            Err(ImplausibleToken::OtherEcosystem { found: Ecosystem::Npm, expected: Ecosystem::Pypi })
        }
        Ecosystem::Pypi if mode == CredentialMode::Read && !bytes.starts_with(b"pypi-") => {
            check_opaque_token(bytes)
        }
        Ecosystem::Pypi => Ok(macaroon::restrictions(token).map(drop)?),
    }
}

fn check_npm_token(token: &[u8]) -> Result<(), ImplausibleToken> {
    if token.starts_with(b"pypi-") {
        return Err(ImplausibleToken::OtherEcosystem { found: Ecosystem::Pypi, expected: Ecosystem::Npm });
    }
    if let Some(random) = token.strip_prefix(b"npm_") {
        if token.len() != NPM_TOKEN_BYTES || !random.iter().all(u8::is_ascii_alphanumeric) {
            return Err(ImplausibleToken::DamagedNpmToken { found_bytes: token.len() });
        }
        return Ok(());
    }
    check_opaque_token(token)
}

fn check_opaque_token(token: &[u8]) -> Result<(), ImplausibleToken> {
    if token.len() < MIN_OPAQUE_TOKEN_BYTES {
        return Err(ImplausibleToken::TooShort { found_bytes: token.len() });
    }
    let unpadded = token.split(|byte| *byte == b'=').next().unwrap_or_default();
    let is_padded_well = token[unpadded.len()..].iter().all(|byte| *byte == b'=');
    let is_token_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    if !is_padded_well || !unpadded.iter().all(is_token_byte) {
        return Err(ImplausibleToken::NotABearerToken);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACAROON: &str = "pypi-AgEMcHlwaS5leGFtcGxlAiQxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUAAipbMywiYWFhYWFhYWEtYmJiYi00Y2NjLThkZGQtZWVlZWVlZWVlZWVlIl0AAAYgGRsdSW29cw97Nvc_GI5tBxilJD7R7-zINvC-8AKOWkI";

    fn check(ecosystem: Ecosystem, token: &str) -> Result<(), ImplausibleToken> {
        check_mode(ecosystem, CredentialMode::Direct, token)
    }

    fn check_mode(ecosystem: Ecosystem, mode: CredentialMode, token: &str) -> Result<(), ImplausibleToken> {
        check_token(ecosystem, mode, &SecretToken::new(token.as_bytes().to_vec()).expect("printable"))
    }

    #[test]
    fn should_take_what_a_private_index_issues_only_to_read_with() {
        let read = |token| check_mode(Ecosystem::Pypi, CredentialMode::Read, token);
        let token = "glpat-0123456789abcdefghij";
        assert_eq!(read(token), Ok(()));
        assert_eq!(read(MACAROON), Ok(()));
        assert_eq!(check(Ecosystem::Pypi, token), Err(MacaroonError::NoPrefix.into()));
        assert_eq!(read("hunter2hunter2"), Err(ImplausibleToken::TooShort { found_bytes: 14 }));
        assert_eq!(read(&MACAROON[..101]), Err(MacaroonError::Malformed.into()));
        assert!(matches!(
            read(&format!("npm_{}", "a".repeat(36))),
            Err(ImplausibleToken::OtherEcosystem { .. })
        ));
    }

    #[test]
    fn should_accept_what_registries_issue() {
        assert_eq!(check(Ecosystem::Npm, &format!("npm_{}", "aZ09".repeat(9))), Ok(()));
        assert_eq!(check(Ecosystem::Npm, "eyJhbGciOiJIUzI1NiJ9.eyJuYW1lIjoiZGFvIn0.c2lnbmF0dXJl-_"), Ok(()));
        assert_eq!(check(Ecosystem::Npm, "c2VjcmV0IHNlY3JldCBzZWNyZXQ="), Ok(()));
        assert_eq!(check(Ecosystem::Pypi, MACAROON), Ok(()));
    }

    #[test]
    fn should_refuse_a_token_that_is_none_without_showing_it() {
        let npm = |token| check(Ecosystem::Npm, token).expect_err("none");
        let pypi = |token| check(Ecosystem::Pypi, token).expect_err("none");
        let cases = [
            (npm("npm_abc"), ImplausibleToken::DamagedNpmToken { found_bytes: 7 }),
            (
                npm("npm_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
                ImplausibleToken::DamagedNpmToken { found_bytes: 40 },
            ),
            (npm("correct-horse"), ImplausibleToken::TooShort { found_bytes: 13 }),
            (npm("//npm.registry.example/:_authToken=secret"), ImplausibleToken::NotABearerToken),
            (npm("aaaaaaaaaaaaaaaaaaaaaaaaa=b"), ImplausibleToken::NotABearerToken),
            (
                npm(MACAROON),
                ImplausibleToken::OtherEcosystem { found: Ecosystem::Pypi, expected: Ecosystem::Npm },
            ),
            (
                pypi("npm_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                ImplausibleToken::OtherEcosystem { found: Ecosystem::Npm, expected: Ecosystem::Pypi },
            ),
            (pypi("hunter2hunter2"), MacaroonError::NoPrefix.into()),
            (pypi(&MACAROON[..101]), MacaroonError::Malformed.into()),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
            let text = format!("{found} {found:?}");
            for shown in ["aaaaa", "AgEM", "horse", "hunter", "secret"] {
                assert!(!text.contains(shown), "{text}");
            }
        }
    }
}
