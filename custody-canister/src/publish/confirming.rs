//! A second opinion on a digest that the registry shows, before its bytes are read: npm's own signature over it, or an
//! index's version document, which is made from its database where the first view is a page.

use std::time::Duration;

use registry_protocols::{
    npm::signature::{KeysReading, RegistryKeys, SignatureCheck},
    reading::{Comparison, Reading, Unreadable},
    receipt::Confirmation,
};
use release_types::{Ecosystem, Obstacle};

use crate::{
    obstacle,
    outcall::Inquiry,
    publish::{
        asking::{self, NotAsked},
        driver::Job,
        reading::{self, since},
    },
    registry,
    runtime::Runtime,
    state::{
        Event,
        event::{BlockedReason, RefusedReason},
        process_event,
        proof::ProofFact,
        read_state,
        registry_keys::RegistryKeysFact,
    },
};

/// How long a registry's keys are believed before they are read again.
const KEYS_FRESH_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What the second source says.
enum Opinion {
    Confirmed(Confirmation),
    /// It says otherwise; this is what it shows.
    Contradicted(String),
    /// npm: the version is signed, but by no key that was known, and had not expired, when it was checked; or it is not
    /// signed, though versions of this registry are.
    UnknownKey,
}

/// Asks for the second opinion; returns the pause before the next step.
pub async fn confirm<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let opinion = match job.order.registry.ecosystem {
        Ecosystem::Npm => registry_signature(job).await,
        Ecosystem::Pypi => second_view(job).await,
    };
    match opinion {
        Ok(Opinion::Confirmed(by)) => {
            job.record(|order, artifact| Event::Proof(ProofFact::Confirmed { order, artifact, by }));
            return Duration::ZERO;
        }
        Ok(Opinion::Contradicted(shown)) => {
            job.record(|order, artifact| Event::FoundMismatch { order, artifact, shown });
            return Duration::ZERO;
        }
        Ok(Opinion::UnknownKey) => job.wait_for(Obstacle::RegistryUnreadable),
        Err(obstacle) => job.wait_for(obstacle),
    }
    reading::wait_while_shown(job, BlockedReason::NotConfirmed)
}

/// npm: the version document once more, and the registry's signature in it.
async fn registry_signature<R: Runtime>(job: &Job<'_, R>) -> Result<Opinion, Obstacle> {
    let known = fresh_keys(job);
    let were_known = known.is_some();
    match checked_with(job, known).await? {
        // Signed by a key that came after the keys were read last.
        Opinion::UnknownKey if were_known => checked_with(job, None).await,
        opinion => Ok(opinion),
    }
}

/// Checks the signature with these keys, or with those that the registry publishes now.
async fn checked_with<R: Runtime>(
    job: &Job<'_, R>,
    known: Option<RegistryKeys>,
) -> Result<Opinion, Obstacle> {
    let now_ns = job.runtime.time_ns();
    let mut inquiries = vec![registry::read_inquiry(job.order, job.ordered, now_ns)];
    if known.is_none() {
        inquiries.push(registry::keys_inquiry(job.order));
    }
    let mut answers = asked(job, inquiries).await?.into_iter();
    let shown = answers.next().flatten().ok_or(Obstacle::NodesDisagree)?;
    let keys = match known {
        Some(keys) => keys,
        None => learn(job, &answers.next().flatten().ok_or(Obstacle::NodesDisagree)?)?,
    };
    let artifact = job.artifact();
    let Some(digests) = artifact.digests() else { panic!("BUG: a digest was compared with none") };
    let finding = registry::compare(digests, &artifact.sha256(), &shown).ok_or(Obstacle::NodesDisagree)?;
    match (finding.comparison, finding.shown) {
        (Comparison::Same, _) => {}
        (Comparison::Different, Some(shown)) => return Ok(Opinion::Contradicted(shown)),
        (Comparison::Unreadable(why), _) => return Err(obstacle::of_answer(why, now_ns)),
        _ => return Err(Obstacle::RegistryUnreadable),
    }
    let now_s = now_ns / 1_000_000_000;
    let check = registry::check_signature(job.order, digests, &shown, &keys, now_s);
    let check = check.ok_or(Obstacle::RegistryUnreadable)?;
    let is_proof = matches!(check, SignatureCheck::Valid { .. } | SignatureCheck::Invalid);
    if !is_proof && has_missed_keys(job) {
        // It signed once, so that no signature is no answer.
        return Err(Obstacle::RegistryUnreadable);
    }
    Ok(match check {
        SignatureCheck::Valid { key } => {
            note_signature(job);
            Opinion::Confirmed(Confirmation::RegistrySignature { key })
        }
        SignatureCheck::NoKeys => Opinion::Confirmed(Confirmation::RegistryWithoutKeys),
        // A registry that signs its versions signs this one, sooner or later.
        SignatureCheck::Unsigned if has_signed(job) => Opinion::UnknownKey,
        SignatureCheck::Unsigned => Opinion::Confirmed(Confirmation::Unsigned),
        SignatureCheck::UnknownKey => Opinion::UnknownKey,
        SignatureCheck::Invalid => {
            Opinion::Contradicted("the voted digest under an invalid signature of the registry".into())
        }
    })
}

/// The reduced answers to these inquiries, in their order; none where the nodes did not agree.
async fn asked<R: Runtime>(
    job: &Job<'_, R>,
    inquiries: Vec<Result<Inquiry, RefusedReason>>,
) -> Result<Vec<Option<Vec<u8>>>, Obstacle> {
    let inquiries: Result<Vec<_>, _> = inquiries.into_iter().collect();
    let inquiries = inquiries.map_err(|_| Obstacle::RegistryUnreadable)?;
    match asking::ask(job, job.read_token(), inquiries).await {
        Ok(answers) => Ok(answers.into_iter().map(|answer| answer.ok().map(|answer| answer.body)).collect()),
        Err(NotAsked::Waits(obstacle)) => Err(obstacle),
        Err(NotAsked::Never(_)) => Err(Obstacle::RegistryUnreadable),
    }
}

fn fresh_keys<R: Runtime>(job: &Job<'_, R>) -> Option<RegistryKeys> {
    let now_ns = job.runtime.time_ns();
    read_state(|state| {
        let learned = state.registry_keys(&job.order.registry.read_url)?;
        (since(now_ns, learned.read_at_ns) < KEYS_FRESH_FOR).then(|| learned.keys.clone())
    })
}

fn has_missed_keys<R: Runtime>(job: &Job<'_, R>) -> bool {
    let read_url = &job.order.registry.read_url;
    read_state(|state| state.registry_keys(read_url).is_some_and(|known| known.missed_since_ns.is_some()))
}

fn has_signed<R: Runtime>(job: &Job<'_, R>) -> bool {
    let read_url = &job.order.registry.read_url;
    read_state(|state| state.registry_keys(read_url).is_some_and(|known| known.has_signed))
}

/// Notes that this registry signs its versions, once.
fn note_signature<R: Runtime>(job: &Job<'_, R>) {
    if !has_signed(job) {
        let read_url = job.order.registry.read_url.clone();
        process_event(job.runtime, Event::RegistryKeys(RegistryKeysFact::FoundSignature { read_url }));
    }
}

/// Notes the keys that the nodes agree on. A registry that had keys and shows none is not taken for one without: the known
/// ones stay.
fn learn<R: Runtime>(job: &Job<'_, R>, reduced: &[u8]) -> Result<RegistryKeys, Obstacle> {
    let now_ns = job.runtime.time_ns();
    let shown = match KeysReading::parse_reduced(reduced).map_err(|_| Obstacle::NodesDisagree)? {
        Reading::Present(keys) => Ok(keys),
        Reading::Absent => Ok(RegistryKeys::default()),
        Reading::Unreadable {
            why: why @ (Unreadable::Unavailable | Unreadable::ComeBackLater { .. } | Unreadable::TooMany),
        } => return Err(obstacle::of_answer(why, now_ns)),
        // Whoever hides the keys must not make a registry one without.
        Reading::Unreadable { why } => Err(obstacle::of_answer(why, now_ns)),
    };
    let read_url = job.order.registry.read_url.clone();
    let known = read_state(|state| state.registry_keys(&read_url).cloned());
    let is_gone = shown.as_ref().map_or(true, |keys| keys.keys.is_empty());
    if let Some(known) = known.filter(|known| is_gone && !known.keys.keys.is_empty()) {
        if known.missed_since_ns.is_none() {
            process_event(job.runtime, Event::RegistryKeys(RegistryKeysFact::Missed { read_url }));
        }
        return Ok(known.keys);
    }
    let keys = shown?;
    let fact = RegistryKeysFact::Learned { read_url, keys: keys.clone() };
    process_event(job.runtime, Event::RegistryKeys(fact));
    Ok(keys)
}

/// PyPI: the version document, where the index has one.
async fn second_view<R: Runtime>(job: &Job<'_, R>) -> Result<Opinion, Obstacle> {
    let inquiry = match registry::second_view_inquiry(job.order, job.ordered, job.runtime.time_ns()) {
        Ok(Some(inquiry)) => Ok(inquiry),
        Ok(None) => return Ok(Opinion::Confirmed(Confirmation::SingleView)),
        Err(reason) => Err(reason),
    };
    let answer = asked(job, vec![inquiry]).await?.into_iter().next().flatten();
    let answer = answer.ok_or(Obstacle::NodesDisagree)?;
    let finding =
        registry::compare_second_view(&job.artifact().sha256(), &answer).ok_or(Obstacle::NodesDisagree)?;
    match (finding.comparison, finding.shown) {
        (Comparison::Same, _) => Ok(Opinion::Confirmed(Confirmation::SecondView)),
        (Comparison::Different, Some(shown)) => {
            Ok(Opinion::Contradicted(format!("the voted digest in one view and {shown} in the other")))
        }
        (Comparison::Unreadable(why), _) => Err(obstacle::of_answer(why, job.runtime.time_ns())),
        _ => Err(Obstacle::RegistryUnreadable),
    }
}
