//! Public keys as each tool reads and writes them: JWK, COSE_Key, age recipient.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use ciborium::Value;
use coset::{
    AsCborValue, CborSerializable, CoseKey, CoseKeyBuilder, KeyType, Label,
    iana::{Ec2KeyParameter, EllipticCurve, KeyType as KnownKeyType, OkpKeyParameter},
};
use p256::elliptic_curve::sec1::ToSec1Point;
use serde::{Deserialize, Serialize};

use super::Malformed;
use crate::PublicKey;

/// Bytes of a coordinate on either curve.
const COORDINATE_BYTES: usize = 32;
const COORDINATE: &str = "32 bytes in base64url without padding";
const AGE_X25519: Hrp = Hrp::parse_unchecked("age");
/// A P-256 key as age names those on hardware: C2SP's tagged recipients.
const AGE_P256: Hrp = Hrp::parse_unchecked("age1tag");
/// What private keys begin with: they are not shown again.
const AGE_IDENTITY: &str = "age-secret-key-";
/// Private keys are refused by this label; EC2 and OKP share it.
const COSE_PRIVATE: i64 = Ec2KeyParameter::D as i64;

/// A JSON Web Key, RFC 7517, as far as ECDH needs it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Jwk {
    kty: String,
    crv: String,
    x: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(default, skip_serializing)]
    d: Presence,
}

/// Whether a member is there, whatever its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Presence {
    #[default]
    Absent,
    Present,
}

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self::Present)
    }
}

impl Jwk {
    pub(super) fn of(key: &PublicKey) -> Self {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let bytes = key.to_bytes();
        let (kty, crv, x, y) = match key {
            PublicKey::P256(_) => {
                let (x, y) = bytes[1..].split_at(COORDINATE_BYTES);
                ("EC", "P-256", encode(x), Some(encode(y)))
            }
            PublicKey::X25519(_) => ("OKP", "X25519", encode(&bytes), None),
        };
        Self { kty: kty.to_owned(), crv: crv.to_owned(), x, y, d: Presence::Absent }
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, Malformed> {
        if self.d == Presence::Present {
            return Err(Malformed::new("key.d", "a private key", "public keys only: replace this key"));
        }
        let coordinate = |field, text: &str| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
            let bytes: Option<[u8; COORDINATE_BYTES]> = bytes.try_into().ok();
            bytes.ok_or_else(|| Malformed::new(field, text, COORDINATE))
        };
        match (self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("EC", "P-256", Some(y)) => p256_key(&coordinate("key.x", &self.x)?, &coordinate("key.y", y)?),
            ("OKP", "X25519", None) => x25519_key(&coordinate("key.x", &self.x)?),
            (kty, crv, _) => Err(Malformed::new(
                "key.kty and key.crv",
                format!("{kty} and {crv}"),
                "EC and P-256 with x and y, or OKP and X25519 with x alone",
            )),
        }
    }
}

fn p256_key(x: &[u8; COORDINATE_BYTES], y: &[u8; COORDINATE_BYTES]) -> Result<PublicKey, Malformed> {
    PublicKey::p256(&[&[4], &x[..], &y[..]].concat()).map_err(|error| Malformed::public_key("key", error))
}

fn x25519_key(u: &[u8]) -> Result<PublicKey, Malformed> {
    PublicKey::x25519(u).map_err(|error| Malformed::public_key("key", error))
}

impl PublicKey {
    /// A JSON Web Key with the members `kty`, `crv`, `x` and, on P-256, `y`.
    pub fn to_jwk(&self) -> String {
        serde_json::to_string(&Jwk::of(self)).expect("strings serialize")
    }

    /// Reads a JSON Web Key. Other members (`kid`, `use`, `alg`) are not looked at.
    ///
    /// # Errors
    /// [`Malformed`] for another curve, a point not on it, and a private key.
    pub fn from_jwk(json: &str) -> Result<Self, Malformed> {
        // What is no key may still hold a private one: it is not shown.
        let jwk: Jwk = serde_json::from_str(json).map_err(|_| {
            Malformed::new("key", "other text", "a JSON Web Key with kty, crv, x and, on P-256, y")
        })?;
        jwk.public_key()
    }

    /// What `age -r` takes: `age1…` for X25519; `age1tag1…` for P-256, of age 1.3 and later.
    pub fn to_age_recipient(&self) -> String {
        let (hrp, bytes) = match self {
            Self::P256(key) => (AGE_P256, key.to_sec1_point(true).as_bytes().to_vec()),
            Self::X25519(_) => (AGE_X25519, self.to_bytes()),
        };
        bech32::encode::<Bech32>(hrp, &bytes).expect("33 bytes are shorter than Bech32's limit")
    }

    /// Reads an age recipient.
    ///
    /// # Errors
    /// [`Malformed`] for other kinds of recipient, a wrong checksum, and a point not on its curve.
    pub fn from_age_recipient(text: &str) -> Result<Self, Malformed> {
        let allowed = "an age recipient: age1..., or age1tag1... for P-256, in small letters";
        let is_private =
            text.get(..AGE_IDENTITY.len()).is_some_and(|start| start.eq_ignore_ascii_case(AGE_IDENTITY));
        let malformed =
            || Malformed::new("recipient", if is_private { "a private key" } else { text }, allowed);
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(malformed());
        }
        let parsed = CheckedHrpstring::new::<Bech32>(text).map_err(|_| malformed())?;
        let bytes: Vec<u8> = parsed.byte_iter().collect();
        let key = if parsed.hrp() == AGE_X25519 {
            Self::x25519(&bytes)
        } else if parsed.hrp() == AGE_P256 && bytes.len() == 33 {
            Self::p256(&bytes)
        } else {
            return Err(malformed());
        };
        key.map_err(|error| Malformed::public_key("recipient", error))
    }

    /// A COSE_Key in CBOR, RFC 9053.
    pub fn to_cose_key(&self) -> Vec<u8> {
        self.cose_key().to_vec().expect("integers and byte strings serialize")
    }

    /// Reads a COSE_Key, with y in full or as its sign.
    ///
    /// # Errors
    /// [`Malformed`] for another curve, a point not on it, and a private key.
    pub fn from_cose_key(cbor: &[u8]) -> Result<Self, Malformed> {
        let value = ciborium::from_reader(cbor).map_err(|_| not_a_cose_key("other bytes"))?;
        Self::from_cose_value(value)
    }

    pub(super) fn from_cose_value(value: Value) -> Result<Self, Malformed> {
        let key = CoseKey::from_cbor_value(value).map_err(|_| not_a_cose_key("another structure"))?;
        let parameter = |label: i64| {
            key.params.iter().find(|(found, _)| *found == Label::Int(label)).map(|(_, value)| value)
        };
        if parameter(COSE_PRIVATE).is_some() {
            return Err(Malformed::new(
                "key label -4",
                "a private key",
                "public keys only: replace this key",
            ));
        }
        let curve = parameter(Ec2KeyParameter::Crv as i64).and_then(Value::as_integer);
        let is_curve = |expected: EllipticCurve| curve == Some((expected as u64).into());
        let x = parameter(Ec2KeyParameter::X as i64).and_then(Value::as_bytes);
        let x: &[u8; COORDINATE_BYTES] =
            x.and_then(|x| x.as_slice().try_into().ok()).ok_or_else(|| not_a_cose_key("no x of 32 bytes"))?;
        let y = parameter(Ec2KeyParameter::Y as i64);
        match (&key.kty, y) {
            (KeyType::Assigned(KnownKeyType::EC2), Some(y)) if is_curve(EllipticCurve::P_256) => {
                p256_from_cose(x, y)
            }
            (KeyType::Assigned(KnownKeyType::OKP), None) if is_curve(EllipticCurve::X25519) => x25519_key(x),
            _ => Err(not_a_cose_key("another key type or curve")),
        }
    }

    fn cose_key(&self) -> CoseKey {
        let bytes = self.to_bytes();
        match self {
            Self::P256(_) => {
                let (x, y) = bytes[1..].split_at(COORDINATE_BYTES);
                CoseKeyBuilder::new_ec2_pub_key(EllipticCurve::P_256, x.to_vec(), y.to_vec()).build()
            }
            Self::X25519(_) => CoseKeyBuilder::new_okp_key()
                .param(OkpKeyParameter::Crv as i64, Value::from(EllipticCurve::X25519 as u64))
                .param(OkpKeyParameter::X as i64, Value::Bytes(bytes))
                .build(),
        }
    }
}

fn p256_from_cose(x: &[u8; COORDINATE_BYTES], y: &Value) -> Result<PublicKey, Malformed> {
    match y {
        Value::Bytes(y) => {
            let y = y.as_slice().try_into().map_err(|_| not_a_cose_key("a y of another length"))?;
            p256_key(x, y)
        }
        Value::Bool(odd) => PublicKey::p256(&[&[2 + u8::from(*odd)], &x[..]].concat())
            .map_err(|error| Malformed::public_key("key", error)),
        _ => Err(not_a_cose_key("a y that is neither bytes nor a sign")),
    }
}

fn not_a_cose_key(found: &str) -> Malformed {
    let allowed =
        "a COSE_Key: {1: 2, -1: 1, -2: x, -3: y or its sign} for P-256, {1: 1, -1: 4, -2: x} for X25519";
    Malformed::new("key", found, allowed)
}
