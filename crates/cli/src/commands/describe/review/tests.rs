use release_types::{FileEntry, ProposalId, Sha256Digest};

use super::*;

fn reviewed(disagreements: Vec<String>, changes: Option<Vec<String>>) -> ReviewedRelease {
    let file = FileEntry {
        path: "bin/\u{1b}[2Jrun".into(),
        size_bytes: 3,
        sha256: Sha256Digest::of(b"run"),
        executable: true,
    };
    let review = ArtifactReview {
        filename: "demo-1.0.1.tgz".into(),
        sha256: Sha256Digest::of(b"tarball"),
        size_bytes: 7,
        publication_json: format!(r#"{{"name":"demo","license":"MIT","keywords":"{}"}}"#, "x".repeat(300)),
        scripts: vec![("test".into(), "node t".into()), ("postinstall".into(), "node evil.js".into())],
        runs_code_on_install: true,
        dependencies: vec![("left".into(), "^1".into())],
        commands: vec![("run".into(), "bin/run".into())],
        files: vec![file],
    };
    let artifact = ReviewedArtifact { review, computed_here: true, disagreements, changes };
    ReviewedRelease {
        artifacts: vec![artifact],
        previous: Some((ProposalId(4), "1.0.0".into())),
        unseen: None,
    }
}

fn plain(reviewed: &ReviewedRelease, files: usize) -> String {
    anstream::adapter::strip_str(&review(reviewed, files)).to_string()
}

#[test]
fn should_show_what_a_voter_must_know() {
    let text = plain(&reviewed(vec![], Some(vec!["+ dependency left: ^1".into()])), 10);
    let digest = Sha256Digest::of(b"tarball").to_string();
    for shown in [
        digest.as_str(),
        "hashed and opened here",
        "installing it runs code of its own",
        "postinstall: node evil.js",
        "left ^1",
        "run (bin/run)",
        "license = MIT",
        "executable",
        "changes since 1.0.0 (proposal 4)",
        "+ dependency left: ^1",
    ] {
        assert!(text.contains(shown), "{shown} is missing in\n{text}");
    }
}

#[test]
fn should_highlight_install_scripts_and_no_others() {
    let text = review(&reviewed(vec![], None), 10);
    let line = |name: &str| text.lines().find(|line| line.contains(name)).expect("shown").to_string();
    assert!(line("postinstall:").contains(&WARNING.to_string()));
    assert!(!line("test: node t").contains(&WARNING.to_string()));
}

#[test]
fn should_tell_to_vote_no_when_the_canister_says_something_else_of_the_bytes() {
    let text = plain(&reviewed(vec!["scripts".into()], None), 10);
    assert!(text.contains("vote no: the canister's review differs from these bytes in: scripts"), "{text}");
    assert!(!text.contains("the canister says the same"), "{text}");
}

#[test]
fn should_not_let_an_artifact_write_to_the_terminal() {
    let text = review(&reviewed(vec![], None), 10);
    assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    assert!(text.contains("\\u{1b}[2J"), "{text:?}");
}

#[test]
fn should_cut_long_values_and_long_lists_and_say_so() {
    let text = plain(&reviewed(vec![], None), 0);
    assert!(text.contains("… (300 bytes)"), "{text}");
    assert!(text.contains("1 files in all"), "{text}");
}
