//! The vectors of RFC 9180, in both directions.

use curve25519_dalek::MontgomeryPoint;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::*;

#[derive(Deserialize)]
struct Vector {
    kem_id: u16,
    kdf_id: u16,
    aead_id: u16,
    info: String,
    #[serde(rename = "skRm")]
    recipient_secret: String,
    #[serde(rename = "skEm")]
    ephemeral_secret: String,
    enc: String,
    encryptions: Vec<Encryption>,
}

#[derive(Deserialize)]
struct Encryption {
    aad: String,
    ct: String,
    nonce: String,
    pt: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).expect("hex")
}

fn key(curve: Curve, secret: &str) -> EphemeralKey {
    match curve {
        Curve::P256 => EphemeralKey::P256(p256::SecretKey::from_slice(&bytes(secret)).expect("a scalar")),
        Curve::X25519 => EphemeralKey::X25519(Zeroizing::new(bytes(secret).try_into().expect("32 bytes"))),
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../tests/vectors/hpke/base-p256-x25519.json")).expect("vectors")
}

fn suite(vector: &Vector) -> (Curve, Suite) {
    let curve = if vector.kem_id == 0x10 { Curve::P256 } else { Curve::X25519 };
    let kdf = if vector.kdf_id == 1 { Kdf::HkdfSha256 } else { Kdf::HkdfSha512 };
    let aead = [Aead::Aes128Gcm, Aead::Aes256Gcm, Aead::ChaCha20Poly1305][usize::from(vector.aead_id) - 1];
    (curve, Suite { kdf, aead })
}

#[test]
fn should_open_and_write_every_message_of_the_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 12, "two KEMs, two KDFs, three AEADs");
    for vector in &vectors {
        let (curve, suite) = suite(vector);
        let recipient = key(curve, &vector.recipient_secret);
        let (encapsulated, mut written) = send_with(
            suite,
            &recipient.public_key(),
            &bytes(&vector.info),
            &key(curve, &vector.ephemeral_secret),
        );
        assert_eq!(encapsulated.as_bytes(), bytes(&vector.enc));
        let received = EncapsulatedKey::parse(curve, &bytes(&vector.enc)).expect("enc");
        let mut read = receive(suite, &received, &recipient, &bytes(&vector.info)).expect("a key");
        for message in &vector.encryptions {
            assert_eq!(read.nonce().to_vec(), bytes(&message.nonce));
            let opened = read.open(&bytes(&message.aad), &bytes(&message.ct)).expect("opens");
            assert_eq!(opened.as_ref(), bytes(&message.pt));
            assert_eq!(written.seal(&bytes(&message.aad), &bytes(&message.pt)), bytes(&message.ct));
        }
    }
}

#[test]
fn should_refuse_another_info_and_messages_out_of_order() {
    let vector = &vectors()[0];
    let (curve, suite) = suite(vector);
    let recipient = key(curve, &vector.recipient_secret);
    let encapsulated = EncapsulatedKey::parse(curve, &bytes(&vector.enc)).expect("enc");
    let open = |info: &[u8], index: usize| {
        let message = &vector.encryptions[index];
        let mut messages = receive(suite, &encapsulated, &recipient, info).expect("a key");
        messages.open(&bytes(&message.aad), &bytes(&message.ct)).map(drop)
    };
    assert_eq!(open(&bytes(&vector.info), 0), Ok(()));
    assert_eq!(open(b"another", 0), Err(OpenError::CannotOpen));
    assert_eq!(open(&bytes(&vector.info), 1), Err(OpenError::CannotOpen));
}

#[test]
fn should_refuse_shares_in_other_encodings() {
    let point = key(Curve::P256, &"01".repeat(32)).public_key();
    let PublicKey::P256(public) = &point else { panic!("P-256") };
    let compressed = p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(public, true);
    assert_eq!(
        EncapsulatedKey::parse(Curve::P256, compressed.as_bytes()).expect_err("compressed").field,
        "enc"
    );
    let mut hybrid = point.to_bytes();
    hybrid[0] = 6 + (hybrid[64] & 1);
    EncapsulatedKey::parse(Curve::P256, &hybrid).expect_err("hybrid");
    EncapsulatedKey::parse(Curve::X25519, &MontgomeryPoint([0; 32]).to_bytes()).expect_err("of small order");
    EncapsulatedKey::parse(Curve::X25519, &[9; 33]).expect_err("too long");
}
