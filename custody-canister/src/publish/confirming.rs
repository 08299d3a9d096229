//! A second opinion on a digest that the registry shows, before its bytes are read: npm's own signature over it, or an
//! index's version document, which is made from its database where the first view is a page.

use std::time::Duration;

use registry_protocols::{
    npm::signature::{KeysReading, RegistryKeys, SignatureCheck},
    reading::{Comparison, Reading, Unreadable},
    receipt::Confirmation,
};
use release_types::Ecosystem;

use crate::{
    publish::{
        asking,
        driver::Job,
        reading::{self, since},
    },
    registry,
    runtime::{CallError, Runtime},
    state::{
        Event,
        event::BlockedReason,
        process_event,
        proof::ProofFact,
        read_state,
        registry_keys::RegistryKeysFact,
    },
};
use registry_protocols::http::HttpAnswer;

/// How long a registry's keys are believed before they are read again.
const KEYS_FRESH_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What the second source says.
enum Opinion {
    Confirmed(Confirmation),
    /// It says otherwise; this is what it shows.
    Contradicted(String),
    /// Nothing can be told from it; ask again.
    Unclear,
}

/// Asks for the second opinion; returns the pause before the next step.
pub async fn confirm<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let opinion = match job.order.registry.ecosystem {
        Ecosystem::Npm => registry_signature(job).await,
        Ecosystem::Pypi => second_view(job).await,
    };
    match opinion {
        Opinion::Confirmed(by) => {
            job.record(|order, artifact| Event::Proof(ProofFact::Confirmed { order, artifact, by }));
            Duration::ZERO
        }
        Opinion::Contradicted(shown) => {
            job.record(|order, artifact| Event::FoundMismatch { order, artifact, shown });
            Duration::ZERO
        }
        Opinion::Unclear => reading::wait_while_shown(job, BlockedReason::NotConfirmed),
    }
}

/// npm: the version document once more, and the registry's signature in it.
async fn registry_signature<R: Runtime>(job: &Job<'_, R>) -> Opinion {
    let known = fresh_keys(job);
    match checked_with(job, known).await {
        // Signed by a key that came after the keys were read last.
        Some(Opinion::Unclear) => checked_with(job, None).await.unwrap_or(Opinion::Unclear),
        opinion => opinion.unwrap_or(Opinion::Unclear),
    }
}

/// Checks the signature with these keys, or with those that the registry publishes now. None: nothing was learned.
async fn checked_with<R: Runtime>(job: &Job<'_, R>, known: Option<RegistryKeys>) -> Option<Opinion> {
    let now_ns = job.runtime.time_ns();
    let mut inquiries = vec![registry::read_inquiry(job.order, job.ordered, now_ns).ok()?];
    if known.is_none() {
        inquiries.push(registry::keys_inquiry(job.order).ok()?);
    }
    let mut answers = asking::ask(job, job.read_token(), inquiries).await.ok()?.into_iter();
    let shown = answers.next()?.ok()?;
    let keys = match known {
        Some(keys) => keys,
        None => learn(job, answers.next()?)?,
    };
    let artifact = job.artifact();
    let digests = artifact.digests()?;
    let finding = registry::compare(digests, &artifact.sha256(), &shown.body)?;
    match finding.comparison {
        Comparison::Same => {}
        Comparison::Different => return Some(Opinion::Contradicted(finding.shown?)),
        Comparison::Absent | Comparison::Unreadable(_) => return None,
    }
    let now_s = now_ns / 1_000_000_000;
    Some(match registry::check_signature(job.order, digests, &shown.body, &keys, now_s)? {
        SignatureCheck::Valid { key } => Opinion::Confirmed(Confirmation::RegistrySignature { key }),
        SignatureCheck::NoKeys => Opinion::Confirmed(Confirmation::RegistryWithoutKeys),
        SignatureCheck::Unsigned => Opinion::Confirmed(Confirmation::Unsigned),
        SignatureCheck::UnknownKey => Opinion::Unclear,
        SignatureCheck::Invalid => {
            Opinion::Contradicted("the voted digest under an invalid signature of the registry".into())
        }
    })
}

fn fresh_keys<R: Runtime>(job: &Job<'_, R>) -> Option<RegistryKeys> {
    let now_ns = job.runtime.time_ns();
    read_state(|state| {
        let learned = state.registry_keys(&job.order.registry.read_url)?;
        (since(now_ns, learned.read_at_ns) < KEYS_FRESH_FOR).then(|| learned.keys.clone())
    })
}

/// Notes the keys that the nodes agree on. None: whether the registry has any is not known.
fn learn<R: Runtime>(job: &Job<'_, R>, answer: Result<HttpAnswer, CallError>) -> Option<RegistryKeys> {
    let keys = match KeysReading::parse_reduced(&answer.ok()?.body).ok()? {
        Reading::Present(keys) => keys,
        Reading::Unreadable { why: Unreadable::Unavailable | Unreadable::TooMany } => return None,
        // Registries without keys answer in many ways to a path that they do not know.
        Reading::Absent | Reading::Unreadable { .. } => RegistryKeys::default(),
    };
    let fact = RegistryKeysFact::Learned { read_url: job.order.registry.read_url.clone(), keys: keys.clone() };
    process_event(job.runtime, Event::RegistryKeys(fact));
    Some(keys)
}

/// PyPI: the version document, where the index has one.
async fn second_view<R: Runtime>(job: &Job<'_, R>) -> Opinion {
    let inquiry = match registry::second_view_inquiry(job.order, job.ordered, job.runtime.time_ns()) {
        Ok(Some(inquiry)) => inquiry,
        Ok(None) => return Opinion::Confirmed(Confirmation::SingleView),
        Err(_) => return Opinion::Unclear,
    };
    let answer = match asking::ask(job, job.read_token(), vec![inquiry]).await {
        Ok(answers) => answers.into_iter().next().and_then(Result::ok),
        Err(_) => None,
    };
    let finding =
        answer.and_then(|answer| registry::compare_second_view(&job.artifact().sha256(), &answer.body));
    match finding {
        Some(finding) if finding.comparison == Comparison::Same => {
            Opinion::Confirmed(Confirmation::SecondView)
        }
        Some(finding) if finding.comparison == Comparison::Different => {
            let shown = finding.shown.unwrap_or_default();
            Opinion::Contradicted(format!("the voted digest in one view and {shown} in the other"))
        }
        _ => Opinion::Unclear,
    }
}
