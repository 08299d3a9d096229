//! Receipts: the signed statement that the group approved these bytes and that the registry showed them.

use std::time::Duration;

use registry_protocols::receipt::{
    BytesRead, DigestSet, Envelope, PAYLOAD_TYPE, ReadBack, RegistryUrls, ReleasePredicate, SourceFacts,
    Statement, Subject, TallyFacts, VoteFacts, pae,
};
use release_types::{Obstacle, OrderId, PublishOrder, Sha256Digest, Tally, order::VoteRecord};

use crate::{
    key_material::receipt_derivation_path,
    publish::driver::note_obstacle,
    runtime::{Runtime, SigningRequest},
    state::{Artifact, Event, Order, event::RegistryDigests, process_event, proof::ReadBytes, read_state},
    storage,
};

/// Pause after a signature that did not come.
const RETRY_DELAY: Duration = Duration::from_secs(60);

const NS_PER_S: u64 = 1_000_000_000;

/// Signs the receipt of an order whose artifacts are all verified; returns the pause before trying again, or none
/// when it is signed.
pub async fn sign<R: Runtime>(runtime: &R, id: &OrderId, order: &PublishOrder) -> Option<Duration> {
    let (key_name, receipt_key, verified) = read_state(|state| {
        (state.key_name().to_owned(), state.receipt_key().cloned(), state.order(id).cloned())
    });
    let verified = verified?;
    let Some(receipt_key) = receipt_key else {
        note_obstacle(runtime, id, Obstacle::SignatureNotDelivered);
        return Some(RETRY_DELAY);
    };
    let is_payable =
        runtime.signature_cost_cycles(&key_name).is_some_and(|cost| runtime.liquid_cycles() > cost);
    if !is_payable {
        note_obstacle(runtime, id, Obstacle::TooFewCycles);
        return Some(RETRY_DELAY);
    }
    let payload = statement(runtime.canister_self(), id, order, &verified).to_payload();
    let request = SigningRequest {
        key_name,
        derivation_path: receipt_derivation_path(),
        message: pae(PAYLOAD_TYPE, &payload),
    };
    let Ok(signature) = runtime.sign(request).await else {
        note_obstacle(runtime, id, Obstacle::SignatureNotDelivered);
        return Some(RETRY_DELAY);
    };
    let key_id = Sha256Digest::of(&receipt_key).to_string();
    let envelope = Envelope::new(&payload, &key_id, &signature);
    let is_due = read_state(|state| state.order(id).is_some_and(|order| order.awaits_receipt()));
    if is_due {
        let envelope_json = serde_json::to_string(&envelope).expect("an envelope is plain text fields");
        let envelope_sha256 = Sha256Digest::of(envelope_json.as_bytes());
        storage::keep_envelope(id, envelope_json);
        process_event(runtime, Event::SignedReceipt { order: id.clone(), envelope_sha256 });
    }
    None
}

fn bytes_read(read: ReadBytes) -> BytesRead {
    match read {
        ReadBytes::Whole => BytesRead::Whole,
        ReadBytes::InRanges => BytesRead::InRanges,
        ReadBytes::NoRanges => BytesRead::NotReadNoRanges,
        ReadBytes::Elsewhere => BytesRead::NotReadElsewhere,
        ReadBytes::NoFilesUrl => BytesRead::NotReadNoFilesUrl,
    }
}

fn statement(custody: candid::Principal, id: &OrderId, order: &PublishOrder, verified: &Order) -> Statement {
    let artifacts = verified.artifacts();
    let subject = order.artifacts.iter().zip(artifacts).map(|(ordered, artifact)| Subject {
        name: ordered.filename.clone(),
        digest: DigestSet {
            sha256: ordered.sha256.to_string(),
            sha512: match artifact.digests() {
                Some(RegistryDigests::Npm { sha512 }) => Some(hex::encode(sha512)),
                Some(RegistryDigests::Pypi { .. }) | None => None,
            },
        },
    });
    let read_back_ns = artifacts.iter().map(Artifact::changed_at_ns).max().unwrap_or_default();
    let decision = &order.decision;
    let predicate = ReleasePredicate {
        dao: decision.authority.to_text(),
        custody: custody.to_text(),
        order_id: id.0.clone(),
        registry: RegistryUrls {
            ecosystem: order.registry.ecosystem,
            upload_url: order.registry.upload_url.clone(),
            read_url: order.registry.read_url.clone(),
        },
        package: order.package.clone(),
        version: order.version.clone(),
        mode: order.mode.to_string(),
        ordered_at_s: verified.accepted_at_ns() / NS_PER_S,
        vote: decision.vote.as_ref().map(vote_facts),
        source: decision.source.as_ref().map(|source| SourceFacts {
            repository: source.repository.clone(),
            commit: source.commit.clone(),
            tag: source.tag.clone(),
        }),
        read_back: ReadBack {
            at_s: read_back_ns / NS_PER_S,
            replicated: true,
            confirmation: artifacts.iter().filter_map(Artifact::confirmation).collect(),
            bytes: artifacts.iter().filter_map(Artifact::read_bytes).map(bytes_read).collect(),
        },
    };
    Statement::new(subject.collect(), predicate)
}

fn vote_facts(vote: &VoteRecord) -> VoteFacts {
    let Tally { yes, no, abstain, total } = vote.tally;
    VoteFacts {
        proposal_id: vote.proposal.0,
        decided_at_s: vote.decided_at_ns / NS_PER_S,
        tally: TallyFacts { yes, no, abstain, total },
    }
}
