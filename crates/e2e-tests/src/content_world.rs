//! A content canister with an administrator and owners, spoken to by calls and by signed requests.

use std::{cell::Cell, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use candid::{CandidType, Decode, Encode, Principal, utils::ArgumentEncoder};
use content_keys::{
    Dh, PublicKey, VaultKey,
    envelopes::{
        Parties, SealingSeed, age,
        jwe::{self, Jwe},
    },
    threshold::X25519,
};
use content_types::{
    AnswerFormat, BeginUploadArgs, CHUNK_BYTES, ContentError, ContentInit, CurveName, Format, ItemId,
    ItemView, OwnerName, OwnerView, Part, RegisterOwnerArgs, Retrieval, Retrieved,
};
use ic_ed25519::PrivateKey;
use local_replica::{Clock, QueryMessage, Reject, Replica, ReplicaConfig};
use serde::{Deserialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use serde_json::json;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    canister_wasm::{canister_wasm, module_cache},
    people::{controller, person},
};

/// Who registers owners.
pub fn administrator() -> Principal {
    person(40)
}

/// An owner with its keys: one to sign with, one to read answers with.
pub struct Owner {
    pub name: OwnerName,
    pub key: PrivateKey,
    pub reader: VaultKey<X25519>,
}

impl Owner {
    /// Keys are made of the name, so that runs are alike.
    pub fn new(name: &str) -> Self {
        let seed: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let mut uniform = Zeroizing::new([0; 48]);
        uniform[..32].copy_from_slice(&seed);
        Self {
            name: name.parse().expect("a name"),
            key: PrivateKey::deserialize_raw_32(&seed),
            reader: VaultKey::from_uniform(&uniform).expect("not zero"),
        }
    }

    pub fn public_key_der(&self) -> Vec<u8> {
        self.key.public_key().serialize_rfc8410_der()
    }

    pub fn principal(&self) -> Principal {
        Principal::self_authenticating(self.public_key_der())
    }

    pub fn registration(&self) -> RegisterOwnerArgs {
        RegisterOwnerArgs {
            owner: self.name.clone(),
            public_key_der: ByteBuf::from(self.public_key_der()),
            quota_bytes: 300_000_000,
            openings_per_day: 50,
        }
    }

    /// Asks for a part, to be answered as JWE.
    pub fn retrieval(&self, part: Option<Part>) -> Retrieval {
        Retrieval { part, reader: self.reader.public_key().to_jwk(), answer: AnswerFormat::Jwe }
    }

    /// What an answer to [`Self::retrieval`] holds.
    pub fn open(&self, answer: &[u8]) -> Vec<u8> {
        let answer = Jwe::parse(answer).expect("a JWE");
        answer.open(&self.reader, &Parties::default()).expect("for this reader").as_ref().to_vec()
    }
}

/// A request as a gateway hands it on.
#[derive(Clone, Debug, CandidType)]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: ByteBuf,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct HttpResponse {
    pub status_code: u16,
    pub headers: Vec<(String, String)>,
    pub body: ByteBuf,
    pub upgrade: Option<bool>,
}

impl HttpResponse {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The claims of a signed request; tests change them.
pub fn claims(world: &ContentWorld, owner: &Owner, request: &HttpRequest) -> serde_json::Value {
    json!({
        "iss": owner.name, "aud": world.content.to_text(), "htm": request.method, "htu": request.url,
        "body_sha256": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&request.body)),
        "jti": world.next_nonce(), "exp": world.replica.time_ns() / 1_000_000_000 + 120,
    })
}

/// The request with these claims, signed by the owner.
pub fn signed(owner: &Owner, request: &HttpRequest, claims: &serde_json::Value) -> HttpRequest {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let token = format!("{}.{}", encode(br#"{"alg":"EdDSA"}"#), encode(claims.to_string().as_bytes()));
    let signature = encode(&owner.key.sign_message(token.as_bytes()));
    let mut request = request.clone();
    request.headers.push(("authorization".into(), format!("Bearer {token}.{signature}")));
    request
}

/// The world of a test.
pub struct ContentWorld {
    pub replica: Replica,
    pub content: Principal,
    nonces: Cell<u64>,
}

impl ContentWorld {
    /// A canister without owners.
    pub fn new() -> Self {
        Self::administered(administrator(), Clock::Manual)
    }

    /// As [`Self::new`], with somebody else as administrator, and with the clock that gateways need if it is the wall's.
    pub fn administered(administrator: Principal, clock: Clock) -> Self {
        let config =
            ReplicaConfig::default().with_seed(1).with_clock(clock).with_module_cache(module_cache());
        let mut replica = Replica::new(config).expect("a replica");
        let content = replica.create_canister(vec![controller()]);
        let init = ContentInit { administrators: vec![administrator], key_name: "key_1".into() };
        let init = Encode!(&init).expect("encodes");
        replica
            .install(content, &canister_wasm("content_canister"), init)
            .expect("the content canister installs");
        Self { replica, content, nonces: Cell::new(0) }
    }

    /// A canister and these owners.
    pub fn with_owners<const N: usize>(names: [&str; N]) -> (Self, [Owner; N]) {
        let mut world = Self::new();
        let owners = names.map(Owner::new);
        for owner in &owners {
            world.register(owner);
        }
        (world, owners)
    }

    pub fn register(&mut self, owner: &Owner) -> OwnerView {
        let registered: Result<OwnerView, ContentError> =
            self.update(administrator(), "register_owner", (owner.registration(),)).expect("answers");
        registered.expect("a new owner")
    }

    /// An update call.
    pub fn update<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &mut self,
        caller: Principal,
        method: &str,
        args: A,
    ) -> Result<R, Reject> {
        let args = candid::encode_args(args).expect("arguments encode");
        let answer = self.replica.call(caller, self.content, method, args)?;
        Ok(Decode!(&answer, R).unwrap_or_else(|error| panic!("{method} answered something else: {error}")))
    }

    /// A query call.
    pub fn query<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &mut self,
        caller: Principal,
        method: &str,
        args: A,
    ) -> Result<R, Reject> {
        let arg = candid::encode_args(args).expect("arguments encode");
        let message =
            QueryMessage { sender: caller, canister_id: self.content, method_name: method.into(), arg };
        let answer = self.replica.query(message)?;
        Ok(Decode!(&answer, R).unwrap_or_else(|error| panic!("{method} answered something else: {error}")))
    }

    /// The public key that content for an owner is encrypted to.
    pub fn recipient_key(&mut self, owner: &Owner, curve: CurveName) -> PublicKey {
        let view: Result<OwnerView, ContentError> =
            self.query(owner.principal(), "whoami", ()).expect("answers");
        let keys = view.expect("an owner").recipient_keys;
        let key = keys.iter().find(|key| key.curve == curve).expect("both curves");
        let parsed = PublicKey::from_jwk(&key.jwk).expect("a JWK");
        assert_eq!(Ok(parsed), PublicKey::from_age_recipient(&key.age));
        assert_eq!(Ok(parsed), PublicKey::from_cose_key(&key.cose_key));
        assert_eq!(parsed.to_bytes(), key.raw.to_vec());
        parsed
    }

    /// Encrypts as a correspondent of the owner does, with age.
    pub fn age_for(&mut self, owner: &Owner, curve: CurveName, content: &[u8]) -> Vec<u8> {
        let key = self.recipient_key(owner, curve);
        age::seal(&key, content, seed(1))
    }

    /// Encrypts as a correspondent of the owner does, with JWE.
    pub fn jwe_for(&mut self, owner: &Owner, curve: CurveName, content: &[u8]) -> Vec<u8> {
        let key = self.recipient_key(owner, curve);
        jwe::seal(&key, content, &Parties::default(), seed(2)).into_bytes()
    }

    /// Uploads an envelope in chunks.
    pub fn upload(&mut self, owner: &Owner, format: Format, envelope: &[u8]) -> Result<ItemId, ContentError> {
        let caller = owner.principal();
        let args = BeginUploadArgs { title: "a title".into(), format, size_bytes: envelope.len() as u64 };
        let begun: Result<ItemView, ContentError> =
            self.update(caller, "begin_upload", (args,)).expect("answers");
        let ItemView { item, mut missing_chunks, .. } = begun?;
        for index in missing_chunks.clone() {
            let start = index as usize * CHUNK_BYTES as usize;
            let end = envelope.len().min(start + CHUNK_BYTES as usize);
            let chunk = ByteBuf::from(&envelope[start..end]);
            let put: Result<ItemView, ContentError> =
                self.update(caller, "put_chunk", (item, index, chunk)).expect("answers");
            missing_chunks = put?.missing_chunks;
        }
        assert!(missing_chunks.is_empty());
        Ok(item)
    }

    /// Retrieves a part and opens the answer.
    pub fn retrieve(
        &mut self,
        reader: &Owner,
        item: ItemId,
        part: Option<Part>,
    ) -> Result<Vec<u8>, ContentError> {
        let answer: Result<Retrieved, ContentError> =
            self.update(reader.principal(), "retrieve", (item, reader.retrieval(part))).expect("answers");
        answer.map(|answer| reader.open(&answer.answer))
    }

    /// What a gateway gets for a request that it hands on as a query.
    pub fn http_query(&mut self, request: &HttpRequest) -> HttpResponse {
        self.query(Principal::anonymous(), "http_request", (request.clone(),)).expect("answers")
    }

    /// What a gateway gets for a request that it hands on as an update.
    ///
    /// # Errors
    /// If the request is not let in.
    pub fn http_update(&mut self, request: &HttpRequest) -> Result<HttpResponse, Reject> {
        self.update(Principal::anonymous(), "http_request_update", (request.clone(),))
    }

    /// A request of an owner, signed and carried out.
    pub fn ask(&mut self, owner: &Owner, method: &str, url: &str, body: &[u8]) -> HttpResponse {
        let request = request(method, url, body);
        let claims = claims(self, owner, &request);
        let request = signed(owner, &request, &claims);
        assert_eq!(self.http_query(&request).upgrade, Some(true));
        self.http_update(&request).expect("let in")
    }

    pub fn pass(&mut self, time: Duration) {
        self.replica.advance_time(time);
        self.replica.run_until_idle();
    }

    fn next_nonce(&self) -> String {
        self.nonces.set(self.nonces.get() + 1);
        format!("nonce {}", self.nonces.get())
    }
}

impl Default for ContentWorld {
    fn default() -> Self {
        Self::new()
    }
}

/// A request without a signature.
pub fn request(method: &str, url: &str, body: &[u8]) -> HttpRequest {
    HttpRequest { method: method.into(), url: url.into(), headers: Vec::new(), body: ByteBuf::from(body) }
}

/// What an envelope's keys are made of.
pub fn seed(number: u8) -> SealingSeed {
    SealingSeed::new(Zeroizing::new([number; 32]))
}
