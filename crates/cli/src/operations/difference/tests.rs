use release_types::{FileEntry, Sha256Digest};

use super::*;

fn file(path: &str, content: &[u8]) -> FileEntry {
    FileEntry {
        path: path.into(),
        size_bytes: content.len() as u64,
        sha256: Sha256Digest::of(content),
        executable: false,
    }
}

fn review(filename: &str, files: Vec<FileEntry>) -> ArtifactReview {
    ArtifactReview {
        filename: filename.into(),
        sha256: Sha256Digest::of(filename.as_bytes()),
        size_bytes: 1,
        publication_json: "{}".into(),
        scripts: vec![],
        runs_code_on_install: false,
        dependencies: vec![],
        commands: vec![],
        files,
    }
}

#[test]
fn should_list_what_was_added_removed_and_changed() {
    let before = ArtifactReview {
        dependencies: vec![("a".into(), "1".into()), ("b".into(), "1".into())],
        ..review("demo-1.0.0.tgz", vec![file("same", b"1"), file("old", b"2"), file("edited", b"3")])
    };
    let edited = FileEntry { executable: true, ..file("edited", b"33") };
    let after = ArtifactReview {
        dependencies: vec![("b".into(), "2".into())],
        scripts: vec![("postinstall".into(), "node x".into())],
        runs_code_on_install: true,
        ..review("demo-1.0.1.tgz", vec![file("same", b"1"), file("new", b"4"), edited])
    };
    assert_eq!(
        lines(&before, &after),
        [
            "! installing it runs code now, and did not before",
            "+ script postinstall: node x",
            "- dependency a: 1",
            "~ dependency b: 2 (was 1)",
            "+ file new (1 bytes)",
            "- file old",
            "~ file edited (2 bytes, was 1, now executable)",
        ]
    );
    assert_eq!(lines(&before, &before), Vec::<String>::new());
}

#[test]
fn should_compare_each_artifact_with_the_same_kind_of_file() {
    let names = ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"];
    let reviews = names.iter().map(|name| review(name, vec![])).collect();
    let previous = Previous { proposal: ProposalId(1), version: "1.0".into(), reviews };
    let of = |name: &str| {
        counterpart(&review(name, vec![]), "1.1", &previous).map(|review| review.filename.clone())
    };
    assert_eq!(of("demo-1.1.tar.gz").as_deref(), Some(names[1]));
    assert_eq!(of("demo-1.1-py3-none-any.whl").as_deref(), Some(names[0]));
    assert_eq!(of("demo-1.1-cp312-cp312-linux_x86_64.whl"), None);
}
