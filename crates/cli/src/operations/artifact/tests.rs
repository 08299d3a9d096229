use release_types::Sha256Digest;

use super::*;
use crate::failure::FailureKind;

#[test]
fn should_tell_the_ecosystem_by_the_file_s_name() {
    assert_eq!(ecosystem_of("demo-1.0.0.tgz"), Some(Ecosystem::Npm));
    assert_eq!(ecosystem_of("demo-1.0-py3-none-any.whl"), Some(Ecosystem::Pypi));
    assert_eq!(ecosystem_of("demo-1.0.tar.gz"), Some(Ecosystem::Pypi));
    assert_eq!(ecosystem_of("demo.zip"), None);
}

#[test]
fn should_refuse_a_file_that_is_no_package_before_anything_is_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("demo-1.0.0.tgz");
    fs::write(&path, "not a tarball").expect("written");
    let failure = open_all(&[&path]).expect_err("no tarball");
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(!failure.defects.is_empty());
    let other = directory.path().join("demo.zip");
    fs::write(&other, "x").expect("written");
    assert!(open_all(&[&other]).expect_err("unknown").hint.expect("has one").contains("npm pack"));
    assert_eq!(open_all(&[] as &[&Path]).expect_err("nothing").kind, FailureKind::Usage);
}

#[test]
fn should_name_every_field_in_which_the_canister_s_review_differs() {
    let own = ArtifactReview {
        filename: "a.tgz".into(),
        sha256: Sha256Digest::of(b"a"),
        size_bytes: 1,
        publication_json: "{}".into(),
        scripts: vec![("install".into(), "node x".into())],
        runs_code_on_install: true,
        dependencies: vec![],
        commands: vec![],
        files: vec![],
    };
    assert_eq!(disagreements(&own, &own), Vec::<&str>::new());
    let hiding = ArtifactReview { scripts: vec![], runs_code_on_install: false, ..own.clone() };
    assert_eq!(disagreements(&own, &hiding), ["scripts", "whether installing runs code"]);
}
