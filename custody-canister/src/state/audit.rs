//! The only place where the state changes: one event, one clock reading, one transition, one block of the log.

use crate::{
    runtime::Runtime,
    state::{
        AcceptedAmendment, Artifact, Credential, Event, Order, ReceiptEntry, Stage, State,
        amendment::AmendmentFact,
        control::ControlFact,
        credential::Standing,
        event::{AcceptedArtifact, DerivationPurpose},
        freeze::FreezeFact,
        mutate_state,
        probe::Probe,
        proof::{ProofFact, SeenForeign},
        staging::{Staging, StagingFact},
        watch::WatchFact,
    },
    storage,
};
use release_types::{
    FreezeScope, MetObstacle, OrderId, PublishingMode, SeenNotice, control::UpgradeId, freeze::FreezeReason,
};

/// Lets something have happened: applies it to the state and writes it to the log, at one and the same time.
///
/// # Panics
/// If the event contradicts the state, which is a defect of this program.
pub fn process_event<R: Runtime>(runtime: &R, event: Event) {
    let time_ns = runtime.time_ns();
    mutate_state(|state| apply_state_transition(state, time_ns, &event));
    runtime.certify(storage::append(time_ns, &event));
}

/// Rebuilds the state from a log that begins with [`Event::Initialized`].
///
/// # Panics
/// If the log begins with anything else or contradicts itself.
pub fn replay<E>(events: impl IntoIterator<Item = Result<(u64, Event), E>>) -> Result<State, E> {
    let mut state: Option<State> = None;
    for entry in events {
        let (time_ns, event) = entry?;
        match (&mut state, event) {
            (None, Event::Initialized { authority, key_name }) => {
                state = Some(State::new(authority, key_name));
            }
            (Some(state), event) => apply_state_transition(state, time_ns, &event),
            (None, _) => panic!("BUG: the log does not begin with the installation"),
        }
    }
    Ok(state.unwrap_or_else(|| panic!("BUG: the log is empty")))
}

/// What each event does to the state, live and in replay.
pub fn apply_state_transition(state: &mut State, time_ns: u64, event: &Event) {
    match event {
        Event::Initialized { authority, key_name } => *state = State::new(*authority, key_name.clone()),
        Event::LearnedSealingKey { key } => state.sealing_key = Some(key.clone()),
        Event::LearnedReceiptKey { key } => state.receipt_key = Some(key.clone()),
        Event::DepositedCredential { policy, sealed_token_sha256 } => {
            let credential = Credential {
                policy: policy.clone(),
                sealed_token_sha256: *sealed_token_sha256,
                deposited_at_ns: time_ns,
                standing: Standing::Deposited,
                derivations: 0,
                probe: None,
                notice: None,
            };
            let replaced = state.credentials.insert(policy.id(), credential);
            assert!(replaced.is_none(), "BUG: a credential was deposited twice");
        }
        Event::StartedActivation { credential } => {
            let credential = credential_mut(state, credential);
            credential.standing = Standing::Activating;
            credential.derivations = 0;
        }
        Event::ActivatedCredential { credential } => {
            credential_mut(state, credential).standing = Standing::Active;
        }
        Event::FailedActivation { credential, reason } => {
            credential_mut(state, credential).standing = Standing::Unusable { reason: *reason };
        }
        Event::RevokedCredential { credential } => {
            credential_mut(state, credential).standing = Standing::Revoked;
        }
        Event::GotNotice { credential, notice } => {
            credential_mut(state, credential).notice = Some(SeenNotice { notice: *notice, at_ns: time_ns });
        }
        Event::BoundDerivation { purpose } => count_derivation(state, time_ns, purpose),
        Event::Freeze(fact) => state.freezes.apply(time_ns, fact),
        Event::Probe(fact) => {
            let probed = credential_mut(state, fact.credential());
            probed.probe = Some(Probe::after(probed.probe, fact, time_ns));
        }
        Event::Watch(fact) => {
            if let WatchFact::Began { package, direct_publishing_ends_at_ns, .. } = fact {
                state.announced_ends.insert(package.endpoint.clone(), *direct_publishing_ends_at_ns);
            }
            state.watches.apply(time_ns, fact);
        }
        Event::Control(fact) => {
            state.control.apply(time_ns, fact);
            if let ControlFact::TakenBack { upgrade, .. } = fact {
                take_back(state, time_ns, upgrade);
            }
        }
        Event::ChangedSettings { settings } => state.settings = *settings,
        Event::AcceptedOrder {
            order,
            content,
            mode,
            credential,
            read_credential,
            package,
            version,
            expires_at_ns,
            direct_publishing_ends_at_ns,
            artifacts,
        } => {
            state.announced_ends.insert(package.endpoint.clone(), *direct_publishing_ends_at_ns);
            let accepted = Order {
                content: *content,
                mode: *mode,
                credential: *credential,
                read_credential: *read_credential,
                version: version.clone(),
                accepted_at_ns: time_ns,
                expires_at_ns: *expires_at_ns,
                artifacts: artifacts.iter().map(|artifact| new_artifact(artifact, time_ns)).collect(),
                has_receipt: false,
                obstacle: None,
            };
            state.orders_of.entry(package.clone()).or_default().push(order.clone());
            let replaced = state.orders.insert(order.clone(), accepted);
            assert!(replaced.is_none(), "BUG: order {order} was accepted twice");
        }
        Event::PreparedArtifact { order, artifact, digests, chunks } => {
            let artifact = artifact_mut(state, order, *artifact);
            artifact.digests = Some(digests.clone());
            artifact.chunks = chunks.clone();
        }
        Event::SentArtifact { order, artifact } => {
            move_to(state, order, *artifact, Stage::Sent, time_ns);
            let artifact = artifact_mut(state, order, *artifact);
            artifact.sent_at_ns = Some(time_ns);
            artifact.sends = artifact.sends.saturating_add(1);
        }
        Event::KeptArtifact { order, artifact } => {
            move_to(state, order, *artifact, Stage::Prepared, time_ns);
            let artifact = artifact_mut(state, order, *artifact);
            artifact.sends = artifact.sends.saturating_sub(1);
        }
        Event::GotAcceptance { order, artifact } => {
            move_to(state, order, *artifact, Stage::Accepted, time_ns);
        }
        Event::LostOutcome { order, artifact, cause } => {
            move_to(state, order, *artifact, Stage::Unknown { cause: *cause }, time_ns);
        }
        Event::AwaitedVisibility { order, artifact } => {
            move_to(state, order, *artifact, Stage::Pending, time_ns);
        }
        Event::ConcludedAbsence { order, artifact } => {
            move_to(state, order, *artifact, Stage::Prepared, time_ns);
        }
        Event::AwaitedOthers { order, artifact } => {
            let stage = match order_mut(state, order).mode {
                PublishingMode::VerifyOnly => Stage::AwaitingRelease,
                PublishingMode::StagedElsewhere => Stage::AwaitingStage,
                PublishingMode::Direct | PublishingMode::Staged => {
                    panic!("BUG: order {order} waits for others to send what custody sends")
                }
            };
            move_to(state, order, *artifact, stage, time_ns);
        }
        Event::Staging(fact) => apply_staging(state, time_ns, fact),
        Event::Proof(fact) => apply_proof(state, time_ns, fact),
        Event::RegistryKeys(fact) => state.registry_keys.apply(time_ns, fact),
        Event::FoundMismatch { order, artifact, shown } => {
            let stage = Stage::Mismatch { shown: shown.clone() };
            move_to(state, order, *artifact, stage, time_ns);
        }
        Event::BlockedArtifact { order, artifact, reason } => {
            move_to(state, order, *artifact, Stage::Blocked { reason: *reason }, time_ns);
        }
        Event::DeclaredOutcome { order, artifact, published, reason } => {
            let stage = Stage::Declared { published: *published, reason: reason.clone() };
            move_to(state, order, *artifact, stage, time_ns);
        }
        Event::RefusedArtifact { order, artifact, reason } => {
            move_to(state, order, *artifact, Stage::Refused { reason: *reason }, time_ns);
        }
        Event::Amendment { order, fact: AmendmentFact::Accepted { order: accepted } } => {
            let registry = &accepted.registry;
            state.announced_ends.insert(registry.upload_url.clone(), registry.direct_publishing_ends_at_ns);
            let accepted = AcceptedAmendment::new(accepted.clone(), time_ns);
            let replaced = state.amendments.insert(order.clone(), accepted);
            assert!(replaced.is_none(), "BUG: amendment {order} was accepted twice");
        }
        Event::Amendment { order, fact } => amendment_mut(state, order).apply(fact, time_ns),
        Event::MetObstacle { order, obstacle } => {
            order_mut(state, order).obstacle = Some(MetObstacle { obstacle: *obstacle, since_ns: time_ns });
        }
        Event::PassedObstacle { order } => order_mut(state, order).obstacle = None,
        Event::SignedReceipt { order, envelope_sha256 } => {
            let signed = order_mut(state, order);
            assert!(signed.awaits_receipt(), "BUG: order {order} is not due for a receipt");
            signed.has_receipt = true;
            signed.obstacle = None;
            state.receipts.push(ReceiptEntry {
                order: order.clone(),
                signed_at_ns: time_ns,
                envelope_sha256: *envelope_sha256,
            });
        }
    }
}

/// Other code ran since this state was left: everything is frozen, and what is under way counts as sent, so that it is
/// read back and never sent again.
fn take_back(state: &mut State, time_ns: u64, upgrade: &UpgradeId) {
    if !state.freezes.contains(FreezeScope::Everything) {
        let reason = FreezeReason::TakenBack { upgrade: upgrade.clone() };
        state.freezes.apply(time_ns, &FreezeFact::Froze { scope: FreezeScope::Everything, reason });
    }
    state.orders.values_mut().for_each(|order| order.take_back(time_ns));
    state.amendments.values_mut().for_each(|amendment| amendment.take_back(time_ns));
}

fn apply_staging(state: &mut State, time_ns: u64, fact: &StagingFact) {
    let (order, index) = fact.subject();
    if let StagingFact::Proven { stage, .. } = fact {
        return move_to(state, order, index, Stage::Staged { stage: stage.clone() }, time_ns);
    }
    let artifact = artifact_mut(state, order, index);
    match fact {
        StagingFact::Listed { stages, .. } => {
            let proven = match &artifact.stage {
                Stage::Staged { stage } => Some(stage),
                _ => None,
            };
            artifact.staging.list(stages, proven, time_ns);
        }
        StagingFact::FoundEqualPieces { stage, pieces, .. } => {
            let stage = artifact.staging.stage_mut(stage);
            (stage.equal_pieces, stage.foreign) = (*pieces, None);
        }
        StagingFact::FoundForeignBytes { stage, bytes, .. } => {
            let stage = artifact.staging.stage_mut(stage);
            stage.foreign = Some(SeenForeign::after(stage.foreign, *bytes, time_ns));
        }
        StagingFact::Judged { stage, judgement, .. } => {
            artifact.staging.stage_mut(stage).judgement = Some(*judgement);
        }
        StagingFact::Lost { stage, .. } => artifact.staging.lose(stage),
        StagingFact::Proven { .. } => {}
    }
}

fn apply_proof(state: &mut State, time_ns: u64, fact: &ProofFact) {
    match fact {
        ProofFact::ShowedDigest { order, artifact } => {
            move_to(state, order, *artifact, Stage::Shown { equal_pieces: 0 }, time_ns);
        }
        ProofFact::Confirmed { order, artifact, by } => {
            artifact_mut(state, order, *artifact).confirmation = Some(*by);
            move_to(state, order, *artifact, Stage::Shown { equal_pieces: 0 }, time_ns);
        }
        ProofFact::ServedEqualPieces { order, artifact, pieces } => {
            artifact_mut(state, order, *artifact).foreign = None;
            let stage = Stage::Shown { equal_pieces: *pieces };
            move_to(state, order, *artifact, stage, time_ns);
        }
        ProofFact::ServedForeignBytes { order, artifact, bytes } => {
            let artifact = artifact_mut(state, order, *artifact);
            artifact.foreign = Some(SeenForeign::after(artifact.foreign, *bytes, time_ns));
        }
        ProofFact::Verified { order, artifact, bytes } => {
            artifact_mut(state, order, *artifact).read_bytes = Some(*bytes);
            move_to(state, order, *artifact, Stage::Verified, time_ns);
        }
    }
}

fn new_artifact(accepted: &AcceptedArtifact, time_ns: u64) -> Artifact {
    Artifact {
        filename: accepted.filename.clone(),
        sha256: accepted.sha256,
        size_bytes: accepted.size_bytes,
        digests: None,
        chunks: Vec::new(),
        stage: Stage::Prepared,
        changed_at_ns: time_ns,
        sent_at_ns: None,
        derivations: 0,
        read_derivations: 0,
        sends: 0,
        staging: Staging::default(),
        foreign: None,
        confirmation: None,
        read_bytes: None,
    }
}

fn count_derivation(state: &mut State, time_ns: u64, purpose: &DerivationPurpose) {
    let credential = purpose.credential();
    assert!(!state.is_frozen(&credential), "BUG: a key was derived for {credential}, which is frozen");
    match purpose {
        DerivationPurpose::Activation { credential } => {
            let credential = credential_mut(state, credential);
            assert!(
                credential.is_activating(),
                "BUG: a key was derived for a credential not being activated"
            );
            credential.derivations = credential.derivations.saturating_add(1);
        }
        DerivationPurpose::Probe { credential } => {
            let under_way =
                credential_mut(state, credential).probe.as_mut().filter(|probe| probe.is_under_way());
            let Some(probe) = under_way else {
                panic!("BUG: a key was derived for {credential}, which is not probed")
            };
            probe.derivations = probe.derivations.saturating_add(1);
        }
        DerivationPurpose::Amendment { order, .. } => amendment_mut(state, order).count_derivation(),
        DerivationPurpose::AmendmentReading { order, .. } => {
            amendment_mut(state, order).count_read_derivation();
        }
        DerivationPurpose::Look { credential, package } => {
            let reads_with = state.watches.get(package).and_then(|watch| watch.read_credential);
            assert!(reads_with == Some(*credential), "BUG: {package} is not watched with {credential}");
        }
        DerivationPurpose::Publication { order, artifact, .. } => {
            let artifact = artifact_mut(state, order, *artifact);
            assert!(artifact.stage == Stage::Prepared, "BUG: a key was derived for {order} out of turn");
            artifact.derivations = artifact.derivations.saturating_add(1);
        }
        DerivationPurpose::StageReading { order, artifact, .. } => {
            let mode = order_mut(state, order).mode;
            assert!(mode.uses_staging_area(), "BUG: {order} has nothing in the staging area");
            let artifact = artifact_mut(state, order, *artifact);
            assert!(!artifact.stage.is_final(), "BUG: a key was derived for {order} after its end");
            artifact.staging.count_reading(time_ns);
        }
        DerivationPurpose::ReadBack { order, artifact, .. } => {
            let artifact = artifact_mut(state, order, *artifact);
            assert!(!artifact.stage.is_final(), "BUG: a key was derived for {order} after its end");
            artifact.read_derivations = artifact.read_derivations.saturating_add(1);
        }
    }
}

/// A step forward: whatever stood in the way no longer does.
fn move_to(state: &mut State, order: &OrderId, artifact: u32, stage: Stage, time_ns: u64) {
    order_mut(state, order).obstacle = None;
    let artifact = artifact_mut(state, order, artifact);
    assert!(!artifact.stage.is_final(), "BUG: {} is at its end already", artifact.filename);
    if std::mem::discriminant(&artifact.stage) != std::mem::discriminant(&stage) {
        artifact.staging.begin_anew();
    }
    artifact.stage = stage;
    artifact.changed_at_ns = time_ns;
}

fn credential_mut<'a>(state: &'a mut State, id: &release_types::CredentialId) -> &'a mut Credential {
    state.credentials.get_mut(id).unwrap_or_else(|| panic!("BUG: there is no credential {id}"))
}

fn amendment_mut<'a>(state: &'a mut State, id: &OrderId) -> &'a mut AcceptedAmendment {
    state.amendments.get_mut(id).unwrap_or_else(|| panic!("BUG: there is no amendment {id}"))
}

fn order_mut<'a>(state: &'a mut State, id: &OrderId) -> &'a mut Order {
    state.orders.get_mut(id).unwrap_or_else(|| panic!("BUG: there is no order {id}"))
}

fn artifact_mut<'a>(state: &'a mut State, order: &OrderId, artifact: u32) -> &'a mut Artifact {
    let artifacts = &mut order_mut(state, order).artifacts;
    usize::try_from(artifact)
        .ok()
        .and_then(|index| artifacts.get_mut(index))
        .unwrap_or_else(|| panic!("BUG: order {order} has no artifact {artifact}"))
}
