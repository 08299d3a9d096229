//! What is too large to publish, to the byte.

use base64::{Engine, engine::general_purpose::STANDARD};
use e2e_tests::{
    archives::{noise, npm_tarball, tar_gz},
    hostile_archives::pad_gzip,
    people::member,
};
use release_types::{Defect, ProposalAction, ProposalStatus, PublishingMode};
use serde_json::json;
use sha2::{Digest, Sha512};

use crate::desk::{Desk, NPM_NAME, SDIST};

/// Names a tarball of the version that this project's first users published, to be tried as well.
const AZLE_VARIABLE: &str = "COUNTERSIGN_AZLE_TARBALL";
/// Its size, in bytes.
const AZLE_BYTES: usize = 4_387_471;

/// The exact limit that the refusal names.
fn limit_bytes(defects: &[Defect]) -> usize {
    let [defect] = defects else { panic!("one defect: {defects:#?}") };
    let limit = defect.allowed.strip_prefix("at most ").and_then(|text| text.split_once(" bytes"));
    limit.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("no limit: {defect:?}"))
}

fn published(desk: &mut Desk, action: ProposalAction) {
    let proposal = desk.world.submit(member(0), action).expect("of exactly the limit");
    for voter in 0..3 {
        desk.world.vote(member(voter), proposal, release_types::Choice::Yes).expect("counts");
    }
    assert_eq!(desk.world.settle(proposal), ProposalStatus::Executed);
}

#[test]
fn should_take_an_npm_tarball_of_exactly_the_limit_that_refusing_a_larger_one_names() {
    let mut desk = Desk::for_npm();
    let (field, allowed) = ("artifacts[0]: size_bytes", "bytes with this package's metadata");
    let large = npm_tarball(NPM_NAME, "1.0.0", 4_380_000);
    let large = pad_gzip(&large, AZLE_BYTES);
    let action = desk.npm(&large);
    let defects = desk.refuse("4.4 MB", action, &[(field, "4387471 bytes", allowed)]);
    let limit = limit_bytes(&defects);
    assert!((1_480_000..1_500_000).contains(&limit), "{limit}");

    let tarball = npm_tarball(NPM_NAME, "1.0.0", limit - 20_000);
    let action = desk.npm(&pad_gzip(&tarball, limit + 1));
    let defects = desk.refuse("one byte more", action, &[(field, &format!("{} bytes", limit + 1), allowed)]);
    assert_eq!(limit_bytes(&defects), limit);
    let exact = desk.npm(&pad_gzip(&tarball, limit));
    published(&mut desk, exact);
    let put = &desk.world.npm.writes()[0];
    assert!(put.body.len() > 1_990_000 && put.body.len() <= 2_000_000, "{} bytes sent", put.body.len());
}

#[test]
fn should_take_a_source_distribution_of_exactly_the_limit_that_refusing_a_larger_one_names() {
    let mut desk = Desk::for_pypi();
    let of = |filler_bytes| {
        let filler = noise(filler_bytes);
        tar_gz(&[
            ("dao_demo-1.0.0/PKG-INFO", b"Metadata-Version: 2.1\nName: dao_demo\nVersion: 1.0.0\n"),
            ("dao_demo-1.0.0/filler.bin", &filler),
        ])
    };
    let (field, allowed) = ("artifacts[0]: size_bytes", "bytes with this package's metadata");
    let large = of(3_000_000);
    let action = desk.pypi(SDIST, &large);
    let defects = desk.refuse("3 MB", action, &[(field, &format!("{} bytes", large.len()), allowed)]);
    let limit = limit_bytes(&defects);
    assert!((1_980_000..2_000_000).contains(&limit), "{limit}");
    let archive = of(limit - 20_000);
    let action = desk.pypi(SDIST, &pad_gzip(&archive, limit + 1));
    let defects = desk.refuse("one byte more", action, &[(field, &format!("{} bytes", limit + 1), allowed)]);
    assert_eq!(limit_bytes(&defects), limit);
    let exact = desk.pypi(SDIST, &pad_gzip(&archive, limit));
    published(&mut desk, exact);
}

/// Runs only where the variable names the file: it is not this project's to keep.
#[test]
fn should_refuse_azle_naming_the_exact_limit_when_its_tarball_is_given() {
    let Some(path) = std::env::var_os(AZLE_VARIABLE) else {
        println!("not tried: {AZLE_VARIABLE} names no file");
        return;
    };
    let tarball = std::fs::read(&path).unwrap_or_else(|error| panic!("{AZLE_VARIABLE}: {error}"));
    let mut desk = Desk::for_npm();
    let credential = desk.credential;
    let action = desk.world.npm_release(credential, "azle", "0.33.0", &tarball);
    let direct = action.clone();
    let found = format!("{} bytes", tarball.len());
    let expected = ("artifacts[0]: size_bytes", found.as_str(), "bytes with this package's metadata");
    let limit = limit_bytes(&desk.refuse("azle", direct, &[expected]));
    println!("azle 0.33.0: {found}, at most {limit}");
    assert!((1_400_000..1_500_000).contains(&limit), "{limit}");
    verify_azle(&mut desk, action, &tarball);
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}

/// What is too large for custody to send goes through verify-only: people publish it, custody compares.
fn verify_azle(desk: &mut Desk, mut action: ProposalAction, tarball: &[u8]) {
    let ProposalAction::Release(release) = &mut action else { panic!("a release") };
    (release.mode, release.credential) = (PublishingMode::VerifyOnly, None);
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(tarball)));
    let document = json!({"name": "azle", "version": "0.33.0", "dist": {"integrity": integrity}});
    let published = (document, tarball.to_vec());
    desk.world.npm.with(|double| double.published.insert("azle@0.33.0".into(), published));
    self::published(desk, action);
    let meter = desk.meter().most_instructions;
    println!("azle 0.33.0 verified; most instructions of a message: {meter}");
}

#[test]
fn should_open_the_largest_artifact_that_people_may_send_within_one_message() {
    const MIB_32: usize = 32 * 1_048_576;
    let mut desk = Desk::for_npm();
    let tarball = npm_tarball(NPM_NAME, "1.0.0", MIB_32 - 40_000);
    let tarball = pad_gzip(&tarball, MIB_32);
    let mut action = desk.npm(&tarball);
    let ProposalAction::Release(release) = &mut action else { panic!("a release") };
    (release.mode, release.credential) = (PublishingMode::VerifyOnly, None);
    desk.world.submit(member(0), action).expect("it is opened");
    let most = desk.meter().most_instructions;
    println!("most instructions of a message with 32 MiB: {most}");
    assert!(most < 20_000_000_000, "{most}: half of what a message may compute");
}
