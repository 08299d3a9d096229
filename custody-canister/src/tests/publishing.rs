use base64::{Engine as _, engine::general_purpose::STANDARD};
use registry_protocols::{macaroon, secret::SecretToken};
use release_types::{
    CredentialPolicy, Ecosystem, OrderStatus, PublicationState, PublishOrder, Sha256Digest,
    proposal::CredentialChange,
};
use std::time::Duration;

use super::{
    registries::{Behaviour, ReadBackMode},
    world::{NPM_ATTACHMENT, NPM_TOKEN, SDIST, WHEEL, World, named, npm_bytes, states},
};
use crate::{
    queries,
    state::{Event, event::DerivationPurpose},
    storage,
};
use PublicationState::{Blocked, Mismatch, Pending, Prepared, Refused, Unknown, Verified};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// A day, and the longest pause between two looks.
const LOOKED_FOR_LONG: Duration = Duration::from_secs(30 * 3_600);

fn world_with(behaviours: impl IntoIterator<Item = Behaviour>) -> World {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.behaviours = behaviours.into_iter().collect();
    world
}

fn events() -> Vec<Event> {
    storage::events().into_iter().map(|entry| entry.expect("replays").1).collect()
}

fn refusal_of(state: &PublicationState) -> &str {
    match state {
        Refused { reason } => reason,
        other => panic!("not refused but {other:?}"),
    }
}

#[test]
fn should_publish_the_voted_bytes_once_and_sign_a_receipt_when_npm_answers() {
    let world = World::with_credentials();
    let status = world.carry_out(world.npm_order());
    assert!(status.is_verified(), "{status:?}");
    let surroundings = world.runtime.0.borrow();
    let received = &surroundings.registries.received;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].url, "https://npm.registry.example/@dao%2fdemo");
    assert_eq!(received[0].authorization, format!("Bearer {NPM_TOKEN}"));
    assert_eq!(surroundings.registries.published(NPM_ATTACHMENT), Some(npm_bytes().as_slice()));
}

#[test]
fn should_publish_all_files_of_a_release_with_narrowed_tokens_when_the_index_answers() {
    let world = World::with_credentials();
    let status = world.carry_out(world.pypi_order());
    assert!(status.is_verified(), "{status:?}");
    let surroundings = world.runtime.0.borrow();
    let received = &surroundings.registries.received;
    assert_eq!(received.iter().map(|request| request.filename.as_str()).collect::<Vec<_>>(), [WHEEL, SDIST]);
    for request in received {
        let basic = request.authorization.strip_prefix("Basic ").expect("basic");
        let pair = String::from_utf8(STANDARD.decode(basic).expect("base64")).expect("text");
        let token = pair.strip_prefix("__token__:").expect("the token user").as_bytes().to_vec();
        let restrictions =
            macaroon::restrictions(&SecretToken::new(token).expect("a token")).expect("a macaroon");
        assert_eq!(restrictions.projects, Some(vec!["demo".to_owned()]));
        let (from_s, until_s) =
            (restrictions.not_before_s.expect("from"), restrictions.expires_s.expect("until"));
        assert_eq!(until_s - from_s, 360);
        assert!(until_s * 1_000_000_000 <= surroundings.now_ns + 300 * 1_000_000_000);
    }
}

#[test]
fn should_put_what_was_decided_and_shown_on_the_receipt() {
    let world = World::with_credentials();
    let order = world.npm_order();
    let status = world.carry_out(order.clone());
    let receipt = queries::receipt(&status.id).expect("a receipt");
    let envelope: registry_protocols::receipt::Envelope =
        serde_json::from_str(&receipt.envelope_json).expect("an envelope");
    let payload = STANDARD.decode(envelope.payload).expect("base64");
    let statement: registry_protocols::receipt::Statement =
        serde_json::from_slice(&payload).expect("a statement");
    assert_eq!(statement.subject[0].digest.sha256, order.artifacts[0].sha256.to_string());
    assert!(statement.subject[0].digest.sha512.is_some());
    assert_eq!(statement.predicate.custody, world.runtime.custody().to_text());
    assert_eq!(statement.predicate.vote.map(|vote| vote.tally.yes), Some(3));
    assert!(statement.predicate.read_back.replicated);
    let on_log = events().into_iter().find_map(|event| match event {
        Event::SignedReceipt { envelope_sha256, .. } => Some(envelope_sha256),
        _ => None,
    });
    assert_eq!(on_log, Some(Sha256Digest::of(receipt.envelope_json.as_bytes())));
    assert_eq!(queries::list_receipts(&Default::default()), [receipt]);
}

#[test]
fn should_write_down_every_derivation_before_it_happens_and_what_it_is_for() {
    let world = World::with_credentials();
    world.carry_out(world.pypi_order());
    let bound = events().into_iter().filter_map(|event| match event {
        Event::BoundDerivation { purpose } => Some(purpose),
        _ => None,
    });
    let bound: Vec<_> = bound.collect();
    assert_eq!(bound.len(), world.runtime.0.borrow().derivations);
    let for_publication =
        |purpose: &&DerivationPurpose| matches!(purpose, DerivationPurpose::Publication { .. });
    assert_eq!(bound.iter().filter(for_publication).count(), 2);
}

#[test]
fn should_send_nothing_when_the_registry_shows_the_voted_bytes_already() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, &npm_bytes());
    let derivations = world.runtime.0.borrow().derivations;
    assert!(world.carry_out(world.npm_order()).is_verified());
    assert_eq!(world.sent(), 0);
    assert_eq!(world.runtime.0.borrow().derivations, derivations);
}

#[test]
fn should_raise_the_alarm_and_send_nothing_when_the_registry_shows_other_bytes() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, b"an attacker's bytes");
    let status = world.carry_out(world.npm_order());
    assert!(matches!(&states(&status)[..], [Mismatch { .. }]), "{status:?}");
    assert!(status.is_final() && !status.receipt);
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_raise_the_alarm_when_other_bytes_appear_after_sending() {
    let world = world_with([Behaviour::PublishOtherBytes]);
    let status = world.carry_out(world.npm_order());
    assert!(matches!(&states(&status)[..], [Mismatch { .. }]), "{status:?}");
}

#[test]
fn should_verify_without_sending_again_when_the_answer_is_lost() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let world = world_with([Behaviour::DropAnswer]);
        let order = world.order_of(ecosystem);
        let files = order.artifacts.len();
        assert!(world.carry_out(order).is_verified());
        assert_eq!(world.sent(), files);
    }
}

#[test]
fn should_send_again_only_after_the_bytes_were_absent_for_long_when_the_request_never_arrived() {
    let world = world_with([Behaviour::NeverArrive]);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(4 * MINUTE);
    assert_eq!(states(&world.status(&id)), [Unknown]);
    assert_eq!(world.sent(), 1);
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
    assert_eq!(world.sent(), 2);
}

#[test]
fn should_stop_after_three_times_and_call_people_when_nothing_ever_arrives() {
    let world = world_with(vec![Behaviour::NeverArrive; 10]);
    let status = world.carry_out(world.npm_order());
    assert!(matches!(&states(&status)[..], [Blocked { .. }]), "{status:?}");
    assert_eq!(world.sent(), 3);
}

#[test]
fn should_never_send_again_when_a_node_invents_a_success() {
    let world = world_with([Behaviour::InventSuccess]);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(2 * HOUR);
    assert_eq!(states(&world.status(&id)), [Pending]);
    world.runtime.settle();
    assert!(matches!(&states(&world.status(&id))[..], [Blocked { .. }]));
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_keep_polling_when_npm_shows_an_accepted_version_late() {
    let world = world_with([Behaviour::PublishLate(2 * HOUR.as_nanos() as u64)]);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(HOUR);
    assert_eq!(states(&world.status(&id)), [Pending]);
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
    assert!(world.runtime.0.borrow().registries.reads < 80, "back off");
}

#[test]
fn should_believe_a_no_only_after_reading_back() {
    let world = world_with([Behaviour::Answer(401, "unauthorized")]);
    let status = world.carry_out(world.npm_order());
    let Blocked { reason } = &states(&status)[0] else { panic!("{status:?}") };
    assert!(reason.contains("token-invalid: "), "{reason}");
    world.runtime.run_for(LOOKED_FOR_LONG);
    let status = world.status(&status.id);
    assert!(refusal_of(&states(&status)[0]).starts_with("token-invalid: "), "{status:?}");
    assert_eq!(world.sent(), 1);

    let lied = world_with([Behaviour::PublishAndAnswer(401, "unauthorized")]);
    assert!(lied.carry_out(lied.npm_order()).is_verified());
}

#[test]
fn should_never_believe_a_no_of_one_node_when_the_version_is_shown_minutes_later() {
    for minutes in [10, 20] {
        for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
            let delay_ns = (minutes * MINUTE).as_nanos() as u64;
            let world = world_with([Behaviour::PublishLateAndAnswer(delay_ns, 401, "unauthorized")]);
            let id = world.publish(world.order_of(ecosystem)).id;
            world.runtime.run_for((minutes - 1) * MINUTE);
            assert_eq!(states(&world.status(&id))[0], Unknown, "{minutes} minutes, {ecosystem}");
            world.runtime.settle();
            assert!(world.status(&id).is_verified(), "{minutes} minutes, {ecosystem}");
        }
    }
}

#[test]
fn should_verify_what_is_shown_hours_after_a_no_of_one_node() {
    for hours in [1, 5, 20] {
        for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
            let delay_ns = (hours * HOUR).as_nanos() as u64;
            let world = world_with([Behaviour::PublishLateAndAnswer(delay_ns, 401, "unauthorized")]);
            let id = world.publish(world.order_of(ecosystem)).id;
            world.runtime.run_for(hours * HOUR - MINUTE);
            assert!(matches!(states(&world.status(&id))[0], Blocked { .. }), "{hours} hours, {ecosystem}");
            world.runtime.run_for(LOOKED_FOR_LONG);
            assert!(world.status(&id).is_verified(), "{hours} hours, {ecosystem}");
        }
    }
}

#[test]
fn should_leave_it_to_people_when_the_last_of_several_sendings_was_refused() {
    let world = world_with([Behaviour::NeverArrive, Behaviour::Answer(401, "unauthorized")]);
    let id = world.carry_out(world.npm_order()).id;
    world.runtime.run_for(LOOKED_FOR_LONG);
    let status = world.status(&id);
    assert!(matches!(&states(&status)[..], [Blocked { .. }]), "{status:?}");
    assert_eq!(world.sent(), 2);
}

/// Something that forbids to send again, and comes up one minute after a sending that brought no answer.
type Obstacle = (&'static str, fn(&World, &PublishOrder));

/// Lets something happen while the next key is derived.
fn while_key_is_derived(world: &World, happening: impl FnMut() + 'static) {
    world.runtime.0.borrow_mut().before_key = Some(Box::new(happening));
}

fn wait_until(world: &World, moment_ns: u64) -> impl FnMut() + 'static {
    let runtime = world.runtime.clone();
    move || runtime.0.borrow_mut().now_ns = moment_ns
}

const OBSTACLES: [Obstacle; 7] = [
    ("the credential's time is over", |world, order| {
        wait_until(world, world.not_after_ns(named(order)))();
    }),
    ("the credential's time is over once its key is derived", |world, order| {
        while_key_is_derived(world, wait_until(world, world.not_after_ns(named(order))));
    }),
    ("the credential is revoked", |world, order| world.change(named(order), CredentialChange::Revoke)),
    ("the credential is revoked while its key is derived", |world, order| {
        let (revoking, id) = (World { runtime: world.runtime.clone() }, named(order));
        while_key_is_derived(world, move || revoking.change(id, CredentialChange::Revoke));
    }),
    ("the order expires while a key is derived", |world, order| {
        while_key_is_derived(world, wait_until(world, order.expires_at_ns));
    }),
    ("the source serves other bytes", |world, order| {
        let other = vec![0; npm_bytes().len()];
        world.runtime.0.borrow_mut().artifacts.insert(order.artifacts[0].sha256, other);
    }),
    ("the subnet derives no keys", |world, _| world.runtime.0.borrow_mut().failing_derivations = 1_000),
];

/// Sends once without an answer, then meets the obstacle.
fn meet(obstacle: Obstacle, behaviour: Behaviour) -> OrderStatus {
    let world = world_with([behaviour]);
    let now_ns = world.now_ns();
    let not_after_ns = now_ns + (8 * MINUTE).as_nanos() as u64;
    let short_lived = CredentialPolicy { epoch: 2, not_after_ns, ..world.policy(Ecosystem::Npm) };
    let order = PublishOrder {
        credential: Some(world.activate(short_lived, NPM_TOKEN)),
        expires_at_ns: now_ns + (12 * MINUTE).as_nanos() as u64,
        ..world.npm_order()
    };
    let id = world.publish(order.clone()).id;
    world.runtime.run_for(MINUTE);
    assert_eq!(states(&world.status(&id)), [Unknown], "{}", obstacle.0);
    (obstacle.1)(&world, &order);
    world.runtime.settle();
    assert_eq!(world.sent(), 1, "{}", obstacle.0);
    world.status(&id)
}

#[test]
fn should_verify_what_appears_late_though_it_may_no_longer_be_sent_again() {
    let delay_ns = (20 * MINUTE).as_nanos() as u64;
    for obstacle in OBSTACLES {
        let status = meet(obstacle, Behaviour::PublishLateAndDropAnswer(delay_ns));
        assert!(status.is_verified(), "{}: {status:?}", obstacle.0);
    }
}

#[test]
fn should_not_say_that_nothing_was_published_when_a_sending_was_never_answered() {
    for obstacle in OBSTACLES {
        let status = meet(obstacle, Behaviour::NeverArrive);
        assert!(matches!(&states(&status)[..], [Blocked { .. }]), "{}: {status:?}", obstacle.0);
    }
}

#[test]
fn should_wait_longer_than_a_version_may_stay_invisible_when_the_registry_asks_for_it() {
    let world = world_with([Behaviour::AskToWait("18000")]);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(4 * HOUR);
    assert_eq!(states(&world.status(&id)), [Unknown]);
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
    assert_eq!(world.sent(), 2);
}

#[test]
fn should_count_already_exists_as_success_only_with_the_same_digest() {
    let conflict = "Cannot publish over previously published version";
    let ours = world_with([Behaviour::PublishAndAnswer(409, conflict)]);
    assert!(ours.carry_out(ours.npm_order()).is_verified());

    let nowhere = world_with([Behaviour::Answer(409, conflict)]);
    let status = nowhere.carry_out(nowhere.npm_order());
    assert!(matches!(&states(&status)[..], [Blocked { .. }]), "{status:?}");
    assert_eq!(nowhere.sent(), 1);
}

#[test]
fn should_wait_and_send_again_when_the_registry_asks_for_patience_or_fails() {
    for status in [429, 503, 500] {
        let world = world_with([Behaviour::Answer(status, "later")]);
        assert!(world.carry_out(world.npm_order()).is_verified(), "{status}");
        assert_eq!(world.sent(), 2);
    }
}

#[test]
fn should_go_back_to_prepared_when_the_request_never_left_the_canister() {
    let world = world_with([Behaviour::NotPerformed]);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_millis(500));
    assert_eq!(states(&world.status(&id)), [Prepared]);
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_not_continue_a_release_whose_first_file_was_refused() {
    let world = world_with([Behaviour::Answer(403, "Invalid or non-existent authentication information")]);
    let id = world.carry_out(world.pypi_order()).id;
    world.runtime.run_for(LOOKED_FOR_LONG);
    let states = states(&world.status(&id));
    assert!(refusal_of(&states[0]).starts_with("token-invalid: "), "{states:?}");
    assert!(refusal_of(&states[1]).contains("earlier artifact"), "{states:?}");
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_never_take_an_unreadable_registry_for_an_empty_one() {
    for mode in [ReadBackMode::NoConsensus, ReadBackMode::Status(503), ReadBackMode::Status(500)] {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.read_backs = mode;
        let id = world.publish(world.npm_order()).id;
        world.runtime.run_for(HOUR);
        assert_eq!(states(&world.status(&id)), [Prepared]);
        assert_eq!(world.sent(), 0);
        world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
        world.runtime.settle();
        assert!(world.status(&id).is_verified());
    }
}

#[test]
fn should_not_decide_anything_while_a_sent_artifact_cannot_be_read_back() {
    let world = world_with([Behaviour::DropAnswer]);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_secs(1));
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::NoConsensus;
    world.runtime.run_for(HOUR);
    assert_eq!(states(&world.status(&id)), [Unknown]);
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_refuse_before_deriving_when_the_registry_cannot_be_read_without_credentials() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Status(401);
    let derivations = world.runtime.0.borrow().derivations;
    let status = world.carry_out(world.npm_order());
    assert!(refusal_of(&states(&status)[0]).contains("without a token"));
    assert_eq!(world.runtime.0.borrow().derivations, derivations);
}

#[test]
fn should_refuse_when_the_source_serves_other_bytes() {
    let world = World::with_credentials();
    let order = world.npm_order();
    let mut other = npm_bytes();
    other[0] ^= 1;
    world.runtime.0.borrow_mut().artifacts.insert(order.artifacts[0].sha256, other);
    let status = world.carry_out(order);
    assert!(refusal_of(&states(&status)[0]).contains("approved bytes"), "{status:?}");
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_wait_for_a_source_that_does_not_answer_until_the_order_expires() {
    let world = World::with_credentials();
    let order = world.npm_order();
    world.runtime.0.borrow_mut().source_is_down = true;
    let status = world.carry_out(order);
    assert!(refusal_of(&states(&status)[0]).contains("time was over"), "{status:?}");
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_send_nothing_when_the_credential_is_revoked_while_its_key_is_derived() {
    let world = World::with_credentials();
    let order = world.npm_order();
    let (revoking, id) = (World { runtime: world.runtime.clone() }, named(&order));
    let revoke = move || revoking.change(id, CredentialChange::Revoke);
    world.runtime.0.borrow_mut().before_key = Some(Box::new(revoke));
    let status = world.carry_out(order);
    assert!(refusal_of(&states(&status)[0]).contains("revoked"), "{status:?}");
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_derive_a_bounded_number_of_times_when_the_subnet_does_not_deliver() {
    let world = World::with_credentials();
    let before = world.runtime.0.borrow().derivations;
    world.runtime.0.borrow_mut().failing_derivations = 1_000;
    let status = world.carry_out(world.npm_order());
    assert!(refusal_of(&states(&status)[0]).contains("derived several times"), "{status:?}");
    assert_eq!(world.runtime.0.borrow().derivations - before, 8);
}

#[test]
fn should_wait_for_cycles_before_a_step_that_cannot_be_paid() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().cycles = 2_000_000_000;
    let before = world.runtime.0.borrow().derivations;
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(HOUR);
    assert_eq!(states(&world.status(&id)), [Prepared]);
    assert_eq!(world.runtime.0.borrow().derivations, before);
    world.runtime.0.borrow_mut().cycles = 1_000_000_000_000;
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
}

#[test]
fn should_verify_artifacts_one_after_the_other() {
    let world = world_with([Behaviour::PublishLate(10 * MINUTE.as_nanos() as u64)]);
    let id = world.publish(world.pypi_order()).id;
    world.runtime.run_for(5 * MINUTE);
    assert_eq!(states(&world.status(&id)), [Pending, Prepared]);
    world.runtime.settle();
    assert_eq!(states(&world.status(&id)), [Verified, Verified]);
}

#[test]
fn should_keep_what_a_notice_is_about_and_none_of_its_text() {
    use release_types::Notice;
    let text = "npm tokens that bypass 2FA are being restricted; npm_0123456789abcdefghijABCDEFGHIJ012345";
    let world = world_with([Behaviour::PublishWithNotice(text)]);
    let order = world.npm_order();
    let credential = order.credential.expect("a direct order names one");
    assert!(world.carry_out(order).is_verified());
    let seen = queries::credential(&credential).expect("in custody").notice.expect("a notice");
    assert_eq!(seen.notice, Notice::TokenRestricted);
    let on_log = events().into_iter().filter(|event| matches!(event, Event::GotNotice { .. }));
    assert_eq!(on_log.count(), 1);
    assert!(!format!("{:?}", storage::events()).contains("bypass 2FA"));
}
