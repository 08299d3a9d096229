//! The second opinion on a shown digest: the registry's signature at npm, the version document at an index; and what an
//! index says of a project before anything is sent to it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::EncodePublicKey as _,
};
use release_types::{OrderId, OrderStatus, PublicationState, PublishOrder, alarms::AlarmKind};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::{
    registries::{Behaviour, SecondView},
    world::{NPM_ATTACHMENT, SDIST, WHEEL, World, npm_bytes, states},
};
use crate::{alarms, queries};
use PublicationState::{Blocked, Mismatch, Refused, Shown, Verified};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Fifteen days before the tests' clock begins, and thirteen.
const LONG_AGO: &str = "2026-09-06T14:13:20Z";
const LATELY: &str = "2026-09-08T14:13:20Z";

/// A registry's key by its secret, as it publishes it.
fn key(secret: u8) -> Value {
    let key = SigningKey::from_slice(&[secret; 32]).expect("in range");
    let der = key.verifying_key().to_public_key_der().expect("encodes");
    json!({ "expires": null, "keyid": keyid(secret), "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256", "key": STANDARD.encode(der) })
}

fn keyid(secret: u8) -> String {
    format!("SHA256:{}", STANDARD.encode([secret; 32]).trim_end_matches('='))
}

/// The key's signature of what is published.
fn signature(secret: u8) -> Value {
    let integrity = STANDARD.encode(Sha512::digest(npm_bytes()));
    let message = format!("@dao/demo@1.0.0:sha512-{integrity}");
    let signature: Signature =
        SigningKey::from_slice(&[secret; 32]).expect("in range").sign(message.as_bytes());
    json!({ "keyid": keyid(secret), "sig": STANDARD.encode(signature.to_der()) })
}

/// Has the registry publish these keys and show these signatures.
fn sign(world: &World, keys: &[u8], signatures: &[Value]) {
    let registries = &mut world.runtime.0.borrow_mut().registries;
    let keys: Vec<_> = keys.iter().map(|secret| key(*secret)).collect();
    registries.keys = Some((200, json!({ "keys": keys })));
    registries.signatures = signatures.into();
}

fn key_reads(world: &World) -> usize {
    world.runtime.0.borrow().registries.key_reads
}

fn confirmation(status: &OrderStatus) -> Value {
    let receipt = queries::receipt(&status.id).expect("a receipt");
    let envelope: Value = serde_json::from_str(&receipt.envelope_json).expect("JSON");
    let payload = STANDARD.decode(envelope["payload"].as_str().expect("text")).expect("base64");
    let statement: Value = serde_json::from_slice(&payload).expect("JSON");
    statement["predicate"]["readBack"]["confirmation"].clone()
}

/// Publishes, and lets time pass until people must look.
fn until_blocked(world: &World, order: PublishOrder) -> OrderStatus {
    let id = world.publish(order).id;
    while !matches!(states(&world.status(&id))[0], Blocked { .. }) {
        world.runtime.run_next_timer().expect("something is due");
        assert!(!states(&world.status(&id))[0].is_final(), "{:?}", world.status(&id));
    }
    world.status(&id)
}

/// The same release, ordered again.
fn again(order: &PublishOrder, id: &str) -> PublishOrder {
    PublishOrder { id: OrderId(id.into()), ..order.clone() }
}

#[test]
fn should_put_the_registrys_signature_on_the_receipt_and_read_its_keys_once_a_day() {
    let world = World::with_credentials();
    sign(&world, &[7, 8], &[signature(8)]);
    let mut order = world.npm_order();
    order.expires_at_ns = world.now_ns() + (10 * DAY).as_nanos() as u64;
    let status = world.carry_out(order.clone());
    assert!(status.is_verified(), "{status:?}");
    assert_eq!(confirmation(&status), json!([{ "registry-signature": { "key": keyid(8) } }]));
    assert!(world.carry_out(again(&order, "second")).is_verified());
    assert_eq!(key_reads(&world), 1);
    world.runtime.run_for(DAY);
    assert!(world.carry_out(again(&order, "third")).is_verified());
    assert_eq!(key_reads(&world), 2);
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_raise_the_alarm_when_another_digest_is_shown_with_the_signature() {
    let world = World::with_credentials();
    sign(&world, &[7], &[signature(7)]);
    let id = world.publish(world.npm_order()).id;
    while states(&world.status(&id)) != [Shown] {
        world.runtime.run_next_timer().expect("something is due");
    }
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, b"others");
    world.runtime.settle();
    let status = world.status(&id);
    let Mismatch { shown } = &states(&status)[0] else { panic!("{status:?}") };
    assert!(shown.starts_with("sha512 ") && !status.receipt, "before any bytes are read: {shown}");
}

#[test]
fn should_read_the_keys_again_when_the_registry_signs_with_a_new_one() {
    let world = World::with_credentials();
    sign(&world, &[7], &[signature(7)]);
    let order = world.npm_order();
    assert!(world.carry_out(order.clone()).is_verified());
    sign(&world, &[7, 8], &[signature(8)]);
    let status = world.carry_out(again(&order, "second"));
    assert_eq!(confirmation(&status), json!([{ "registry-signature": { "key": keyid(8) } }]));
    assert_eq!(key_reads(&world), 2);
}

#[test]
fn should_raise_the_alarm_and_sign_nothing_when_the_registrys_signature_is_invalid() {
    let mut forged = signature(8);
    forged["keyid"] = json!(keyid(7));
    let garbled = json!({ "keyid": keyid(7), "sig": "AAAA" });
    for signature in [forged, garbled] {
        let world = World::with_credentials();
        sign(&world, &[7], &[signature]);
        let status = world.carry_out(world.npm_order());
        assert!(
            matches!(&states(&status)[..], [Mismatch { shown }] if shown.contains("invalid signature")),
            "{status:?}"
        );
        assert!(!status.receipt);
    }
}

#[test]
fn should_leave_a_version_to_people_when_nobody_knows_the_key_that_signed_it() {
    let world = World::with_credentials();
    sign(&world, &[7], &[signature(9)]);
    let status = world.carry_out(world.npm_order());
    assert!(
        matches!(&states(&status)[..], [Blocked { reason }] if reason.contains("signature")),
        "{status:?}"
    );
    assert!(!status.receipt);
}

#[test]
fn should_say_on_the_receipt_that_a_registry_signs_nothing_or_not_this_version() {
    let world = World::with_credentials();
    let status = world.carry_out(world.npm_order());
    assert_eq!(confirmation(&status), json!(["registry-without-keys"]));
    let world = World::with_credentials();
    sign(&world, &[], &[]);
    assert_eq!(confirmation(&world.carry_out(world.npm_order())), json!(["registry-without-keys"]));
    let world = World::with_credentials();
    sign(&world, &[7], &[]);
    assert_eq!(confirmation(&world.carry_out(world.npm_order())), json!(["unsigned"]));
}

#[test]
fn should_take_no_registry_for_one_without_keys_whose_keys_are_hidden() {
    for status in [401, 405, 200] {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.keys = Some((status, json!("<html>")));
        let blocked = until_blocked(&world, world.npm_order());
        assert!(!blocked.receipt, "{status}");
        sign(&world, &[7], &[signature(7)]);
        world.runtime.run_for(7 * HOUR);
        assert!(world.status(&blocked.id).is_verified(), "{status}");
    }
}

#[test]
fn should_wait_for_the_signature_of_a_registry_that_signed_before() {
    let world = World::with_credentials();
    sign(&world, &[7], &[signature(7)]);
    let mut order = world.npm_order();
    order.expires_at_ns = world.now_ns() + (10 * DAY).as_nanos() as u64;
    assert!(world.carry_out(order.clone()).is_verified());
    sign(&world, &[7], &[]);
    world.runtime.upgrade();
    world.runtime.run_for(2 * DAY);
    let blocked = until_blocked(&world, again(&order, "second"));
    assert!(
        matches!(&states(&blocked)[..], [Blocked { reason }] if reason.contains("signature")),
        "{blocked:?}"
    );
    sign(&world, &[7], &[signature(7)]);
    world.runtime.run_for(7 * HOUR);
    assert!(world.status(&blocked.id).is_verified());
}

#[test]
fn should_wait_for_keys_that_cannot_be_read_just_now() {
    let world = World::with_credentials();
    sign(&world, &[7], &[signature(7)]);
    let document = world.runtime.0.borrow_mut().registries.keys.replace((503, json!({})));
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(HOUR);
    assert_eq!(states(&world.status(&id)), [Shown]);
    world.runtime.0.borrow_mut().registries.keys = document;
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
}

fn two_views(world: &World) -> PublishOrder {
    let mut order = world.pypi_order();
    order.registry.version_url = Some("https://pypi.registry.example/pypi".into());
    order
}

#[test]
fn should_verify_files_that_both_views_of_an_index_show() {
    let world = World::with_credentials();
    let status = world.carry_out(two_views(&world));
    assert!(status.is_verified(), "{status:?}");
    assert_eq!(confirmation(&status), json!(["second-view", "second-view"]));
    let single = World::with_credentials();
    let status = single.carry_out(single.pypi_order());
    assert_eq!(confirmation(&status), json!(["single-view", "single-view"]));
}

#[test]
fn should_raise_the_alarm_when_the_views_of_an_index_differ() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.second_view = SecondView::OtherDigests;
    let status = world.carry_out(two_views(&world));
    assert!(
        matches!(&states(&status)[0], Mismatch { shown } if shown.contains("in the other")),
        "{status:?}"
    );
    assert!(!status.receipt);
}

#[test]
fn should_wait_for_the_second_view_but_not_for_ever() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.second_view = SecondView::Status(404);
    let late = world.publish(two_views(&world)).id;
    world.runtime.run_for(HOUR);
    assert_eq!(states(&world.status(&late))[0], Shown);
    world.runtime.0.borrow_mut().registries.second_view = SecondView::Honest;
    world.runtime.settle();
    assert!(world.status(&late).is_verified());

    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.second_view = SecondView::Status(500);
    let never = until_blocked(&world, two_views(&world));
    assert!(matches!(&states(&never)[0], Blocked { reason } if reason.contains("second view")), "{never:?}");
    assert!(!never.receipt);
}

#[test]
fn should_send_nothing_to_a_project_that_takes_no_files() {
    for status in ["archived", "quarantined", "unheard-of"] {
        let world = World::with_credentials();
        let derivations = world.runtime.0.borrow().derivations;
        world.runtime.0.borrow_mut().registries.project_status = Some(status);
        let order = world.carry_out(world.pypi_order());
        assert!(
            matches!(&states(&order)[0], Refused { reason } if reason.contains("unarchive")),
            "{status}: {order:?}"
        );
        assert_eq!((world.sent(), world.runtime.0.borrow().derivations), (0, derivations), "{status}");
    }
    for status in ["active", "deprecated"] {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.project_status = Some(status);
        assert!(world.carry_out(world.pypi_order()).is_verified(), "{status}");
    }
}

/// A release of which the wheel is there already.
fn half_released(uploaded_at: &'static str) -> World {
    let world = World::with_credentials();
    let order = world.pypi_order();
    let mut surroundings = world.runtime.0.borrow_mut();
    let wheel = surroundings.artifacts[&order.artifacts[0].sha256].clone();
    surroundings.registries.put(WHEEL, &wheel);
    surroundings.registries.uploaded_at = Some(uploaded_at);
    drop(surroundings);
    world
}

#[test]
fn should_complete_a_release_within_the_time_that_the_index_gives_and_send_nothing_after_it() {
    let world = half_released(LATELY);
    let status = world.carry_out(world.pypi_order());
    assert!(status.is_verified(), "{status:?}");
    assert_eq!(
        world.runtime.0.borrow().registries.received[0].filename,
        SDIST,
        "the missing file alone is sent"
    );
    assert_eq!(world.sent(), 1);

    let world = half_released(LONG_AGO);
    let derivations = world.runtime.0.borrow().derivations;
    let status = world.carry_out(world.pypi_order());
    assert!(
        matches!(&states(&status)[..], [Verified, Refused { reason }] if reason.contains("14 days")),
        "{status:?}"
    );
    assert_eq!((world.sent(), world.runtime.0.borrow().derivations), (0, derivations));
}

#[test]
fn should_go_on_with_the_missing_file_days_after_the_cycles_ran_out() {
    for (days, is_in_time) in [(5, true), (15, false)] {
        let world = World::with_credentials();
        let mut order = world.pypi_order();
        order.expires_at_ns = world.now_ns() + (20 * DAY).as_nanos() as u64;
        world.runtime.0.borrow_mut().registries.uploaded_at = Some("2026-09-21T14:13:30Z");
        let id = world.publish(order).id;
        while states(&world.status(&id))[0] != Verified {
            world.runtime.run_next_timer().expect("something is due");
        }
        let cycles = std::mem::take(&mut world.runtime.0.borrow_mut().cycles);
        world.runtime.run_for(days * DAY);
        assert_eq!(world.sent(), 1, "nothing is sent that cannot be paid for");
        world.runtime.0.borrow_mut().cycles = cycles;
        world.runtime.settle();
        let status = world.status(&id);
        assert_eq!(status.is_verified(), is_in_time, "{status:?}");
        assert_eq!(world.sent(), if is_in_time { 2 } else { 1 });
    }
}

#[test]
fn should_take_the_same_bytes_for_success_and_others_for_an_alarm_when_the_index_has_the_file() {
    let exists = "400 File already exists ('demo-1.0.0-py3-none-any.whl')";
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.behaviours = [Behaviour::PublishAndAnswer(400, exists)].into();
    assert!(world.carry_out(world.pypi_order()).is_verified());
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.put(WHEEL, b"other bytes");
    let status = world.carry_out(world.pypi_order());
    assert!(matches!(states(&status)[0], Mismatch { .. }), "{status:?}");
    assert_eq!(world.sent(), 0);
    assert!(world.runtime.0.borrow().registries.published(NPM_ATTACHMENT).is_none());
}

#[test]
fn should_keep_the_known_keys_and_raise_an_alarm_when_a_registry_shows_none_any_more() {
    for gone in
        [None, Some((200, json!("<html>"))), Some((403, json!({}))), Some((200, json!({ "keys": [] })))]
    {
        let world = World::with_credentials();
        sign(&world, &[7], &[signature(7)]);
        let mut order = world.npm_order();
        order.expires_at_ns = world.now_ns() + (10 * DAY).as_nanos() as u64;
        assert!(world.carry_out(order.clone()).is_verified());
        world.runtime.run_for(DAY);
        world.runtime.0.borrow_mut().registries.keys = gone.clone();
        let status = world.carry_out(again(&order, "second"));
        assert_eq!(
            confirmation(&status),
            json!([{ "registry-signature": { "key": keyid(7) } }]),
            "{gone:?}: what the known keys signed is proven"
        );
        assert!(has_missed_keys(&world), "{gone:?}");

        world.runtime.0.borrow_mut().registries.signatures = Value::Null;
        let blocked = until_blocked(&world, again(&order, "third"));
        assert!(!blocked.receipt, "{gone:?}: a registry that signed once is not taken for one that does not");

        sign(&world, &[7], &[signature(7)]);
        world.runtime.run_for(DAY);
        assert!(world.status(&blocked.id).is_verified(), "{gone:?}");
        assert!(!has_missed_keys(&world), "{gone:?}");
    }
}

fn has_missed_keys(world: &World) -> bool {
    let alarms = alarms::alarms(&world.runtime);
    alarms.iter().any(|alarm| matches!(alarm.kind, AlarmKind::RegistryKeysGone { .. }))
}
