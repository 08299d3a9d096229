//! Whole releases at the double of the Python index: several files, real ones, and an interrupted one.

use std::fs;

use e2e_tests::{
    archives::{sdist, wheel},
    canister_wasm::repository_root,
    publishing::package,
};
use release_types::Ecosystem;
use serde_json::json;

use crate::{
    pypi_answers::DOUBLE,
    setting::{Setting, take},
};

/// Publishes files as one release; returns what the index has afterwards, by name.
fn publish(setting: &mut Setting, version: &str, files: &[(&str, &[u8])]) -> serde_json::Value {
    let project = package(Ecosystem::Pypi);
    let action = setting.world.pypi_release(setting.credential, project, version, files);
    let proposal = setting.adopt_action(action);
    let order = setting.settle(proposal);
    assert!(order.is_verified(), "{order:?}");
    setting.control().tell("files", &json!({"project": project}))
}

#[test]
fn should_upload_wheel_and_sdist_that_the_index_accepts_when_a_release_has_both() {
    let mut setting = take(&DOUBLE);
    let (wheel, sdist) = (wheel("dao_demo", "2.0.0", 100), sdist("dao_demo", "2.0.0"));
    let files = [("dao_demo-2.0.0-py3-none-any.whl", &wheel[..]), ("dao_demo-2.0.0.tar.gz", &sdist[..])];
    let stored = publish(&mut setting, "2.0.0", &files);
    assert_eq!(stored.as_object().expect("files").len(), 2);
    assert_eq!(setting.control().writes().len(), 2, "each was sent once");
    let form =
        setting.control().tell("forms", &json!({"project": package(Ecosystem::Pypi), "version": "2.0.0"}));
    assert_eq!(form["summary"], json!(["A package that a group published"]));
    assert_eq!(form["classifiers"], json!(["Programming Language :: Python :: 3"]));
}

#[test]
fn kybra_should_be_accepted_when_its_real_wheel_and_sdist_are_released() {
    let mut setting = take(&DOUBLE);
    let samples = repository_root().join(".build/samples");
    let [wheel, sdist] = ["kybra-0.7.1-py3-none-any.whl", "kybra-0.7.1.tar.gz"].map(|name| {
        let bytes = fs::read(samples.join(name)).expect("scripts/registries install samples");
        (name, bytes)
    });
    setting.control().tell("project", &json!({"name": "kybra", "owner": "five"}));
    let token = setting.control().tell("token", &json!({"user": "five"}));
    let policy = setting.world.policy(Ecosystem::Pypi, &["kybra"]);
    let credential = setting.activate(policy, token.as_str().expect("a token"));
    let files = [(wheel.0, &wheel.1[..]), (sdist.0, &sdist.1[..])];
    let action = setting.world.pypi_release(credential, "kybra", "0.7.1", &files);
    let proposal = setting.adopt_action(action);
    let order = setting.settle(proposal);
    assert!(order.is_verified(), "{order:?}");
    let stored = setting.control().tell("files", &json!({"project": "kybra"}));
    for (name, bytes) in [wheel, sdist] {
        use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
        assert_eq!(stored[name].as_str(), Some(BASE64.encode(&bytes).as_str()), "{name}");
    }
    let form = setting.control().tell("forms", &json!({"project": "kybra", "version": "0.7.1"}));
    assert_eq!(form["name"], json!(["kybra"]));
}
