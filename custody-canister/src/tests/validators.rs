//! Validators: they refuse what the methods refuse, say everything that a call holds, and change nothing.

use release_types::{
    CredentialId, Ecosystem, FreezeArgs, FreezeScope, OrderId, PackageKey, PublishOrder, Registry, Settings,
    Sha256Digest, credential::DepositCredentialArgs, custody::ChangeCredentialArgs,
    declaration::DeclareOutcomeArgs, order::Publication, proposal::CredentialChange, watch::WatchArgs,
};

use super::world::{NPM_TOKEN, World, authority};
use crate::{credentials, freeze, publish, queries, settings, storage, validators, watch};

/// Runs a validator, which must change nothing.
fn unchanging<T>(validate: impl FnOnce() -> T) -> T {
    let seen = || (queries::state_digest(), storage::read_log(|log| log.len()));
    let before = seen();
    let answer = validate();
    assert_eq!(before, seen(), "a validator changed something");
    answer
}

/// The validator's verdict on an order, which must be that of the method.
fn verdict(world: &World, order: &PublishOrder) -> Result<String, String> {
    let said = unchanging(|| validators::publish(&world.runtime, order));
    let done = publish::accept(&world.runtime, authority(), order.clone());
    assert_eq!(said.as_ref().err(), done.err().map(|refusal| refusal.to_string()).as_ref());
    said
}

#[test]
fn should_show_voters_everything_in_an_order_when_it_is_good() {
    let world = World::with_credentials();
    let mut order = world.npm_order();
    order.decision.vote = None;
    let text = verdict(&world, &order).expect("a good order");
    let artifact = &order.artifacts[0];
    for line in [
        "# Publish @dao/demo 1.0.0 to https://npm.registry.example/".to_owned(),
        "- id: proposal-1".into(),
        format!("- credential: {}", order.credential.expect("one")),
        format!("- artifacts[0].filename: {}", artifact.filename),
        format!("- artifacts[0].sha256: {}", artifact.sha256),
        format!("- artifacts[0].size_bytes: {}", artifact.size_bytes),
        format!("- artifacts[0].source: {}", authority()),
        "- artifacts[0].dist_tag: latest".into(),
        "- artifacts[0].access: public".into(),
        "- artifacts[0].manifest.name: \\\"@dao/demo\\\"".into(),
    ] {
        assert!(text.lines().any(|shown| shown == line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn should_show_voters_every_file_and_field_when_the_order_is_of_a_python_release() {
    let world = World::with_credentials();
    let text = verdict(&world, &world.pypi_order()).expect("a good order");
    for line in ["- artifacts[0].form.filetype: bdist_wheel", "- artifacts[1].form.filetype: sdist"] {
        assert!(text.lines().any(|shown| shown == line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn should_cut_nothing_that_decides_about_security_however_much_else_there_is() {
    let world = World::with_credentials();
    let mut order = world.pypi_order();
    let requirement = format!("requests @ https://files.example/{}", "a".repeat(1_000));
    for artifact in &mut order.artifacts {
        let Publication::Pypi { form } = &mut artifact.publication else { panic!("a Python order") };
        form.extend((0..300).map(|number| ("classifiers".to_owned(), format!("Topic :: {number}"))));
        form.push(("requires_dist".to_owned(), requirement.clone()));
    }
    let text = verdict(&world, &order).expect("a good order");
    let cut = text.find("more lines are not shown").expect("some details are cut");
    for line in [
        format!("- artifacts[1].sha256: {}", order.artifacts[1].sha256),
        format!("- artifacts[1].form.requires_dist: {requirement}"),
        "- expires_at: ".into(),
        "- decision.authority: ".into(),
    ] {
        assert!(text.find(&line).is_some_and(|at| at < cut), "no line {line:?} in\n{text}");
    }

    let world = World::with_credentials();
    let mut order = world.npm_order();
    let script = format!("node x {}", "b".repeat(1_000));
    let Publication::Npm { manifest_json, .. } = &mut order.artifacts[0].publication else { panic!("npm") };
    let manifest = serde_json::json!({
        "name": "@dao/demo", "version": "1.0.0", "readme": "r".repeat(1_000), "scripts": { "install": script },
    });
    *manifest_json = manifest.to_string();
    let text = verdict(&world, &order).expect("a good order");
    assert!(text.contains(&script), "{text}");
    assert!(
        text.contains("artifacts[0].manifest.readme: \\\"rrr") && text.contains("... (1002 bytes"),
        "{text}"
    );
}

#[test]
fn should_refuse_what_publish_refuses_with_all_defects_at_once() {
    let world = World::with_credentials();
    let mut order = world.npm_order();
    order.id = OrderId(String::new());
    order.package = "other".into();
    order.expires_at_ns = 0;
    order.artifacts[0].filename = "../demo.tgz".into();
    let refusal = verdict(&world, &order).expect_err("a bad order");
    for field in ["id", "credential", "expires_at_ns", "artifacts[0].filename"] {
        assert!(refusal.contains(&format!("REFUSED: {field}: found ")), "{field} in {refusal}");
    }
}

#[test]
fn should_pass_an_accepted_order_and_refuse_another_under_its_id() {
    let world = World::with_credentials();
    let order = world.npm_order();
    verdict(&world, &order).expect("a good order");
    verdict(&world, &order).expect("the same order");
    let other = PublishOrder { version: "1.0.1".into(), ..order };
    assert!(verdict(&world, &other).expect_err("a used id").starts_with("REFUSED: id: "));
}

#[test]
fn should_say_of_deposits_and_changes_what_the_methods_do() {
    let world = World::new();
    let deposit = world.sealed(world.policy(Ecosystem::Npm), NPM_TOKEN);
    let credential = deposit.policy.id();
    let validate_deposit = |args: &DepositCredentialArgs| {
        let said = unchanging(|| validators::deposit_credential(&world.runtime, args));
        let done = credentials::deposit(&world.runtime, authority(), args.clone());
        assert_eq!(said.as_ref().err(), done.err().map(|refusal| refusal.to_string()).as_ref());
        said
    };
    let text = validate_deposit(&deposit).expect("a good deposit");
    assert!(text.contains(&format!("- credential: {credential}")), "{text}");
    assert!(text.contains(&Sha256Digest::of(&deposit.sealed_token).to_string()), "{text}");
    validate_deposit(&deposit).expect("the same deposit");
    let other = DepositCredentialArgs { sealed_token: vec![0; deposit.sealed_token.len()], ..deposit };
    validate_deposit(&other).expect_err("another token under the same policy");

    let validate_change = |credential: CredentialId, change: CredentialChange| {
        let args = ChangeCredentialArgs { credential, change };
        let said = unchanging(|| validators::change_credential(&world.runtime, &args));
        let done = credentials::change(&world.runtime, authority(), args);
        assert_eq!(said.as_ref().err(), done.err().map(|refusal| refusal.to_string()).as_ref());
        said
    };
    let text = validate_change(credential, CredentialChange::Activate).expect("a good change");
    assert!(text.starts_with("# Put a sealed token into use") && text.contains("@dao/demo"), "{text}");
    let text = validate_change(credential, CredentialChange::Revoke).expect("a good change");
    assert!(text.starts_with("# Never use a sealed token again"), "{text}");
    validate_change(credential, CredentialChange::Activate).expect_err("revoked");
    validate_change(CredentialId(Sha256Digest::of(b"none")), CredentialChange::Revoke).expect_err("unknown");
}

#[test]
fn should_say_of_freezing_and_its_end_what_the_methods_do() {
    let world = World::with_credentials();
    let unknown = FreezeScope::Credential(CredentialId(Sha256Digest::of(b"none")));
    for (scope, reason) in [
        (FreezeScope::Everything, "a laptop was stolen"),
        (FreezeScope::Everything, ""),
        (unknown, "a laptop was stolen"),
    ] {
        let args = FreezeArgs { scope, reason: reason.into() };
        let said = unchanging(|| validators::freeze(&args));
        let done = freeze::freeze(&world.runtime, authority(), args);
        assert_eq!(said.as_ref().err(), done.err().map(|refusal| refusal.to_string()).as_ref());
        assert!(said.is_err() || said.is_ok_and(|text| text.contains("- reason: a laptop was stolen")));
    }
    for scope in [FreezeScope::Everything, unknown] {
        let said = unchanging(|| validators::unfreeze(scope));
        let done = freeze::unfreeze(&world.runtime, authority(), scope);
        assert_eq!(said.err(), done.err().map(|refusal| refusal.to_string()));
    }
}

#[test]
fn should_say_of_watching_and_settings_what_the_methods_do() {
    let world = World::with_credentials();
    let order = world.npm_order();
    for (package, interval_s) in [(order.package.as_str(), 3_600), ("no name", 1)] {
        let registry = order.registry.clone();
        let args = WatchArgs { registry, package: package.into(), interval_s, read_credential: None };
        let said = unchanging(|| validators::watch_package(&world.runtime, &args));
        let done = watch::watch(&world.runtime, authority(), args);
        assert_eq!(said.as_ref().err(), done.err().map(|refusal| refusal.to_string()).as_ref());
        assert!(said.is_err() || said.is_ok_and(|text| text.contains("- interval_s: 3600")));
    }
    let Registry { ecosystem, upload_url, .. } = order.registry;
    let key = PackageKey { ecosystem, endpoint: upload_url, package: order.package };
    let text = unchanging(|| validators::unwatch_package(&key)).expect("never refused");
    assert!(text.starts_with("# Watch @dao/demo no longer"), "{text}");
    for releases_per_package_and_day in [1, 0] {
        let wanted = Settings { releases_per_package_and_day };
        let said = unchanging(|| validators::change_settings(&wanted));
        let done = settings::change(&world.runtime, authority(), wanted);
        assert_eq!(said.err(), done.err().map(|refusal| refusal.to_string()));
    }
}

#[test]
fn should_say_of_a_declaration_what_the_method_does() {
    let world = World::with_credentials();
    let order = world.publish(world.npm_order()).id;
    let unknown = OrderId("unknown".into());
    for (order, reason) in [(&order, "it is there"), (&order, ""), (&unknown, "it is there")] {
        let args =
            DeclareOutcomeArgs { order: order.clone(), artifact: 0, published: true, reason: reason.into() };
        let said = unchanging(|| validators::declare_outcome(&args));
        let done = publish::declaring::declare(&world.runtime, authority(), args);
        assert_eq!(said.err(), done.err().map(|refusal| refusal.to_string()));
    }
}
