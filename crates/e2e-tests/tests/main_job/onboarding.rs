//! What `onboard` sees of packages at real registries, through the user's own npm and pip.

use serde_json::{Value, json};

use crate::{
    setting::{PACKAGE, PROJECT},
    verifying_releases::{CONSUMER, UNAPPROVED},
};

fn onboard(package: &str) -> (i32, Value) {
    CONSUMER.run_json(None, &["onboard", package], "")
}

/// Which of the versions seen have a receipt.
fn receipts(seen: &Value) -> Vec<(String, bool)> {
    let recent = seen["seen"]["recent"].as_array().unwrap_or_else(|| panic!("versions in {seen:#}"));
    let mut versions: Vec<_> = recent
        .iter()
        .map(|version| {
            let text = version["version"].as_str().expect("a version").to_string();
            (text, version["has_receipt"].as_bool().expect("a fact"))
        })
        .collect();
    versions.sort();
    versions
}

#[test]
fn should_show_what_is_there_and_which_doors_somebody_has_to_look_at() {
    let (_, npm) = onboard(&format!("npm:{PACKAGE}"));
    assert_eq!(receipts(&npm), [("1.0.0".to_string(), true), (UNAPPROVED.to_string(), false)], "{npm:#}");
    assert_eq!(npm["seen"]["tags"]["past"], UNAPPROVED, "{npm:#}");
    let (code, pypi) = onboard(&format!("pypi:{PROJECT}"));
    assert_eq!(receipts(&pypi), [("1.0.0".to_string(), true)], "{pypi:#}");
    assert_eq!(code, 0, "this index shows no accounts: {pypi:#}");
    for shown in [&npm, &pypi] {
        let doors = shown["doors"].as_array().expect("doors");
        let tokens = doors.iter().find(|door| door["name"] == "other tokens").expect("a door");
        assert_eq!(tokens["state"], "cannot_see", "no registry shows tokens");
        assert!(doors.iter().all(|door| !door["close"].as_str().expect("a text").is_empty()), "{shown:#}");
    }
}

#[test]
fn should_say_that_a_person_publishes_first_when_the_name_is_not_taken() {
    for package in ["npm:@five-maintainers/not-there", "pypi:not-there"] {
        let (code, shown) = onboard(package);
        assert_eq!((code, &shown["seen"]), (2, &json!(null)), "{shown:#}");
        assert!(shown["steps"][0].as_str().expect("a step").contains("a person"), "{shown:#}");
    }
}
