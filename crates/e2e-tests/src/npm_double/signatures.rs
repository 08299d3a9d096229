//! The registry's signatures over what it shows, and the list of the keys that it makes them with.

use base64::{Engine, engine::general_purpose::STANDARD};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    pkcs8::EncodePublicKey,
};
use serde_json::{Value, json};

/// Where the keys are listed.
pub(super) const KEYS_PATH: &str = "-/npm/v1/keys";

/// Signs version documents with a P-256 key, as npm does: the same document always in the same way.
#[derive(Clone)]
pub struct DocumentSigner {
    key: SigningKey,
    key_id: String,
}

impl DocumentSigner {
    /// A key that follows from a byte, which is not 0.
    pub fn new(secret: u8) -> Self {
        let key = SigningKey::from_slice(&[secret; 32]).expect("a number below the curve's order");
        let key_id = format!("SHA256:{}", STANDARD.encode([secret; 32]).trim_end_matches('='));
        Self { key, key_id }
    }

    /// The list of its one key.
    pub fn keys(&self) -> Value {
        let der = self.key.verifying_key().to_public_key_der().expect("a public key has an encoding");
        json!({"keys": [{
            "expires": null, "keyid": self.key_id, "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256", "key": STANDARD.encode(der),
        }]})
    }

    /// The document with its signature over `name@version:integrity`.
    pub fn signed(&self, mut document: Value) -> Value {
        let field = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let [name, version] = ["name", "version"].map(|name| field(&document[name]));
        let message = format!("{name}@{version}:{}", field(&document["dist"]["integrity"]));
        let signature: Signature = self.key.sign(message.as_bytes());
        document["dist"]["signatures"] =
            json!([{"keyid": self.key_id, "sig": STANDARD.encode(signature.to_der())}]);
        document
    }
}
