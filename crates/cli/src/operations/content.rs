//! A content canister's interface, typed; encrypting what is kept there and opening what comes back, on this machine.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use candid::{CandidType, Principal, utils::ArgumentEncoder};
use content_keys::{
    Dh as _, PublicKey, VaultKey,
    envelopes::{Parties, SealingSeed, age, jwe::Jwe},
    threshold::X25519,
};
use content_types::{
    AnswerFormat, BeginUploadArgs, CHUNK_BYTES, ContentError, CurveName, Format, Grant, ItemId, ItemView,
    MAX_PART_BYTES, OwnerName, OwnerView, Part, RecipientKeyView, RegisterOwnerArgs, Retrieval, Retrieved,
};
use ic_agent::Agent;
use rand::{RngCore as _, rngs::OsRng};
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use super::{call, identity, moment};
use crate::failure::{Failure, Outcome};

/// A content canister.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    pub agent: &'a Agent,
    pub id: Principal,
}

impl Content<'_> {
    /// An owner's recipient keys, as one node of the network says.
    pub async fn recipient_keys(&self, owner: &OwnerName) -> Outcome<Option<Vec<RecipientKeyView>>> {
        let (keys,) = call::query(self.agent, self.id, "recipient_keys", (owner,)).await?;
        Ok(keys)
    }

    /// The owner that the identity speaks for, certified by the network.
    pub async fn whoami(&self) -> Outcome<OwnerView> {
        // Who is no owner hears so from a query: an update would not be let in.
        self.query::<_, OwnerView>("whoami", ()).await?;
        self.update("whoami", ()).await
    }

    /// Registers an owner.
    pub async fn register(&self, args: RegisterOwnerArgs) -> Outcome<OwnerView> {
        self.query::<_, Vec<OwnerView>>("owners", ()).await?;
        self.update("register_owner", (args,)).await
    }

    /// Everything that the identity's owner may read, lowest number first, fetched page by page.
    pub async fn list(&self) -> Outcome<Vec<ItemView>> {
        let mut items: Vec<ItemView> = Vec::new();
        loop {
            let after = items.last().map_or(0, |item| item.item);
            let page: Vec<ItemView> = self.query("list_content", (after,)).await?;
            if page.is_empty() {
                return Ok(items);
            }
            items.extend(page);
        }
    }

    pub async fn share(&self, item: ItemId, grant: Grant) -> Outcome<ItemView> {
        self.update("share_content", (item, grant)).await
    }

    pub async fn unshare(&self, item: ItemId, reader: OwnerName) -> Outcome<ItemView> {
        self.update("unshare_content", (item, reader)).await
    }

    pub async fn delete(&self, item: ItemId) -> Outcome<()> {
        self.update("delete_content", (item,)).await
    }

    /// Uploads an age file; `sent` is told the size of each part that is there.
    ///
    /// # Errors
    /// When the canister refuses it or the network does not answer.
    pub async fn upload(
        &self,
        title: String,
        envelope: &[u8],
        mut sent: impl FnMut(u64),
    ) -> Outcome<ItemView> {
        let args = BeginUploadArgs { title, format: Format::Age, size_bytes: envelope.len() as u64 };
        let mut view: ItemView = self.update("begin_upload", (args,)).await?;
        for (index, chunk) in (0_u32..).zip(envelope.chunks(CHUNK_BYTES as usize)) {
            view = self.update("put_chunk", (view.item, index, ByteBuf::from(chunk))).await?;
            sent(chunk.len() as u64);
        }
        Ok(view)
    }

    /// Has one part opened for a key that exists for this answer alone, and opens the answer here.
    ///
    /// # Errors
    /// When the canister refuses or cannot open it, or the answer is not for the key.
    pub async fn retrieve(&self, item: ItemId, part: Option<Part>) -> Outcome<Zeroizing<Vec<u8>>> {
        let mut uniform = Zeroizing::new([0; 48]);
        OsRng.fill_bytes(&mut *uniform);
        let key = VaultKey::<X25519>::from_uniform(&uniform)
            .ok_or_else(|| Failure::usage("this machine's randomness is broken"))?;
        let retrieval = Retrieval { part, reader: key.public_key().to_jwk(), answer: AnswerFormat::Jwe };
        let Retrieved { answer } = self.update("retrieve", (item, retrieval)).await?;
        let opened = Jwe::parse(&answer)
            .map_err(|error| Failure::refused(format!("the answer is no JWE: {error}")))?
            .open(&key, &Parties::default())
            .map_err(|_| Failure::refused("the answer is not encrypted to the key that was named"))?;
        Ok(opened.into_bytes())
    }

    async fn query<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &self,
        method: &str,
        args: A,
    ) -> Outcome<R> {
        let (answer,): (Result<R, ContentError>,) = call::query(self.agent, self.id, method, args).await?;
        answer.map_err(refusal)
    }

    async fn update<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &self,
        method: &str,
        args: A,
    ) -> Outcome<R> {
        let (answer,): (Result<R, ContentError>,) = call::update(self.agent, self.id, method, args).await?;
        answer.map_err(refusal)
    }
}

/// Encrypts for an owner, as any of its correspondents could: an age file to its X25519 key.
///
/// # Errors
/// When the owner's keys are not derived yet, or are no keys.
pub fn encrypt(owner: &OwnerView, content: &[u8]) -> Outcome<Vec<u8>> {
    let key = owner.recipient_keys.iter().find(|key| key.curve == CurveName::X25519).ok_or_else(|| {
        Failure::refused(format!("{} has no recipient keys yet", owner.owner))
            .hint("an administrator runs `countersign key register` again, with the same values")
    })?;
    let key = PublicKey::from_jwk(&key.jwk)
        .map_err(|error| Failure::refused(format!("the canister names a key that is none: {error}")))?;
    let mut seed = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *seed);
    Ok(age::seal(&key, content, SealingSeed::new(seed)))
}

/// The parts in which all of an item can be had; one unnamed part if its length is not known.
pub fn parts(item: &ItemView) -> Vec<Option<Part>> {
    match item.content_bytes {
        Some(content_bytes) if content_bytes > MAX_PART_BYTES => (0..content_bytes)
            .step_by(MAX_PART_BYTES as usize)
            .map(|offset_bytes| {
                let length_bytes = MAX_PART_BYTES.min(content_bytes - offset_bytes);
                Some(Part { offset_bytes, length_bytes })
            })
            .collect(),
        _ => vec![None],
    }
}

/// Reads a public key as `openssl pkey -pubout` writes it (PEM or DER), or the public half of an identity's PEM file.
///
/// # Errors
/// When the file cannot be read or holds no key.
pub fn read_public_key(path: &Path) -> Outcome<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read the public key", path, error))?;
    let text = String::from_utf8_lossy(&bytes);
    let pem = text
        .split_once("-----BEGIN PUBLIC KEY-----")
        .and_then(|(_, rest)| rest.split_once("-----END PUBLIC KEY-----"));
    if let Some((base64, _)) = pem {
        let base64: String = base64.split_whitespace().collect();
        return BASE64_STANDARD
            .decode(base64)
            .map_err(|error| Failure::file("understand the public key", path, error));
    }
    if text.contains("-----BEGIN") {
        let key = identity::parse(&bytes).and_then(|identity| identity.public_key());
        return key
            .ok_or_else(|| Failure::usage(format!("{} holds no key that is understood", path.display())));
    }
    Ok(bytes)
}

/// A public key as a PEM text.
pub fn to_pem(public_key_der: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(public_key_der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"))
}

fn refusal(error: ContentError) -> Failure {
    let text = error.to_string();
    match error {
        ContentError::NotAllowed { .. } => Failure::refused(text).hint(
            "choose another identity with --identity; an administrator registers owners with `countersign key register`",
        ),
        ContentError::NoSuchItem { .. } => {
            Failure::refused(text).hint("`countersign content list` shows what there is")
        }
        ContentError::Invalid { defects } => Failure::refused("the content canister refused it").with_defects(defects),
        ContentError::Busy { what, retry_at_ns } => {
            Failure::refused(what).hint(format!("try again from {} on", moment(retry_at_ns)))
        }
        ContentError::CannotOpen => Failure::refused(text)
            .hint("it was encrypted to another key than its owner's, or it is damaged: have it sent again"),
        ContentError::Unavailable => {
            Failure::network(text).hint("if it stays so, the canister may need cycles: tell its administrators")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(content_bytes: Option<u64>) -> ItemView {
        ItemView {
            item: 1,
            owner: "alice".parse().expect("a name"),
            title: String::new(),
            format: Format::Age,
            size_bytes: 1,
            content_bytes,
            missing_chunks: Vec::new(),
            stored_at_ns: None,
            grants: Vec::new(),
        }
    }

    #[test]
    fn should_cover_every_byte_once_by_parts_that_fit_an_answer() {
        assert_eq!(parts(&item(None)), [None]);
        assert_eq!(parts(&item(Some(MAX_PART_BYTES))), [None]);
        let part = |offset_bytes, length_bytes| Some(Part { offset_bytes, length_bytes });
        let two = [part(0, MAX_PART_BYTES), part(MAX_PART_BYTES, 1)];
        assert_eq!(parts(&item(Some(MAX_PART_BYTES + 1))), two);
    }

    #[test]
    fn should_read_the_public_key_that_it_writes_and_that_of_an_identity() {
        let directory = tempfile::tempdir().expect("a directory");
        let (identity, public) = (directory.path().join("me.pem"), directory.path().join("public.pem"));
        identity::create(&identity).expect("created");
        let der = read_public_key(&identity).expect("the public half");
        std::fs::write(&public, to_pem(&der)).expect("written");
        assert_eq!(read_public_key(&public).expect("read"), der);
        std::fs::write(&public, &der).expect("written");
        assert_eq!(read_public_key(&public).expect("read"), der);
    }
}
