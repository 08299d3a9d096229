//! Proposals that disagree with the bytes, or with the rules, in one or in many ways.

use e2e_tests::{
    archives::{npm_tarball, sdist, wheel},
    hostile_archives::{TarEntry, tar_gz_with},
    people::member,
};
use release_types::{
    CHUNK_BYTES, CredentialId, ProposalAction, Sha256Digest,
    artifact::{BeginUploadArgs, UploadChunkArgs, UploadError, UploadStatus},
    proposal::{NpmAccess, NpmOptions, ReleaseProposal, SourceReference, SubmitProposalArgs},
};
use tar::EntryType;

use crate::desk::{Desk, NPM_NAME, SDIST, WHEEL};

fn release(action: ProposalAction) -> ReleaseProposal {
    let ProposalAction::Release(release) = action else { panic!("a release") };
    release
}

#[test]
fn should_name_every_difference_between_an_npm_proposal_and_its_bytes() {
    let mut desk = Desk::for_npm();
    let tarball = npm_tarball(NPM_NAME, "1.0.0", 1_000);
    let good = release(desk.npm(&tarball));
    let change = |change: fn(&mut ReleaseProposal)| {
        let mut release = good.clone();
        change(&mut release);
        ProposalAction::Release(release)
    };
    let name = ("artifacts[0]: name", "azle", "@dao/demo, as the artifact has it");
    let version = ("artifacts[0]: version", "1.0.1", "1.0.0, as the artifact has it");
    let filename = ("artifacts[0]: filename", "evil-1.0.0.tgz", "dao-demo-1.0.0.tgz, as the artifact has it");
    let size = ("artifacts[0]: size_bytes", "7", "as the artifact has it");
    let unknown = Sha256Digest::of(b"other bytes").to_string();
    let digest = ("artifacts[0]: sha256", unknown.as_str(), "the digest of an uploaded artifact");
    let wrong_name = |release: &mut ReleaseProposal| release.name = "azle".into();
    let wrong_version = |release: &mut ReleaseProposal| release.version = "1.0.1".into();
    let wrong_filename =
        |release: &mut ReleaseProposal| release.artifacts[0].filename = "evil-1.0.0.tgz".into();
    let wrong_size = |release: &mut ReleaseProposal| release.artifacts[0].size_bytes = 7;
    let wrong_digest =
        |release: &mut ReleaseProposal| release.artifacts[0].sha256 = Sha256Digest::of(b"other bytes");
    desk.refuse("another name", change(wrong_name), &[name]);
    desk.refuse("another version", change(wrong_version), &[version]);
    desk.refuse("another filename", change(wrong_filename), &[filename]);
    desk.refuse("another size", change(wrong_size), &[size]);
    desk.refuse("another digest", change(wrong_digest), &[digest]);
    let all = change(|release| {
        release.name = "azle".into();
        release.version = "1.0.1".into();
        release.artifacts[0].filename = "evil-1.0.0.tgz".into();
        release.artifacts[0].size_bytes = 7;
    });
    let defects = desk.refuse("four at once", all, &[name, version, filename, size]);
    assert_eq!(defects.len(), 4, "{defects:#?}");

    // A digest of other bytes that are there: their own contents are compared.
    let other = desk.world.upload(member(0), "x", &npm_tarball(NPM_NAME, "2.0.0", 1_000)).expect("uploads");
    let mut swapped = good.clone();
    swapped.artifacts[0].sha256 = other.sha256;
    let version = ("artifacts[0]: version", "1.0.0", "2.0.0, as the artifact has it");
    desk.refuse("the digest of another version", ProposalAction::Release(swapped), &[version]);
    desk.close(ProposalAction::Release(good));
}

#[test]
fn should_name_every_difference_between_a_python_proposal_and_its_bytes() {
    let mut desk = Desk::for_pypi();
    let (wheel, sdist) = (wheel("dao_demo", "1.0.0", 1_000), sdist("dao_demo", "1.0.0"));
    let credential = desk.credential;
    let files: [(&str, &[u8]); 2] = [(WHEEL, &wheel), (SDIST, &sdist)];
    let good = release(desk.world.pypi_release(credential, "dao-demo", "1.0.0", &files));
    let mut wrong = good.clone();
    wrong.version = "1.0.1".into();
    wrong.artifacts[0].size_bytes = 7;
    wrong.artifacts[1].size_bytes = 8;
    wrong.npm = Some(NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public });
    desk.refuse(
        "a version and two sizes",
        ProposalAction::Release(wrong),
        &[
            ("npm", "options", "none for a PyPI release"),
            ("artifacts[0]: version", "1.0.1", "1.0.0, as the artifact has it"),
            ("artifacts[0]: size_bytes", "7", "as the artifact has it"),
            ("artifacts[1]: version", "1.0.1", "1.0.0, as the artifact has it"),
            ("artifacts[1]: size_bytes", "8", "as the artifact has it"),
        ],
    );
    let mut renamed = good.clone();
    renamed.artifacts[0].filename = "dao_demo-2.0.0-py3-none-any.whl".into();
    let info = ("artifacts[0]: archive", "dao_demo-1.0.0.dist-info", "only dao_demo-2.0.0.dist-info");
    desk.refuse("a wheel renamed", ProposalAction::Release(renamed), &[info]);
    let mut twice = good.clone();
    twice.artifacts[1] = twice.artifacts[0].clone();
    let (name, digest) = ("artifacts[1].filename", "artifacts[1].sha256");
    let expected = [(name, WHEEL, "each file name once"), (digest, "", "each artifact once")];
    desk.refuse("one file twice", ProposalAction::Release(twice), &expected);
    let none = ReleaseProposal { artifacts: Vec::new(), ..good.clone() };
    desk.refuse("no file", ProposalAction::Release(none), &[("artifacts", "0", "1 to 20 wheels")]);
    desk.close(ProposalAction::Release(good));
}

#[test]
fn should_report_defects_of_every_part_at_once() {
    let mut desk = Desk::for_npm();
    let manifest = br#"{"name":"@dao/demo","version":"1.0.0","private":true}"#;
    let tarball = tar_gz_with(
        &[("package/package.json", manifest)],
        &[
            TarEntry::link("package/link", EntryType::Symlink),
            TarEntry::file("package/../../evil", b"evil"),
            TarEntry::file("/etc/evil", b"evil"),
        ],
    );
    let mut proposal = release(desk.npm(&tarball));
    proposal.credential = Some(CredentialId(Sha256Digest::of(b"no credential")));
    proposal.npm = Some(NpmOptions { dist_tag: "1.0.0".into(), access: NpmAccess::Public });
    proposal.source = Some(SourceReference {
        repository: "r".repeat(501),
        commit: String::new(),
        tag: None,
        rebuild: None,
    });
    let args = SubmitProposalArgs {
        title: String::new(),
        summary: "s".repeat(10_001),
        action: ProposalAction::Release(proposal),
    };
    let entry = "artifacts[0]: archive entry";
    let expected = [
        ("title", "0 bytes", "1 to 200 bytes"),
        ("summary", "10001 bytes", "0 to 10000 bytes"),
        ("source.repository", "501 bytes", "1 to 500 bytes"),
        ("source.commit", "0 bytes", "1 to 500 bytes"),
        ("dist-tag", "1.0.0", "a tag that is not a version"),
        ("credential", "", "a credential that was deposited through this canister"),
        (entry, "package/link, a symbolic link", "regular files and directories"),
        (entry, "package/../../evil", "a path without empty parts"),
        (entry, "/etc/evil", "a relative path"),
        ("artifacts[0]: package.json: private", "true", "absent or false"),
    ];
    let defects = desk.refuse_submission("everything at once", &args, &expected);
    assert_eq!(defects.len(), expected.len(), "{defects:#?}");
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}

#[test]
fn should_keep_no_bytes_of_an_upload_that_is_not_as_announced() {
    let mut desk = Desk::for_npm();
    let dao = desk.world.dao;
    let bytes = npm_tarball(NPM_NAME, "1.0.0", 1_500_000);
    let announced = Sha256Digest::of(b"other bytes");
    let mut begin = |size_bytes: u64| -> Result<UploadStatus, UploadError> {
        let args = BeginUploadArgs { sha256: announced, size_bytes };
        desk.world.update(member(0), dao, "begin_upload", (args,)).expect("answers")
    };
    let limit_bytes = 32 * 1_048_576;
    assert_eq!(
        begin(limit_bytes + 1),
        Err(UploadError::TooLarge { size_bytes: limit_bytes + 1, limit_bytes })
    );
    assert_eq!(begin(0), Err(UploadError::Empty));
    let size_bytes = bytes.len() as u64;
    begin(size_bytes).expect("announced");
    let mut send = |sha256: Sha256Digest, index: u32, bytes: &[u8]| -> Result<UploadStatus, UploadError> {
        let args = UploadChunkArgs { sha256, index, bytes: bytes.to_vec() };
        desk.world.update(member(0), dao, "upload_chunk", (args,)).expect("answers")
    };
    let (first, rest) = bytes.split_at(CHUNK_BYTES as usize);
    let wrong = |index, expected_bytes, received_bytes| UploadError::WrongChunk {
        index,
        expected_bytes,
        received_bytes,
    };
    let rest_bytes = rest.len() as u64;
    assert_eq!(send(announced, 0, rest), Err(wrong(0, CHUNK_BYTES, rest_bytes)));
    assert_eq!(send(announced, 2, rest), Err(wrong(2, 0, rest_bytes)));
    let unknown = Sha256Digest::of(b"never announced");
    assert_eq!(send(unknown, 0, first), Err(UploadError::NotBegun));
    send(announced, 0, first).expect("the first chunk");
    let received = Sha256Digest::of(&bytes);
    assert_eq!(send(announced, 1, rest), Err(UploadError::DigestDiffers { received }));
    let status: Option<UploadStatus> =
        desk.world.query(member(0), dao, "upload_status", (announced,)).expect("answers");
    assert_eq!(status.expect("still announced").missing_chunks, [0, 1], "the bytes are gone");
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}
