//! A private key in plain memory, and files of `age` opened with it as a whole.

use content_keys::{
    Dh, DhError, PublicKey, SharedSecret,
    envelopes::{
        Malformed, OpenError,
        age::{Header, Layout, Payload},
    },
};
use curve25519_dalek::MontgomeryPoint;
use zeroize::Zeroizing;

pub enum LocalKey {
    P256(p256::SecretKey),
    X25519([u8; 32]),
}

impl LocalKey {
    pub fn p256(scalar: &[u8]) -> Self {
        Self::P256(p256::SecretKey::from_slice(scalar).expect("a scalar"))
    }

    pub fn x25519(scalar: &[u8]) -> Self {
        Self::X25519(scalar.try_into().expect("32 bytes"))
    }
}

impl Dh for LocalKey {
    fn public_key(&self) -> PublicKey {
        match self {
            Self::P256(key) => PublicKey::P256(key.public_key()),
            Self::X25519(scalar) => PublicKey::X25519(MontgomeryPoint::mul_base_clamped(*scalar)),
        }
    }

    fn dh(&self, ephemeral: &PublicKey) -> Result<SharedSecret, DhError> {
        let bytes: [u8; 32] = match (self, ephemeral) {
            (Self::P256(key), PublicKey::P256(peer)) => {
                key.diffie_hellman(peer).raw_secret_bytes().as_slice().try_into().expect("32 bytes")
            }
            (Self::X25519(scalar), PublicKey::X25519(peer)) => peer.mul_clamped(*scalar).to_bytes(),
            _ => return Err(DhError::OtherCurve),
        };
        Ok(SharedSecret::new(Zeroizing::new(bytes)))
    }
}

/// Where a file of `age` was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    Header(Malformed),
    FileKey(OpenError),
    Layout(Malformed),
    Payload(OpenError),
}

pub fn open_age(file: &[u8], key: &dyn Dh) -> Result<Vec<u8>, Refused> {
    let header = Header::parse(file).map_err(Refused::Header)?;
    let file_key = header.open(key).map_err(Refused::FileKey)?;
    let layout = Layout::new(&header, file.len() as u64).map_err(Refused::Layout)?;
    let slice = |range: std::ops::Range<u64>| &file[range.start as usize..range.end as usize];
    let last = slice(layout.chunk(layout.chunks() - 1));
    let payload = Payload::open(file_key, layout, slice(layout.nonce()), last).map_err(Refused::Payload)?;
    let mut content = Vec::new();
    for number in 0..layout.chunks() {
        let chunk = payload.chunk(number, slice(layout.chunk(number))).map_err(Refused::Payload)?;
        content.extend_from_slice(chunk.as_ref());
    }
    assert_eq!(content.len() as u64, layout.plaintext_bytes());
    Ok(content)
}
