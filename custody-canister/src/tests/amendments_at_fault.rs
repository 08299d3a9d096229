//! When an amendment is sent again and when never, and by which tokens.

use std::time::Duration;

use release_types::{
    AmendOrder, AmendmentState, CredentialMode, CredentialPolicy, Ecosystem, Obstacle, OrderId,
    proposal::CredentialChange,
};

use super::{
    amending::{accept, carry_out, deprecation, fields, order, promotion, status, tag_latest, world_with},
    registries::{Behaviour, ReadBackMode},
    stub::Run,
    world::{NPM_READ_TOKEN, NPM_TOKEN, World, authority},
};
use crate::{
    credentials,
    state::{Event, event::DerivationPurpose},
    storage,
};
use AmendmentState::{Refused, Unconfirmed, Unknown, Verified};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const NO: Behaviour = Behaviour::Answer(401, "unauthorized");

#[test]
fn should_wait_for_hours_when_the_registry_asks_for_that_instead_of_taking_a_change() {
    let world = world_with([Behaviour::AskToWait("14400")]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(4 * HOUR - MINUTE);
    assert_eq!((status(&world).state, world.sent()), (Unknown, 1));
    world.runtime.settle();
    assert_eq!((status(&world).state, world.sent()), (Verified, 2));
}

#[test]
fn should_send_a_change_three_times_at_most() {
    let world = world_with(vec![Behaviour::NeverArrive; 5]);
    assert_eq!((carry_out(&world, promotion()), world.sent()), (Unconfirmed, 3));
}

#[test]
fn should_end_unconfirmed_when_the_second_sending_is_said_to_be_refused() {
    let world = world_with([Behaviour::NeverArrive, NO]);
    assert_eq!((carry_out(&world, promotion()), world.sent()), (Unconfirmed, 2));
}

#[test]
fn should_count_no_sending_that_never_left_custody() {
    let world = world_with([Behaviour::NotPerformed, NO]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(MINUTE);
    assert_eq!(world.sent(), 1, "it was not sent before, so it is sent at once");
    world.runtime.settle();
    assert!(matches!(status(&world).state, Refused { .. }), "the only one was refused");
}

#[test]
fn should_look_for_minutes_before_it_sends_a_change_again_whose_answer_never_came() {
    let world = world_with([Behaviour::NeverArrive]);
    let runtime = world.runtime.clone();
    let before_sending = move || {
        let mut surroundings = runtime.0.borrow_mut();
        surroundings.stuck_at = Some(surroundings.awaits + 1);
    };
    world.runtime.0.borrow_mut().before_key = Some(Box::new(before_sending));
    accept(&world, order(&world, promotion())).expect("a good amendment");
    while world.runtime.run_next_timer().expect("it is taken up") != Run::Dropped {}
    assert_eq!((status(&world).state, world.sent()), (AmendmentState::Sent, 1));
    world.runtime.upgrade();
    world.runtime.run_for(4 * MINUTE);
    assert_eq!((status(&world).state, world.sent()), (Unknown, 1));
    world.runtime.settle();
    assert_eq!((status(&world).state, world.sent()), (Verified, 2));
}

#[test]
fn should_go_on_looking_when_the_token_is_revoked_before_the_second_sending() {
    let world = world_with([Behaviour::NeverArrive]);
    let order = order(&world, promotion());
    let credential = order.credential;
    accept(&world, order).expect("a good amendment");
    world.runtime.run_for(MINUTE);
    let meanwhile = World { runtime: world.runtime.clone() };
    let revoke = move || meanwhile.change(credential, CredentialChange::Revoke);
    world.runtime.0.borrow_mut().before_key = Some(Box::new(revoke));
    world.runtime.run_for(HOUR);
    assert_eq!((status(&world).state, world.sent()), (Unknown, 1), "what was sent is never called unsent");
    tag_latest(&world, "1.0.1");
    world.runtime.settle();
    assert_eq!(status(&world).state, Verified);
}

#[test]
fn should_wait_when_the_document_to_be_written_back_is_not_to_be_had() {
    let page = "<!doctype html><title>Please wait</title>";
    let of_another = r#"{"name": "another", "_rev": "1"}"#;
    for answer in [(500, "oops"), (404, "{}"), (200, ""), (200, page), (200, of_another)] {
        let world = world_with([]);
        world.runtime.0.borrow_mut().registries.amendable.document_answer = Some(answer);
        accept(&world, order(&world, deprecation("old"))).expect("a good amendment");
        world.runtime.run_for(HOUR);
        let wait = status(&world).waiting.expect("it waits");
        let obstacle = wait.obstacle.map(|met| met.obstacle);
        assert_eq!((obstacle, world.sent()), (Some(Obstacle::RegistryUnreadable), 0), "{answer:?}");
        world.runtime.0.borrow_mut().registries.amendable.document_answer = None;
        world.runtime.settle();
        assert_eq!((status(&world).state, world.sent()), (Verified, 1), "{answer:?}");
    }
}

#[test]
fn should_read_with_a_token_no_more_often_than_allowed() {
    let world = world_with([]);
    let read_credential = Some(world.close_to_the_public(Ecosystem::Npm));
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Status(500);
    accept(&world, AmendOrder { read_credential, ..order(&world, promotion()) }).expect("a good amendment");
    world.runtime.settle();
    assert!(matches!(status(&world).state, Refused { .. }));
    let is_reading = |event: &Event| {
        matches!(event, Event::BoundDerivation { purpose: DerivationPurpose::AmendmentReading { .. } })
    };
    let events = storage::events().into_iter().map(|entry| entry.expect("replays").1);
    assert_eq!(events.filter(is_reading).count(), 120);
}

#[test]
fn should_amend_by_tokens_in_use_that_publish_or_stage_and_read_by_those_that_read() {
    let world = world_with([]);
    let good = order(&world, promotion());
    let of_mode = |mode, epoch| CredentialPolicy { mode, epoch, ..world.policy(Ecosystem::Npm) };
    let reading = world.activate(of_mode(CredentialMode::Read, 2), NPM_READ_TOKEN);
    let unused = |mode, epoch| {
        let args = world.sealed(of_mode(mode, epoch), NPM_TOKEN);
        credentials::deposit(&world.runtime, authority(), args).expect("deposits").id
    };
    let with = |credential, read_credential| {
        let id = OrderId("proposal-10".into());
        accept(&world, AmendOrder { id, credential, read_credential, ..good.clone() })
    };
    assert_eq!(fields(with(reading, None)), ["credential"]);
    assert_eq!(fields(with(unused(CredentialMode::Direct, 3), None)), ["credential"]);
    let unread = unused(CredentialMode::Read, 4);
    assert_eq!(fields(with(good.credential, Some(unread))), ["read_credential"]);
    let staging = world.activate(of_mode(CredentialMode::Staged, 5), NPM_TOKEN);
    with(staging, Some(reading)).expect("both are in use");
}
