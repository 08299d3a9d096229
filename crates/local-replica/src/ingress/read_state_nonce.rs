//! The nonce of a `read_state` request, which is part of its id but which the agents' own types lack.

use ic_transport_types::{EnvelopeContent, RequestId, to_request_id};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

use crate::message::Principal;

/// The nonce, if there is one.
#[derive(Debug, Default)]
pub(super) struct ReadStateNonce(Option<ByteBuf>);

#[derive(Deserialize)]
struct EnvelopeNonce {
    content: ContentNonce,
}

#[derive(Deserialize)]
struct ContentNonce {
    nonce: Option<ByteBuf>,
}

/// The content as it is hashed.
#[derive(Serialize)]
struct ReadStateContent<'a> {
    request_type: &'static str,
    nonce: &'a ByteBuf,
    ingress_expiry: u64,
    sender: &'a Principal,
    paths: Vec<Vec<&'a Bytes>>,
}

impl ReadStateNonce {
    /// The nonce in the body of a request.
    ///
    /// # Errors
    /// When it is no byte string.
    pub(super) fn of_body(body: &[u8]) -> Result<Self, serde_cbor::Error> {
        serde_cbor::from_slice(body).map(|envelope: EnvelopeNonce| Self(envelope.content.nonce))
    }

    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_ref().map(|nonce| nonce.as_slice())
    }

    /// The id of the request with this nonce.
    pub(super) fn request_id(&self, content: &EnvelopeContent) -> RequestId {
        match (&self.0, content) {
            (Some(nonce), EnvelopeContent::ReadState { ingress_expiry, sender, paths }) => {
                let content = ReadStateContent {
                    request_type: "read_state",
                    nonce,
                    ingress_expiry: *ingress_expiry,
                    sender,
                    paths: paths
                        .iter()
                        .map(|path| path.iter().map(|label| Bytes::new(label.as_bytes())).collect())
                        .collect(),
                };
                to_request_id(&content).expect("numbers, strings and bytes can all be hashed")
            }
            _ => content.to_request_id(),
        }
    }
}
