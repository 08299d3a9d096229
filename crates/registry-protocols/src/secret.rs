//! The token type: it cannot be printed, cloned, compared or serialised, and wipes itself when dropped.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// Longest token accepted, in bytes. Bounds the authorization header below
/// [`crate::http::AUTHORIZATION_RESERVE_BYTES`] in either scheme.
pub const MAX_TOKEN_BYTES: usize = 720;

/// A registry token in the clear.
///
/// Its bytes are reachable only through [`SecretToken::expose`], and are wiped when it is dropped.
///
/// ```
/// let token = registry_protocols::secret::SecretToken::new(b"npm_x".to_vec()).unwrap();
/// assert_eq!(token.expose(), b"npm_x");
/// ```
/// It cannot be cloned:
/// ```compile_fail,E0599
/// let token = registry_protocols::secret::SecretToken::new(b"npm_x".to_vec()).unwrap();
/// let copy = token.clone();
/// ```
/// It cannot be displayed:
/// ```compile_fail,E0277
/// let token = registry_protocols::secret::SecretToken::new(b"npm_x".to_vec()).unwrap();
/// println!("{token}");
/// ```
/// It cannot be serialised:
/// ```compile_fail,E0277
/// let token = registry_protocols::secret::SecretToken::new(b"npm_x".to_vec()).unwrap();
/// serde_json::to_string(&token).unwrap();
/// ```
/// It cannot be encoded for, or kept by, a canister:
/// ```compile_fail,E0277
/// let token = registry_protocols::secret::SecretToken::new(b"npm_x".to_vec()).unwrap();
/// candid::encode_one(&token).unwrap();
/// ```
pub struct SecretToken {
    bytes: Zeroizing<Vec<u8>>,
}

/// Why some bytes cannot be a token. Never says what they were.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TokenError {
    /// Nothing was given.
    #[error("token: found nothing; give the token that the registry issued")]
    Empty,
    /// It would not fit the authorization header.
    #[error("token: found {found} bytes, at most {MAX_TOKEN_BYTES} are allowed; give the token alone")]
    TooLong {
        /// Bytes given.
        found: usize,
    },
    /// White space, control characters or non-ASCII: not a token, and unsafe in a header.
    #[error(
        "token: found a space, a control character or a character that is not ASCII; give the token alone, without quotes or line ends"
    )]
    NotPrintableAscii,
}

impl SecretToken {
    /// Takes the bytes over; they are wiped on error too.
    pub fn new(bytes: Vec<u8>) -> Result<Self, TokenError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.is_empty() {
            return Err(TokenError::Empty);
        }
        if bytes.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong { found: bytes.len() });
        }
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(TokenError::NotPrintableAscii);
        }
        Ok(Self { bytes })
    }

    /// The token's bytes: printable ASCII. Whoever copies them must wipe the copy.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken(withheld)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_not_show_the_token_when_debugged() {
        let token = SecretToken::new(b"npm_abcdefgh".to_vec()).expect("printable");
        assert_eq!(format!("{token:?}"), "SecretToken(withheld)");
    }

    #[test]
    fn should_refuse_bytes_that_could_break_out_of_a_header() {
        for bytes in [&b"a\r\nx: y"[..], b"a b", b"\x00", "\u{e9}".as_bytes()] {
            assert_eq!(
                SecretToken::new(bytes.to_vec()).expect_err("not a token"),
                TokenError::NotPrintableAscii
            );
        }
    }

    #[test]
    fn should_refuse_an_empty_or_endless_token() {
        assert_eq!(SecretToken::new(Vec::new()).expect_err("empty"), TokenError::Empty);
        assert_eq!(
            SecretToken::new(vec![b'a'; MAX_TOKEN_BYTES + 1]).expect_err("long"),
            TokenError::TooLong { found: MAX_TOKEN_BYTES + 1 }
        );
    }
}
