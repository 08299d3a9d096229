//! A request that an owner signed: a JWS in compact form (RFC 7515) with the claims of a JWT (RFC 7519), in the header
//! `authorization: Bearer …`, that names everything which the request is.
//!
//! | claim | |
//! |---|---|
//! | `iss` | the owner |
//! | `aud` | this canister's id: the request is good nowhere else |
//! | `htm`, `htu` | method, and path with query as sent (RFC 9449's names): the request is good for nothing else |
//! | `body_sha256` | SHA-256 of the body in base64url: nobody changes it on its way |
//! | `jti` | 1 to 128 characters, chosen anew: the request is good once |
//! | `exp` | seconds since 1970, at most 300 from now |

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use candid::Principal;
use content_types::{CHUNK_BYTES, OwnerName};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Request;
use crate::public_key::SigningKey;

/// Longest life of a request, in seconds.
const MAX_LIFE_S: u64 = 300;
/// Longest nonce, in bytes.
const MAX_NONCE_BYTES: usize = 128;
/// Longest signed request, in bytes.
const MAX_TOKEN_BYTES: usize = 4_096;

/// Who asks, and what makes the request one of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    pub owner: OwnerName,
    pub nonce: String,
    pub expires_at_s: u64,
}

/// Why a request is not let in. Shows nothing that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    #[error("authorization: found none, or several; allowed: one header, Bearer and a compact JWS")]
    NoToken,
    #[error("authorization: not a compact JWS of at most 4096 bytes with a header and claims in JSON")]
    NotAToken,
    #[error("claim aud: names another canister")]
    OtherCanister,
    #[error("claims htm and htu: name another method or path than the request has")]
    OtherTarget,
    #[error("claim exp: is over, or more than 300 seconds from now; sign again")]
    NotInTime,
    #[error("claim jti: found none or more than 128 bytes")]
    NoNonce,
    #[error("body: more than the 1048576 bytes that one request carries")]
    BodyTooLarge,
    #[error("claim body_sha256: is not the digest of the body in base64url")]
    OtherBody,
    /// An unknown owner, another key, another algorithm than the key's, or a wrong signature.
    #[error("signature: not by the key that the owner in iss was registered with, by its algorithm")]
    NotSigned,
    #[error("claim jti: was used already; sign again")]
    Replayed,
    #[error("claim jti: too many requests within five minutes; wait for some to expire")]
    TooMany,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    htm: String,
    htu: String,
    body_sha256: String,
    jti: String,
    exp: u64,
}

/// Checks everything that a request says of itself, the signature last. Whether it was used before is not looked at.
///
/// # Errors
/// [`InvalidRequest`].
pub fn authenticate(
    request: &Request,
    canister: Principal,
    now_s: u64,
    public_key_der: impl Fn(&OwnerName) -> Option<Vec<u8>>,
) -> Result<SignedRequest, InvalidRequest> {
    let token = bearer_token(&request.headers)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(InvalidRequest::NotAToken)?;
    let (header, claims) = signed.split_once('.').ok_or(InvalidRequest::NotAToken)?;
    let header: Header = decode_json(header)?;
    let claims: Claims = decode_json(claims)?;
    check_claims(&claims, request, canister, now_s)?;

    let owner: OwnerName = claims.iss.parse().map_err(|_| InvalidRequest::NotSigned)?;
    let key = public_key_der(&owner).and_then(|der| SigningKey::from_der(&der));
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidRequest::NotAToken)?;
    let is_signed = key.is_some_and(|key| {
        header.alg == key.algorithm() && header.crit.is_none() && key.verifies(signed.as_bytes(), &signature)
    });
    if !is_signed {
        return Err(InvalidRequest::NotSigned);
    }
    Ok(SignedRequest { owner, nonce: claims.jti, expires_at_s: claims.exp })
}

fn check_claims(
    claims: &Claims,
    request: &Request,
    canister: Principal,
    now_s: u64,
) -> Result<(), InvalidRequest> {
    if claims.aud != canister.to_text() {
        return Err(InvalidRequest::OtherCanister);
    }
    if claims.htm != request.method || claims.htu != request.url {
        return Err(InvalidRequest::OtherTarget);
    }
    if claims.exp <= now_s || claims.exp > now_s.saturating_add(MAX_LIFE_S) {
        return Err(InvalidRequest::NotInTime);
    }
    if !(1..=MAX_NONCE_BYTES).contains(&claims.jti.len()) {
        return Err(InvalidRequest::NoNonce);
    }
    // Whoever asks has the body hashed before the signature is looked at.
    if request.body.len() as u64 > CHUNK_BYTES {
        return Err(InvalidRequest::BodyTooLarge);
    }
    if claims.body_sha256 != BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&request.body)) {
        return Err(InvalidRequest::OtherBody);
    }
    Ok(())
}

fn bearer_token(headers: &[(String, String)]) -> Result<&str, InvalidRequest> {
    let mut found = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let (Some((_, value)), None) = (found.next(), found.next()) else {
        return Err(InvalidRequest::NoToken);
    };
    let (scheme, token) = value.split_once(' ').ok_or(InvalidRequest::NoToken)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(InvalidRequest::NoToken);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(InvalidRequest::NotAToken);
    }
    Ok(token)
}

fn decode_json<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, InvalidRequest> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidRequest::NotAToken)?;
    serde_json::from_slice(&bytes).map_err(|_| InvalidRequest::NotAToken)
}
