//! The ways to publish in which other people send or approve: verify-only and npm's staging area; and registries that
//! show nothing without a token.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use release_types::{
    CredentialMode, CredentialPolicy, Ecosystem, Obstacle, OrderStatus, PublicationState, PublishOrder,
    PublishingMode, Sha256Digest, credential::ProbeOutcome, proposal::CredentialChange,
};
use serde_json::Value;

use super::{
    registries::{Behaviour, ReadBackMode, Serving, Staged},
    stub::{Run, assert_log_adds_up},
    world::{NPM_ATTACHMENT, NPM_TOKEN, PYPI_READ_TOKEN, PYPI_TOKEN, World, authority, npm_bytes, states},
};
use crate::{
    publish, queries,
    state::{Event, read_state, staging::MAX_STAGE_READINGS},
    storage,
};
use PublicationState::{AwaitingRelease, Blocked, Mismatch, Prepared, Refused, Shown};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Five chunks, like the larger of the packages that this began with.
const LARGE_BYTES: usize = 4_400_000;

pub fn order_in(world: &World, mode: PublishingMode, bytes: &[u8]) -> PublishOrder {
    let mut order = world.npm_order();
    let sha256 = Sha256Digest::of(bytes);
    world.runtime.0.borrow_mut().artifacts.insert(sha256, bytes.to_vec());
    (order.artifacts[0].sha256, order.artifacts[0].size_bytes) = (sha256, bytes.len() as u64);
    order.mode = mode;
    order.credential = mode.credential_mode().map(|mode| activate(world, mode));
    order.expires_at_ns = world.now_ns() + (14 * DAY).as_nanos() as u64;
    order
}

fn activate(world: &World, mode: CredentialMode) -> release_types::CredentialId {
    world.activate(CredentialPolicy { mode, ..world.policy(Ecosystem::Npm) }, NPM_TOKEN)
}

fn large_bytes() -> Vec<u8> {
    (0..LARGE_BYTES).map(|i| (i % 249) as u8).collect()
}

pub fn put(world: &World, bytes: &[u8]) {
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, bytes);
}

pub fn serve(world: &World, serving: Serving) {
    world.runtime.0.borrow_mut().registries.serving = serving;
}

pub fn stage(world: &World, bytes: &[u8]) -> String {
    let mut surroundings = world.runtime.0.borrow_mut();
    let id = format!("0fb3eb3c-9670-40a5-a1aa-{:012}", 100 + surroundings.registries.staged.len());
    let staged = Staged { id: id.clone(), tag: "latest", bytes: bytes.to_vec(), visible_from_ns: 0 };
    surroundings.registries.staged.push(staged);
    id
}

/// A person approves what is staged first: it is published.
fn approve(world: &World) {
    let mut surroundings = world.runtime.0.borrow_mut();
    let staged = surroundings.registries.staged.remove(0);
    surroundings.registries.put(NPM_ATTACHMENT, &staged.bytes);
}

fn reject(world: &World) {
    world.runtime.0.borrow_mut().registries.staged.clear();
}

fn derivations(world: &World) -> usize {
    world.runtime.0.borrow().derivations
}

pub fn only(status: &OrderStatus) -> PublicationState {
    states(status).remove(0)
}

/// What the receipt says of the mode and of the bytes that were read.
fn receipt_facts(status: &OrderStatus) -> (String, String) {
    let receipt = queries::receipt(&status.id).expect("a receipt");
    let envelope: Value = serde_json::from_str(&receipt.envelope_json).expect("JSON");
    let payload = STANDARD.decode(envelope["payload"].as_str().expect("a payload")).expect("base64");
    let statement: Value = serde_json::from_slice(&payload).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let predicate = &statement["predicate"];
    (text(&predicate["mode"]), text(&predicate["readBack"]["bytes"][0]))
}

mod verify_only {
    use super::*;

    #[test]
    fn should_verify_what_other_people_published_without_a_token() {
        let world = World::new();
        let order = order_in(&world, PublishingMode::VerifyOnly, &npm_bytes());
        let id = world.publish(order).id;
        world.runtime.run_for(3 * DAY);
        assert_eq!(only(&world.status(&id)), AwaitingRelease);
        let looks = world.runtime.0.borrow().registries.reads;
        assert!((280..400).contains(&looks), "every 15 minutes in the end: {looks}");
        put(&world, &npm_bytes());
        world.runtime.run_for(16 * MINUTE);
        let status = world.status(&id);
        assert!(status.is_verified(), "{status:?}");
        assert_eq!(receipt_facts(&status), ("verify-only".into(), "whole".into()));
        assert_eq!((world.sent(), derivations(&world)), (0, 0));
    }

    #[test]
    fn should_raise_the_alarm_when_other_bytes_are_published() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())).id;
        world.runtime.run_for(HOUR);
        put(&world, b"something else");
        world.runtime.settle();
        let status = world.status(&id);
        assert!(matches!(only(&status), Mismatch { .. }) && !status.receipt, "{status:?}");
    }

    #[test]
    fn should_raise_the_alarm_when_the_voted_bytes_stand_under_a_document_with_another_dependency() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())).id;
        world.runtime.run_for(HOUR);
        world.runtime.0.borrow_mut().registries.added_dependency = Some("evil".into());
        put(&world, &npm_bytes());
        world.runtime.settle();
        let status = world.status(&id);
        let Mismatch { shown } = only(&status) else { panic!("{status:?}") };
        assert!(shown.contains("more than was voted") && !status.receipt, "{shown}");
    }

    #[test]
    fn should_raise_the_alarm_when_the_registry_serves_other_bytes_under_the_voted_digest() {
        for (bytes, other) in [(npm_bytes(), b"other".to_vec()), (large_bytes(), vec![0; LARGE_BYTES])] {
            let run = std::thread::spawn(move || {
                let world = World::new();
                put(&world, &bytes);
                serve(&world, Serving::Other(other));
                let status = world.carry_out(order_in(&world, PublishingMode::VerifyOnly, &bytes));
                let Mismatch { shown } = only(&status) else { panic!("{status:?}") };
                assert!(shown.contains("serves other bytes") && !status.receipt);
            });
            run.join().expect("an alarm");
        }
    }

    #[test]
    fn should_wait_for_nothing_when_the_source_has_other_bytes_than_were_voted() {
        let world = World::new();
        let order = order_in(&world, PublishingMode::VerifyOnly, &npm_bytes());
        let other = npm_bytes().into_iter().rev().collect();
        world.runtime.0.borrow_mut().artifacts.insert(order.artifacts[0].sha256, other);
        let status = world.carry_out(order);
        let Refused { reason } = only(&status) else { panic!("{status:?}") };
        assert!(reason.contains("no longer serves the approved bytes"), "{reason}");
        assert_eq!(world.runtime.0.borrow().registries.reads, 0);
    }

    #[test]
    fn should_end_with_advice_when_nobody_publishes() {
        let world = World::new();
        let order = order_in(&world, PublishingMode::VerifyOnly, &npm_bytes());
        let expires_at_ns = order.expires_at_ns;
        let status = world.carry_out(order);
        let Refused { reason } = only(&status) else { panic!("{status:?}") };
        assert!(reason.contains("nobody published it in time"), "{reason}");
        assert!(world.now_ns() >= expires_at_ns);
    }

    /// Lets the registry answer every look so for a time; custody waits, says what stands in the way, and goes on.
    #[test]
    fn should_wait_when_the_registry_cannot_be_read_for_a_while() {
        for (mode, answer) in [PublishingMode::VerifyOnly, PublishingMode::StagedElsewhere]
            .into_iter()
            .flat_map(|mode| [301, 302, 401, 403, 503].map(|answer| (mode, answer)))
        {
            let run = std::thread::spawn(move || {
                let world = World::new();
                let let_looks_be =
                    |read_backs| world.runtime.0.borrow_mut().registries.read_backs = read_backs;
                let order = order_in(&world, mode, &npm_bytes());
                let_looks_be(ReadBackMode::Status(answer));
                let id = world.publish(order).id;
                world.runtime.run_for(DAY);
                let status = world.status(&id);
                assert_eq!(only(&status), Prepared);
                let obstacle = status.waiting.and_then(|wait| wait.obstacle).expect("something in the way");
                assert_eq!(obstacle.obstacle, Obstacle::RegistryUnreadable);
                let_looks_be(ReadBackMode::Honest);
                put(&world, &npm_bytes());
                world.runtime.run_for(HOUR);
                assert!(world.status(&id).is_verified(), "{:?}", world.status(&id));
            });
            run.join().unwrap_or_else(|_| panic!("{mode}, {answer}"));
        }
    }

    #[test]
    fn should_call_people_when_the_registry_cannot_be_read_at_the_end() {
        for mode in [PublishingMode::VerifyOnly, PublishingMode::StagedElsewhere] {
            let run = std::thread::spawn(move || {
                let world = World::new();
                let id = world.publish(order_in(&world, mode, &npm_bytes())).id;
                world.runtime.run_for(13 * DAY);
                world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Status(503);
                world.runtime.run_for(25 * HOUR);
                assert!(!world.status(&id).is_final(), "it may be readable soon");
                world.runtime.run_for(4 * HOUR);
                let Blocked { reason } = only(&world.status(&id)) else { panic!("{:?}", world.status(&id)) };
                assert!(reason.contains("could not be read"), "{reason}");
            });
            run.join().unwrap_or_else(|_| panic!("{mode}"));
        }
    }

    #[test]
    fn should_compare_a_large_file_range_by_range() {
        let world = World::new();
        put(&world, &large_bytes());
        let status = world.carry_out(order_in(&world, PublishingMode::VerifyOnly, &large_bytes()));
        assert!(status.is_verified(), "{status:?}");
        assert_eq!(receipt_facts(&status), ("verify-only".into(), "in-ranges".into()));
    }

    #[test]
    fn should_say_on_the_receipt_that_the_bytes_were_not_read_when_no_ranges_are_served() {
        for serving in [Serving::WithoutRanges, Serving::Status(302), Serving::Status(401)] {
            let expected =
                if serving == Serving::WithoutRanges { "not-read-no-ranges" } else { "not-read-elsewhere" };
            let run = std::thread::spawn(move || {
                let world = World::new();
                put(&world, &large_bytes());
                serve(&world, serving);
                let status = world.carry_out(order_in(&world, PublishingMode::VerifyOnly, &large_bytes()));
                assert!(status.is_verified(), "{status:?}");
                assert_eq!(receipt_facts(&status).1, expected);
            });
            run.join().expect("a receipt");
        }
    }

    #[test]
    fn should_wait_for_a_file_that_is_not_served_yet_and_then_call_people() {
        for is_late in [true, false] {
            let run = std::thread::spawn(move || {
                let world = World::new();
                put(&world, &npm_bytes());
                serve(&world, Serving::NotFound);
                let id = world.publish(order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())).id;
                world.runtime.run_for(2 * HOUR);
                assert_eq!(only(&world.status(&id)), Shown);
                if is_late {
                    serve(&world, Serving::Honest);
                }
                world.runtime.run_for(2 * HOUR);
                let status = world.status(&id);
                if is_late {
                    assert!(status.is_verified(), "{status:?}");
                } else {
                    let Blocked { reason } = only(&status) else { panic!("{status:?}") };
                    assert!(reason.contains("did not serve the file"), "{reason}");
                }
            });
            run.join().expect("as expected");
        }
    }
}

mod staged {
    use super::*;

    /// The stage that a person is told to approve.
    fn to_approve(status: &OrderStatus) -> (String, Vec<String>) {
        let PublicationState::Staged { stage, do_not_approve, .. } = only(status) else {
            panic!("nothing to approve: {status:?}")
        };
        (stage, do_not_approve)
    }

    #[test]
    fn should_stage_prove_and_verify_what_a_person_approved() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(10 * MINUTE);
        let status = world.status(&id);
        let (stage, foreign) = to_approve(&status);
        assert!(stage.starts_with("0fb3eb3c-") && foreign.is_empty());
        assert_eq!(world.sent(), 1);
        assert!(world.runtime.0.borrow().registries.received[0].url.contains("/-/stage/package/"));
        assert_eq!(derivations(&world), 1 + 1 + 2, "activation, sending, list and bytes");
        approve(&world);
        world.runtime.run_for(10 * MINUTE);
        let status = world.status(&id);
        assert!(status.is_verified(), "{status:?}");
        assert_eq!(receipt_facts(&status), ("staged".into(), "whole".into()));
    }

    #[test]
    fn should_tell_people_not_to_approve_other_bytes() {
        let world = World::new();
        world.runtime.0.borrow_mut().registries.behaviours = [Behaviour::PublishOtherBytes].into();
        let status = world.carry_out(order_in(&world, PublishingMode::Staged, &npm_bytes()));
        let Mismatch { shown } = only(&status) else { panic!("{status:?}") };
        assert!(shown.contains("do NOT approve"), "{shown}");
        assert!(!status.receipt);
    }

    #[test]
    fn should_name_a_foreign_stage_beside_the_one_to_approve() {
        let world = World::new();
        let foreign = stage(&world, b"somebody else's");
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(10 * MINUTE);
        let (stage, do_not_approve) = to_approve(&world.status(&id));
        assert_ne!(stage, foreign);
        assert!(do_not_approve[0].contains(&foreign) && do_not_approve[0].contains("other bytes"));
    }

    #[test]
    fn should_not_prove_a_stage_under_another_tag() {
        let world = World::new();
        stage(&world, &npm_bytes());
        world.runtime.0.borrow_mut().registries.staged[0].tag = "beta";
        let status = world.carry_out(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes()));
        let Mismatch { shown } = only(&status) else { panic!("{status:?}") };
        assert!(shown.contains("another dist-tag"), "{shown}");
    }

    #[test]
    fn should_call_people_when_the_stage_is_gone_and_verify_what_is_shown_late() {
        for is_approved in [false, true] {
            let run = std::thread::spawn(move || {
                let world = World::new();
                let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
                world.runtime.run_for(10 * MINUTE);
                to_approve(&world.status(&id));
                reject(&world);
                world.runtime.settle();
                world.runtime.run_for(DAY);
                let status = world.status(&id);
                let Blocked { reason } = only(&status) else { panic!("{status:?}") };
                assert!(reason.contains("rejected it or it expired"), "{reason}");
                assert!(!status.receipt);
                if is_approved {
                    put(&world, &npm_bytes());
                }
                world.runtime.run_for(DAY);
                assert_eq!(world.status(&id).is_verified(), is_approved);
            });
            run.join().expect("an alarm");
        }
    }

    #[test]
    fn should_give_an_approved_version_hours_to_appear_once_its_stage_is_gone() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(10 * MINUTE);
        to_approve(&world.status(&id));
        reject(&world);
        let gone_ns = || read_state(|state| state.order(&id)?.artifacts()[0].staging().gone_since_ns());
        while gone_ns().is_none() {
            world.runtime.run_next_timer().expect("the staging area is read");
        }
        world.runtime.run_for(3 * HOUR - 10 * MINUTE);
        to_approve(&world.status(&id));
        world.runtime.run_for(20 * MINUTE);
        assert!(matches!(only(&world.status(&id)), Blocked { .. }), "{:?}", world.status(&id));
    }

    #[test]
    fn should_raise_the_alarm_when_other_bytes_go_live_than_were_proven() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(10 * MINUTE);
        to_approve(&world.status(&id));
        put(&world, b"something else");
        world.runtime.settle();
        assert!(matches!(only(&world.status(&id)), Mismatch { .. }));
    }

    #[test]
    fn should_stage_again_only_after_the_staging_area_was_empty_for_long() {
        let world = World::new();
        world.runtime.0.borrow_mut().registries.behaviours = [Behaviour::NeverArrive].into();
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(4 * MINUTE);
        assert_eq!(world.sent(), 1);
        world.runtime.run_for(26 * MINUTE);
        assert_eq!(world.sent(), 2);
        to_approve(&world.status(&id));
    }

    #[test]
    fn should_find_the_stage_whose_answer_was_lost_or_was_a_no() {
        let answers = [Behaviour::DropAnswer, Behaviour::PublishAndAnswer(409, "is already staged")];
        for behaviour in answers {
            let run = std::thread::spawn(move || {
                let world = World::new();
                world.runtime.0.borrow_mut().registries.behaviours = [behaviour].into();
                let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
                world.runtime.run_for(10 * MINUTE);
                to_approve(&world.status(&id));
                assert_eq!(world.sent(), 1);
            });
            run.join().expect("it is found");
        }
    }

    #[test]
    fn should_prove_nothing_when_a_node_invents_that_it_was_staged() {
        let world = World::new();
        world.runtime.0.borrow_mut().registries.behaviours = [Behaviour::InventSuccess].into();
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(4 * HOUR);
        let status = world.status(&id);
        assert!(matches!(only(&status), Blocked { .. }) && !status.receipt, "{status:?}");
    }

    #[test]
    fn should_call_people_when_nobody_approves_and_derive_few_keys_until_then() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(15 * DAY);
        let Blocked { reason } = only(&world.status(&id)) else { panic!("still waiting") };
        assert!(reason.contains("nobody approved"), "{reason}");
        assert!(derivations(&world) <= 70, "{}", derivations(&world));
    }

    #[test]
    fn should_prove_what_ci_staged_of_any_size() {
        let world = World::new();
        let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &large_bytes())).id;
        world.runtime.run_for(3 * HOUR);
        let PublicationState::AwaitingStage { readings_left } = only(&world.status(&id)) else {
            panic!("nothing was staged")
        };
        assert!((MAX_STAGE_READINGS - 15..MAX_STAGE_READINGS).contains(&readings_left), "{readings_left}");
        let staged = stage(&world, &large_bytes());
        world.runtime.run_for(HOUR + MINUTE);
        assert_eq!(to_approve(&world.status(&id)).0, staged);
        approve(&world);
        world.runtime.run_for(10 * MINUTE);
        let status = world.status(&id);
        assert!(status.is_verified(), "{status:?}");
        assert_eq!(receipt_facts(&status), ("staged-elsewhere".into(), "in-ranges".into()));
        assert_eq!(world.sent(), 0);
    }

    #[test]
    fn should_call_people_when_large_staged_bytes_cannot_be_read() {
        let world = World::new();
        stage(&world, &large_bytes());
        serve(&world, Serving::WithoutRanges);
        let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &large_bytes())).id;
        world.runtime.run_for(HOUR);
        let Blocked { reason } = only(&world.status(&id)) else { panic!("it cannot be proven") };
        assert!(reason.contains("compare them by hand"), "{reason}");
    }

    #[test]
    fn should_end_with_advice_when_nobody_stages_and_derive_no_more_than_allowed() {
        let world = World::new();
        let status = world.carry_out(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes()));
        let Refused { reason } = only(&status) else { panic!("{status:?}") };
        assert!(reason.contains("nobody staged it in time"), "{reason}");
        assert!(derivations(&world) <= 1 + usize::from(MAX_STAGE_READINGS), "{}", derivations(&world));
    }

    fn obstacle(status: &OrderStatus) -> Option<Obstacle> {
        status.waiting.as_ref().and_then(|wait| wait.obstacle).map(|met| met.obstacle)
    }

    #[test]
    fn should_say_that_too_much_is_staged_until_people_made_room() {
        for (beside, of_version) in [(200, 1), (0, 9)] {
            let run = std::thread::spawn(move || {
                let world = World::new();
                let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes())).id;
                world.runtime.run_for(MINUTE);
                world.runtime.0.borrow_mut().registries.staged_beside = beside;
                for _ in 0..of_version {
                    stage(&world, &npm_bytes());
                }
                world.runtime.run_for(10 * HOUR);
                let status = world.status(&id);
                assert!(matches!(only(&status), PublicationState::AwaitingStage { .. }), "{status:?}");
                assert_eq!(obstacle(&status), Some(Obstacle::TooManyStages));
                assert!(Obstacle::TooManyStages.ends_when().contains("reject"));
                let met =
                    |entry: &Result<(u64, Event), _>| matches!(entry, Ok((_, Event::MetObstacle { .. })));
                assert_eq!(
                    storage::events().iter().filter(|entry| met(entry)).count(),
                    1,
                    "it stands all the time"
                );
                world.runtime.0.borrow_mut().registries.staged_beside = 0;
                world.runtime.0.borrow_mut().registries.staged.truncate(1);
                world.runtime.run_for(2 * HOUR);
                assert_eq!(obstacle(&world.status(&id)), None);
                to_approve(&world.status(&id));
            });
            run.join().unwrap_or_else(|_| panic!("{beside}, {of_version}"));
        }
    }

    #[test]
    fn should_read_few_times_what_is_staged_and_gone_when_it_is_read() {
        let world = World::new();
        serve(&world, Serving::NotFound);
        stage(&world, &npm_bytes());
        let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes())).id;
        world.runtime.run_for(3 * HOUR);
        assert!(derivations(&world) < 30, "{}", derivations(&world));
        serve(&world, Serving::Honest);
        world.runtime.run_for(3 * HOUR);
        to_approve(&world.status(&id));
    }

    #[test]
    fn should_prove_a_stage_on_the_second_page() {
        let world = World::new();
        world.runtime.0.borrow_mut().registries.staged_beside = 199;
        let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
        world.runtime.run_for(10 * MINUTE);
        to_approve(&world.status(&id));
    }

    #[test]
    fn should_wait_when_staged_bytes_are_not_shown_for_a_while() {
        for mode in [PublishingMode::Staged, PublishingMode::StagedElsewhere] {
            for serving in [Serving::Status(401), Serving::Status(403), Serving::Status(500)] {
                let run = std::thread::spawn(move || {
                    let world = World::new();
                    serve(&world, serving);
                    let order = order_in(&world, mode, &npm_bytes());
                    if mode == PublishingMode::StagedElsewhere {
                        stage(&world, &npm_bytes());
                    }
                    let id = world.publish(order).id;
                    world.runtime.run_for(5 * HOUR);
                    let status = world.status(&id);
                    assert!(!matches!(only(&status), Blocked { .. }), "{status:?}");
                    assert_eq!(obstacle(&status), Some(Obstacle::StagesUnreadable));
                    assert!(derivations(&world) < 20, "{}", derivations(&world));
                    serve(&world, Serving::Honest);
                    world.runtime.run_for(2 * HOUR);
                    to_approve(&world.status(&id));
                    assert_eq!(obstacle(&world.status(&id)), None);
                });
                run.join().unwrap_or_else(|_| panic!("{mode}"));
            }
        }
    }

    #[test]
    fn should_call_people_when_staged_bytes_are_not_shown_until_the_end() {
        for mode in [PublishingMode::Staged, PublishingMode::StagedElsewhere] {
            let run = std::thread::spawn(move || {
                let world = World::new();
                serve(&world, Serving::Status(401));
                let order = PublishOrder {
                    expires_at_ns: world.now_ns() + DAY.as_nanos() as u64,
                    ..order_in(&world, mode, &npm_bytes())
                };
                if mode == PublishingMode::StagedElsewhere {
                    stage(&world, &npm_bytes());
                }
                let id = world.publish(order).id;
                world.runtime.run_for(23 * HOUR);
                assert!(!matches!(only(&world.status(&id)), Blocked { .. }));
                world.runtime.run_for(2 * HOUR);
                let Blocked { reason } = only(&world.status(&id)) else { panic!("{:?}", world.status(&id)) };
                assert!(reason.contains("does not serve its bytes"), "{reason}");
            });
            run.join().unwrap_or_else(|_| panic!("{mode}"));
        }
    }

    #[test]
    fn should_leave_the_staging_area_alone_for_as_long_as_the_registry_asks() {
        let world = World::new();
        stage(&world, &npm_bytes());
        serve(&world, Serving::ComeBackLater("600"));
        let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes())).id;
        world.runtime.run_for(3 * MINUTE);
        assert!(matches!(obstacle(&world.status(&id)), Some(Obstacle::AskedToWait { .. })));
        let reads = || world.runtime.0.borrow().registries.reads;
        let before = (reads(), derivations(&world));
        world.runtime.run_for(12 * MINUTE);
        assert_eq!((reads(), derivations(&world)), before);
        serve(&world, Serving::Honest);
        world.runtime.run_for(10 * MINUTE);
        to_approve(&world.status(&id));
    }

    /// Runs a staged release with an upgrade or a trap at its `at`-th await. False if there are fewer.
    fn interrupted(at: usize, is_upgrade: bool) -> bool {
        let world = World::new();
        let order = order_in(&world, PublishingMode::Staged, &npm_bytes());
        {
            let mut surroundings = world.runtime.0.borrow_mut();
            surroundings.stuck_at = Some(surroundings.awaits + at);
        }
        let id = world.publish(order).id;
        let mut was_interrupted = false;
        let mut is_approved = false;
        while let Some(run) = world.runtime.run_next_timer() {
            if run == Run::Dropped {
                was_interrupted = true;
                if is_upgrade {
                    world.runtime.upgrade();
                }
            }
            if !is_approved && matches!(only(&world.status(&id)), PublicationState::Staged { .. }) {
                is_approved = true;
                approve(&world);
            }
            assert_log_adds_up();
        }
        assert!(world.status(&id).is_verified(), "await {at}: {:?}", world.status(&id));
        assert!(world.sent() <= 2, "await {at}");
        was_interrupted
    }

    #[test]
    fn should_lose_nothing_when_interrupted_at_any_await_of_a_staged_release() {
        for is_upgrade in [true, false] {
            let mut count = 0;
            for at in 1.. {
                let run = std::thread::spawn(move || interrupted(at, is_upgrade));
                if !run.join().expect("the run's own assertions hold") {
                    break;
                }
                count += 1;
            }
            assert!(count >= 14, "only {count} awaits were interrupted");
        }
    }
}

mod private {
    use super::*;

    #[test]
    fn should_read_a_private_registry_with_the_token_for_reading() {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.is_private = true;
        let order = PublishOrder {
            read_credential: Some(activate(&world, CredentialMode::Read)),
            ..world.npm_order()
        };
        let before = derivations(&world);
        let status = world.carry_out(order);
        assert!(status.is_verified(), "{status:?}");
        assert_eq!(derivations(&world) - before, 5, "looking, sending, looking, the keys, and the bytes");
    }

    #[test]
    fn should_send_a_token_nowhere_but_to_the_host_of_its_policy() {
        let world = World::with_credentials();
        let mut order = world.pypi_order();
        let endpoint = order.registry.read_url.clone();
        let policy = CredentialPolicy {
            mode: CredentialMode::Read,
            endpoint: endpoint.clone(),
            ..world.policy(Ecosystem::Pypi)
        };
        order.read_credential = Some(world.activate(policy, PYPI_TOKEN));
        order.registry.version_url = Some("https://other.registry.example/pypi".into());
        let status = world.carry_out(order);
        assert!(status.is_verified(), "{status:?}");
        let surroundings = world.runtime.0.borrow();
        let urls = &surroundings.registries.authorized_reads;
        assert!(!urls.is_empty() && urls.iter().all(|url| url.starts_with(&endpoint)), "{urls:?}");
    }

    #[test]
    fn should_advise_a_token_for_reading_when_the_registry_shows_nothing_without() {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.is_private = true;
        let status = world.carry_out(world.npm_order());
        let Refused { reason } = only(&status) else { panic!("{status:?}") };
        assert!(reason.contains("mode read"), "{reason}");
        assert_eq!(world.sent(), 0);
    }

    #[test]
    fn should_derive_no_more_keys_than_allowed_to_read_with_however_often_it_looks() {
        let world = World::new();
        world.runtime.0.borrow_mut().registries.is_private = true;
        let order = PublishOrder {
            read_credential: Some(activate(&world, CredentialMode::Read)),
            ..order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())
        };
        let before = derivations(&world);
        world.publish(order);
        for _ in 0..150 {
            // An upgrade makes it look at once.
            world.runtime.upgrade();
            world.runtime.run_for(Duration::from_secs(1));
        }
        assert_eq!(derivations(&world) - before, 120);
    }

    #[test]
    fn should_never_read_with_a_token_that_publishes() {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.is_private = true;
        let order = PublishOrder { read_credential: world.npm_order().credential, ..world.npm_order() };
        let refusal = publish::accept(&world.runtime, authority(), order).expect_err("refuses").to_string();
        assert!(refusal.starts_with("REFUSED: read_credential: found a direct credential"), "{refusal}");
        assert!(world.runtime.0.borrow().registries.authorized_reads.is_empty());
    }

    #[test]
    fn should_derive_no_more_keys_than_allowed_while_a_private_registry_shows_nothing() {
        let world = World::new();
        world.runtime.0.borrow_mut().registries.is_private = true;
        let order = PublishOrder {
            read_credential: Some(activate(&world, CredentialMode::Read)),
            ..order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())
        };
        let status = world.carry_out(order);
        assert!(matches!(only(&status), Refused { .. }), "{status:?}");
        assert!(derivations(&world) <= 121, "{}", derivations(&world));
    }
}

#[test]
fn should_verify_a_release_at_a_private_index_with_whatever_token_that_issues_for_reading() {
    let world = World::with_credentials();
    let read_credential = Some(world.close_to_the_public(Ecosystem::Pypi));
    let status = world.carry_out(PublishOrder { read_credential, ..world.pypi_order() });
    assert!(status.is_verified(), "{status:?}");
    let surroundings = world.runtime.0.borrow();
    let token = STANDARD.encode(format!("__token__:{PYPI_READ_TOKEN}"));
    assert!(surroundings.registries.readers.iter().any(|(url, authorization)| {
        url.starts_with("https://pypi.registry.example/simple") && *authorization == format!("Basic {token}")
    }));
    for received in &surroundings.registries.received {
        assert!(!received.authorization.ends_with(&token), "the token that reads never uploads");
    }
    drop(surroundings);

    let public = World::with_credentials();
    public.close_to_the_public(Ecosystem::Pypi);
    let status = public.carry_out(public.pypi_order());
    assert!(matches!(&states(&status)[0], Refused { reason } if reason.contains("mode read")), "{status:?}");
    assert_eq!(public.sent(), 0);
}

#[test]
fn should_say_of_a_token_that_only_reads_a_private_index_that_it_opens() {
    let world = World::with_credentials();
    let id = world.close_to_the_public(Ecosystem::Pypi);
    world.change(id, CredentialChange::Probe);
    world.runtime.settle();
    let probe = queries::credential(&id).expect("in custody").probe.expect("probed");
    assert_eq!(probe.outcome, Some(ProbeOutcome::Alive));
}
