//! Judges PyPI tokens as the index does: it made them with a secret of its own, computes every signature in the chain
//! anew, and holds each caveat against the request.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

/// An index that knows the secret of its tokens.
#[derive(Clone, Copy, Debug)]
pub struct MacaroonJudge {
    pub root_key: [u8; 32],
    /// The index's clock, in seconds since 1970.
    pub now_s: u64,
}

impl MacaroonJudge {
    /// Whether the token allows an upload to a project.
    ///
    /// # Errors
    /// The reason, in the index's words.
    pub fn judge(&self, token: &str, project: &str) -> Result<(), &'static str> {
        let garbled = "Invalid or non-existent authentication information.";
        let bytes = token.strip_prefix("pypi-").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let macaroon = bytes.as_deref().and_then(Macaroon::parse).ok_or(garbled)?;
        let key = keyed(b"macaroons-key-generator", &self.root_key);
        let signed = macaroon
            .caveats
            .iter()
            .fold(keyed(&key, macaroon.identifier), |signature, caveat| keyed(&signature, caveat));
        if signed != *macaroon.signature {
            return Err("Invalid API Token: signatures do not match");
        }
        macaroon.caveats.iter().try_for_each(|caveat| self.check(caveat, project))
    }

    fn check(&self, caveat: &[u8], project: &str) -> Result<(), &'static str> {
        let Ok(Value::Array(caveat)) = serde_json::from_slice(caveat) else {
            return Err("Invalid API Token: caveat cannot be read");
        };
        match caveat.as_slice() {
            [tag, expires, not_before] if *tag == 0 => {
                let period = not_before.as_u64().zip(expires.as_u64());
                let holds = period.is_some_and(|(from_s, until_s)| (from_s..until_s).contains(&self.now_s));
                holds.then_some(()).ok_or("Invalid API Token: token is expired")
            }
            [tag, Value::Array(projects)] if *tag == 1 => {
                let holds = projects.iter().any(|allowed| allowed == project);
                holds.then_some(()).ok_or("Invalid API Token: project-scoped token is not valid for project")
            }
            [tag, Value::String(_)] if *tag == 3 => Ok(()),
            _ => Err("Invalid API Token: caveat has unknown tag"),
        }
    }
}

fn keyed(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The parts of a version 2 macaroon.
struct Macaroon<'a> {
    identifier: &'a [u8],
    caveats: Vec<&'a [u8]>,
    signature: &'a [u8],
}

impl<'a> Macaroon<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&[2])?;
        field(&mut rest, 1)?;
        let identifier = field(&mut rest, 2)?;
        rest = rest.strip_prefix(&[0])?;
        let mut caveats = Vec::new();
        while rest.first() == Some(&2) {
            caveats.push(field(&mut rest, 2)?);
            rest = rest.strip_prefix(&[0])?;
        }
        rest = rest.strip_prefix(&[0])?;
        let signature = field(&mut rest, 6)?;
        rest.is_empty().then_some(Self { identifier, caveats, signature })
    }
}

/// Cuts a field of that type off.
fn field<'a>(rest: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let after_kind = rest.strip_prefix(&[kind])?;
    let (first, second) = (*after_kind.first()?, after_kind.get(1).copied());
    let (length, after_length) = if first < 0x80 {
        (usize::from(first), &after_kind[1..])
    } else {
        (usize::from(first & 0x7f) | usize::from(second?) << 7, after_kind.get(2..)?)
    };
    let (content, behind) = after_length.split_at_checked(length)?;
    *rest = behind;
    Some(content)
}
