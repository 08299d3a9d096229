//! Driving ceremonies: in the background, phase by phase, each kept before the next is begun.
//!
//! A phase that fails is taken again, because most failures pass by themselves; a holder that lets it fail again, or
//! that is convicted, is left out of the next attempt.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use candid::Principal;
use content_keys::threshold::{Group, HolderIndex, KeySet, P256, Point, Purpose, Roster, Session, X25519};
use futures_util::future::join_all;
use key_holders::{
    Silence, ask,
    ceremony::{Ceremony, Trouble, without},
    decode, encode,
    interface::{KeyCurve, KeyName},
    service::{BeginCeremonyArgs, CeremonyPurpose, CeremonyStatus, Conviction, HolderFault, ServiceError},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    runtime::{self, IcTransport},
    state::{Event, audit::process_event, read_state},
    storage,
};

/// How long to wait before a phase is taken again.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// How often a phase is taken before those who let it fail are left out.
const MAX_TRIES: u32 = 3;

thread_local! {
    static DRIVEN: RefCell<BTreeSet<KeyName>> = const { RefCell::new(BTreeSet::new()) };
}

/// A ceremony as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Kept<G: Group> {
    ceremony: Ceremony<G>,
    /// How often the present phase has failed.
    failures: u32,
}

/// One message drives a key's ceremony at a time, whatever becomes of it.
struct Turn(KeyName);

impl Turn {
    fn take(key: &KeyName) -> Option<Self> {
        DRIVEN.with_borrow_mut(|driven| driven.insert(key.clone())).then(|| Self(key.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        DRIVEN.with_borrow_mut(|driven| driven.remove(&self.0));
    }
}

/// Begins a ceremony.
///
/// # Errors
/// [`ServiceError`]: no administrator, one under way, nothing to renew, no such holder.
pub fn begin(caller: Principal, args: BeginCeremonyArgs) -> Result<(), ServiceError> {
    let BeginCeremonyArgs { key, purpose } = args;
    read_state(|state| {
        if !state.init().administrators.contains(&caller) {
            return Err(ServiceError::NotAllowed);
        }
        let facts = state.key(&key);
        if facts.is_some_and(|facts| facts.status == CeremonyStatus::Running) {
            return Err(ServiceError::Busy);
        }
        let is_made = facts.is_some_and(|facts| facts.key_set.is_some());
        match purpose {
            CeremonyPurpose::Generate if is_made => Err(ServiceError::KeyExists),
            CeremonyPurpose::Refresh | CeremonyPurpose::Recover(_) if !is_made => {
                Err(ServiceError::UnknownKey)
            }
            CeremonyPurpose::Recover(lost)
                if !(1..=state.init().holders.len()).contains(&usize::from(lost)) =>
            {
                let reason = format!("found holder {lost}; allowed: 1 to {}", state.init().holders.len());
                Err(ServiceError::Malformed { field: "purpose".to_owned(), reason })
            }
            _ => Ok(()),
        }
    })?;
    process_event(&Event::CeremonyBegun { key: key.clone(), purpose, by: caller });
    runtime::drive_later(Duration::ZERO, key);
    Ok(())
}

/// Goes on with a key's ceremony, as far as it goes.
pub async fn drive(key: KeyName) {
    let Some(_turn) = Turn::take(&key) else {
        return;
    };
    match key.curve {
        KeyCurve::P256 => drive_on::<P256>(&key).await,
        KeyCurve::X25519 => drive_on::<X25519>(&key).await,
    }
}

async fn drive_on<G: Group>(key: &KeyName) {
    let holders = read_state(|state| state.init().holders.clone());
    // Also those that were upgraded since the last phase.
    open_all(&holders).await;
    loop {
        let is_running =
            read_state(|state| state.key(key).is_some_and(|facts| facts.status == CeremonyStatus::Running));
        if !is_running {
            return;
        }
        let kept = storage::ceremony(key).and_then(|bytes| decode::<Kept<G>>(&bytes));
        let Some(Kept { mut ceremony, failures }) = kept else {
            if !prepare::<G>(key, &holders).await {
                runtime::drive_later(RETRY_DELAY, key.clone());
                return;
            }
            continue;
        };
        match ceremony.advance(&IcTransport, &holders).await {
            Ok(()) => match ceremony.outcome() {
                Some(keys) => return complete(key, keys),
                None => keep(key, &Kept { ceremony, failures: 0 }),
            },
            Err(trouble) => {
                let goes_on = recover(key, ceremony, &trouble, failures + 1);
                if goes_on {
                    runtime::drive_later(RETRY_DELAY, key.clone());
                }
                return;
            }
        }
    }
}

fn keep<G: Group>(key: &KeyName, kept: &Kept<G>) {
    storage::keep_ceremony(key, encode(kept));
}

fn complete<G: Group>(key: &KeyName, keys: &KeySet<G>) {
    storage::drop_ceremony(key);
    process_event(&Event::CeremonyCompleted { key: key.clone(), key_set: ByteBuf::from(encode(keys)) });
}

/// Begins the first attempt; a new key's holders get to know each other before. False if that has to wait.
async fn prepare<G: Group>(key: &KeyName, holders: &[Principal]) -> bool {
    let Some((purpose, key_set, threshold)) = read_state(|state| {
        let facts = state.key(key)?;
        Some((facts.purpose, facts.key_set.clone(), state.init().threshold))
    }) else {
        return false;
    };
    let keys = key_set.and_then(|bytes| decode::<KeySet<G>>(&bytes));
    let purpose = match (purpose, keys) {
        (CeremonyPurpose::Generate, _) => match roster::<G>(key, holders, threshold).await {
            Some(roster) => Purpose::Generate(roster),
            None => return false,
        },
        (CeremonyPurpose::Refresh, Some(keys)) => Purpose::Refresh(keys),
        (CeremonyPurpose::Recover(lost), Some(keys)) => {
            let Some(index) = HolderIndex::new(lost) else {
                return false;
            };
            // A holder that lost everything enrols again.
            if let Some(holder) = holders.get(usize::from(lost) - 1) {
                let _ = enrol::<G>(key, *holder).await;
                let _ = pin(key, *holder).await;
            }
            Purpose::Recover { keys, lost: index }
        }
        (_, None) => return false,
    };
    let number = read_state(|state| state.last_number()) + 1;
    let mut session = Session { purpose, participants: BTreeSet::new(), number };
    let lost = session.lost();
    session.participants = session.roster().holders().filter(|holder| Some(*holder) != lost).collect();
    begin_attempt(key, session);
    true
}

fn begin_attempt<G: Group>(key: &KeyName, session: Session<G>) {
    let participants = session.participants.iter().map(|holder| holder.get()).collect();
    process_event(&Event::AttemptBegun { key: key.clone(), number: session.number, participants });
    keep(key, &Kept { ceremony: Ceremony::new(key.clone(), session), failures: 0 });
}

/// Has the holders open their shares for an epoch. Who does not answer shows later.
pub async fn open_all(holders: &[Principal]) {
    join_all(holders.iter().map(|holder| ask::<u64>(&IcTransport, *holder, "open", ()))).await;
}

async fn roster<G: Group>(key: &KeyName, holders: &[Principal], threshold: u8) -> Option<Roster<G>> {
    let identities = join_all(holders.iter().map(|holder| enrol::<G>(key, *holder))).await;
    let identities: Vec<_> = identities.into_iter().collect::<Option<_>>()?;
    let pinned = join_all(holders.iter().map(|holder| pin(key, *holder))).await;
    if pinned.iter().any(Result::is_err) {
        return None;
    }
    Roster::new(key.name.clone().into_bytes(), threshold, identities).ok()
}

async fn enrol<G: Group>(key: &KeyName, holder: Principal) -> Option<Point<G>> {
    let identity: ByteBuf = ask(&IcTransport, holder, "begin_key", (key,)).await.ok()?;
    decode(&identity)
}

async fn pin(key: &KeyName, holder: Principal) -> Result<(), Silence> {
    ask(&IcTransport, holder, "pin_peers", (key,)).await
}

/// What follows from a phase that failed. Whether the ceremony goes on.
fn recover<G: Group>(key: &KeyName, ceremony: Ceremony<G>, trouble: &Trouble<G>, failures: u32) -> bool {
    let is_over = !trouble.evidence.is_empty() || failures >= MAX_TRIES;
    if ceremony.is_decided() || !is_over || trouble.at_fault().is_empty() {
        keep(key, &Kept { ceremony, failures });
        return true;
    }
    let session = ceremony.session;
    blame(key, &session, trouble);
    let at_fault = trouble.at_fault();
    match without(&session, &at_fault) {
        Some(next) => {
            let number = read_state(|state| state.last_number()) + 1;
            begin_attempt(key, Session { number, ..next });
            true
        }
        None => {
            storage::drop_ceremony(key);
            process_event(&Event::CeremonyFailed { key: key.clone() });
            false
        }
    }
}

fn blame<G: Group>(key: &KeyName, session: &Session<G>, trouble: &Trouble<G>) {
    let record = |holder: HolderIndex, reason: String, conviction: Option<Conviction>| {
        let fault = HolderFault { holder: holder.get(), reason, conviction };
        process_event(&Event::HolderAtFault { key: key.clone(), number: session.number, fault });
    };
    for evidence in &trouble.evidence {
        let conviction =
            Conviction { session: ByteBuf::from(encode(session)), evidence: ByteBuf::from(encode(evidence)) };
        record(evidence.holder(), "cheated".to_owned(), Some(conviction));
    }
    for (holder, reason) in &trouble.unheard {
        record(*holder, reason.clone(), None);
    }
}
