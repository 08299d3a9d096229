use candid::Principal;
use release_types::{
    CredentialId, Ecosystem, OrderId, PackageKey, PublishOrder, PublishingMode, Sha256Digest,
    order::Publication,
    proposal::{CredentialChange, SourceReference},
    settings::{MOST_RELEASES_PER_DAY, Settings},
};

use super::world::{World, authority, named, states, stranger};
use crate::{
    publish, queries, settings,
    state::{Event, process_event},
    storage,
};

fn refusal(world: &World, order: PublishOrder) -> String {
    let before = (queries::state_digest(), storage::read_log(|log| log.len()));
    let refusal = publish::accept(&world.runtime, authority(), order).expect_err("refused").to_string();
    assert_eq!(
        (queries::state_digest(), storage::read_log(|log| log.len())),
        before,
        "a refusal leaves no trace"
    );
    assert!(refusal.starts_with("REFUSED: "), "{refusal}");
    refusal
}

#[test]
fn should_refuse_everyone_but_the_authority() {
    let world = World::with_credentials();
    for caller in
        [stranger(), Principal::anonymous(), Principal::management_canister(), world.runtime.custody()]
    {
        let refusal =
            publish::accept(&world.runtime, caller, world.npm_order()).expect_err("refused").to_string();
        assert!(refusal.starts_with("REFUSED: caller: "), "{refusal}");
    }
    assert!(queries::order_status(&OrderId("proposal-1".into())).is_none());
}

#[test]
fn should_answer_with_the_present_state_when_the_same_order_comes_again() {
    let world = World::with_credentials();
    let order = world.npm_order();
    world.carry_out(order.clone());
    let length = storage::read_log(|log| log.len());
    assert!(world.publish(order.clone()).is_verified());
    world.runtime.settle();
    assert_eq!(storage::read_log(|log| log.len()), length);
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_know_an_order_again_that_was_encoded_by_another_version() {
    let world = World::with_credentials();
    let order = world.npm_order();
    let document = candid::encode_args((&order, "a later field")).expect("encodes");
    let event = Event::AcceptedOrder {
        direct_publishing_ends_at_ns: None,
        package: PackageKey {
            ecosystem: order.registry.ecosystem,
            endpoint: order.registry.upload_url.clone(),
            package: order.package.clone(),
        },
        version: order.version.clone(),
        order: order.id.clone(),
        content: Sha256Digest::of(&document),
        mode: order.mode,
        credential: order.credential,
        read_credential: None,
        expires_at_ns: order.expires_at_ns,
        artifacts: Vec::new(),
    };
    storage::keep_order(&order.id, document);
    process_event(&world.runtime, event);
    assert_eq!(world.publish(order.clone()).id, order.id);
    let changed = PublishOrder { version: "1.0.1".into(), ..order };
    assert!(refusal(&world, changed).contains("id: found another order"));
}

#[test]
fn should_refuse_other_content_under_a_used_id() {
    let world = World::with_credentials();
    let order = world.npm_order();
    world.publish(order.clone());
    let changed = PublishOrder { expires_at_ns: order.expires_at_ns + 1, ..order };
    assert!(refusal(&world, changed).contains("id: found another order under proposal-1"));
}

#[test]
fn should_answer_at_once_before_anything_is_sent() {
    let world = World::with_credentials();
    let status = world.publish(world.pypi_order());
    assert_eq!(states(&status).len(), 2);
    assert!(!status.is_final());
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_name_the_field_of_each_defect() {
    let world = World::with_credentials();
    let good = world.npm_order();
    let change = |change: &dyn Fn(&mut PublishOrder)| {
        let mut order = good.clone();
        change(&mut order);
        refusal(&world, order)
    };
    let cases: [(&str, &dyn Fn(&mut PublishOrder)); 22] = [
        ("REFUSED: id: ", &|o| o.id = OrderId(String::new())),
        ("REFUSED: id: ", &|o| o.id = OrderId("a b".into())),
        ("REFUSED: decision.authority: ", &|o| o.decision.authority = stranger()),
        ("REFUSED: decision.source: ", &|o| {
            let long = "x".repeat(501);
            let source = SourceReference { repository: long, commit: "c".into(), tag: None, rebuild: None };
            o.decision.source = Some(source);
        }),
        ("REFUSED: expires_at_ns: ", &|o| o.expires_at_ns = 1_790_000_000_000_000_000),
        ("REFUSED: credential: ", &|o| o.credential = Some(CredentialId(Sha256Digest::of(b"none")))),
        ("REFUSED: credential: found none; allowed: a direct credential", &|o| o.credential = None),
        ("REFUSED: credential: found a direct credential; allowed: a staged credential", &|o| {
            o.mode = PublishingMode::Staged;
        }),
        ("REFUSED: credential: found one; allowed: none", &|o| o.mode = PublishingMode::VerifyOnly),
        ("REFUSED: mode: found staged", &|o| {
            o.mode = PublishingMode::Staged;
            o.registry.ecosystem = Ecosystem::Pypi;
        }),
        ("REFUSED: read_credential: found a direct credential", &|o| o.read_credential = o.credential),
        ("REFUSED: credential: found no right to publish", &|o| o.package = "@dao/other".into()),
        ("REFUSED: credential: found a token for", &|o| {
            o.registry.upload_url = "https://other.registry.example/".into();
        }),
        ("REFUSED: credential: found a token of npm", &|o| o.registry.ecosystem = Ecosystem::Pypi),
        ("REFUSED: read_url: ", &|o| o.registry.read_url = "http://npm.registry.example/".into()),
        ("REFUSED: artifacts: ", &|o| o.artifacts.clear()),
        ("REFUSED: artifacts: ", &|o| o.artifacts.push(o.artifacts[0].clone())),
        ("REFUSED: artifacts[0].filename: ", &|o| o.artifacts[0].filename = "../demo.tgz".into()),
        ("REFUSED: artifacts[0].publication: ", &|o| {
            o.artifacts[0].publication = Publication::Pypi { form: Vec::new() };
        }),
        ("REFUSED: artifacts[0].publication: ", &|o| o.version = "2.0.0".into()),
        ("REFUSED: artifacts[0].size_bytes: ", &|o| o.artifacts[0].size_bytes = 0),
        ("REFUSED: artifacts[0].size_bytes: found 4400000 bytes", &|o| o.artifacts[0].size_bytes = 4_400_000),
    ];
    for (field, defect) in cases {
        let refusal = change(defect);
        assert!(refusal.contains(field), "expected {field} in {refusal}");
    }
}

#[test]
fn should_name_all_defects_at_once() {
    let world = World::with_credentials();
    let mut order = world.npm_order();
    order.expires_at_ns = 1;
    order.decision.authority = stranger();
    order.artifacts[0].size_bytes = 0;
    assert_eq!(refusal(&world, order).matches("REFUSED: ").count(), 3);
}

#[test]
fn should_refuse_a_form_that_speaks_of_another_package_or_version() {
    let world = World::with_credentials();
    let good = world.pypi_order();
    for (field, value) in [("name", "other"), ("version", "9.9.9")] {
        for twice in [false, true] {
            let mut order = good.clone();
            let Publication::Pypi { form } = &mut order.artifacts[0].publication else { panic!("a form") };
            if !twice {
                form.retain(|(name, _)| name != field);
            }
            form.push((field.into(), value.into()));
            let refusal = refusal(&world, order);
            assert!(refusal.contains(&format!("artifacts[0].publication.{field}: ")), "{refusal}");
        }
    }
}

#[test]
fn should_refuse_a_credential_that_is_not_active() {
    let world = World::new();
    world.deposit(Ecosystem::Npm);
    assert!(refusal(&world, world.npm_order()).contains("credential: found Deposited"));
    let world = World::with_credentials();
    world.change(named(&world.npm_order()), CredentialChange::Revoke);
    assert!(refusal(&world, world.npm_order()).contains("credential: found Revoked"));
}

#[test]
fn should_refuse_a_credential_whose_time_is_over() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().now_ns += 91 * 86_400 * 1_000_000_000;
    assert!(refusal(&world, world.npm_order()).contains("credential: found one whose time is over"));
}

#[test]
fn should_refuse_more_orders_than_can_be_under_way() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().source_is_down = true;
    let many = Settings { releases_per_package_and_day: MOST_RELEASES_PER_DAY };
    settings::change(&world.runtime, authority(), many).expect("within bounds");
    let good = world.npm_order();
    for index in 0..100 {
        world.publish(PublishOrder { id: OrderId(format!("proposal-{index}")), ..good.clone() });
    }
    let one_more = PublishOrder { id: OrderId("proposal-100".into()), ..good };
    let before = storage::read_log(|log| log.len());
    let accept = |order| publish::accept(&world.runtime, authority(), order).map_err(|e| e.to_string());
    let busy = accept(one_more.clone()).expect_err("too many");
    assert!(busy.starts_with("BUSY: orders: found 100 under way"), "{busy}");
    assert_eq!(storage::read_log(|log| log.len()), before);
    let defective = PublishOrder { expires_at_ns: 1, ..one_more.clone() };
    assert!(!refusal(&world, defective).contains("BUSY"), "a defect does not pass by itself");
    world.runtime.0.borrow_mut().source_is_down = false;
    world.runtime.settle();
    accept(one_more).expect("there is room again");
}

#[test]
fn should_take_a_form_that_spells_the_version_otherwise_when_its_normal_form_is_ordered() {
    let spelled = |ordered: &str| {
        let world = World::with_credentials();
        let mut order = world.pypi_order();
        order.version = ordered.to_owned();
        for artifact in &mut order.artifacts {
            let Publication::Pypi { form } = &mut artifact.publication else { panic!("a form") };
            let version = form.iter_mut().find(|(name, _)| name == "version").expect("a version");
            version.1 = "1.0-RC.1".to_owned();
        }
        publish::check(&world.runtime, &order)
    };
    assert!(spelled("1.0rc1").is_ok());
    assert!(spelled("1.0rc2").is_err());
    assert!(spelled("1.0-RC.1").is_err(), "what is ordered is in the normal form");
}
