use release_types::Ecosystem;
use serde_json::{Value, json};

use super::{DoorState, Seen, doors, doors::human_steps, npm, pypi};

fn door(ecosystem: Ecosystem, seen: &Seen, name: &str) -> (DoorState, String) {
    let doors = doors(ecosystem, seen);
    let door = doors.iter().find(|door| door.name == name).unwrap_or_else(|| panic!("{name} in {doors:?}"));
    (door.state, door.found.clone())
}

/// As `npm view NAME --json` prints a package.
fn npm_package() -> Value {
    json!({
        "name": "demo",
        "versions": ["1.0.0", "1.1.0", "2.0.0-rc.1", "1.1.1"],
        "time": {
            "created": "2026-01-01T00:00:00.000Z",
            "1.0.0": "2026-01-01T00:00:00.000Z", "1.1.0": "2026-02-01T00:00:00.000Z",
            "2.0.0-rc.1": "2026-03-01T00:00:00.000Z", "1.1.1": "2026-04-01T00:00:00.000Z",
        },
        "dist-tags": {"latest": "1.1.1", "next": "2.0.0-rc.1"},
        "maintainers": ["ada <ada@mail.example>", "bob <bob@mail.example>"],
    })
}

#[test]
fn should_show_the_versions_published_last_and_who_may_publish_on_npm() {
    let mut seen = npm::read_package(&npm_package(), 2);
    assert_eq!(seen.versions, 4);
    let recent: Vec<_> = seen.recent.iter().map(|version| version.version.as_str()).collect();
    assert_eq!(recent, ["1.1.1", "2.0.0-rc.1"], "by time, not by number");
    assert_eq!(seen.tags["next"], "2.0.0-rc.1");
    let (state, found) = door(Ecosystem::Npm, &seen, "other accounts");
    assert_eq!(state, DoorState::Open);
    assert!(found.contains("ada, bob") && !found.contains("mail.example"), "{found}");

    let (state, _) = door(Ecosystem::Npm, &seen, "trusted publishers (CI)");
    assert_eq!(state, DoorState::CannotSee, "nothing is known yet");
    let version = json!({
        "_npmUser": {"name": "GitHub Actions", "trustedPublisher": {"id": "github", "oidcConfigId": "oidc:1"}},
        "dist": {"signatures": [{"keyid": "SHA256:x", "sig": "y"}], "attestations": {"url": "…"}},
    });
    npm::read_version(&version, &mut seen.recent[0]);
    assert_eq!(seen.recent[0].is_signed, Some(true));
    let (state, found) = door(Ecosystem::Npm, &seen, "trusted publishers (CI)");
    assert_eq!(state, DoorState::Open);
    assert!(found.contains("1.1.1 was published by github"), "{found}");
}

#[test]
fn should_read_npms_lists_of_one() {
    let package = json!({"versions": "1.0.0", "maintainers": {"name": "ada", "email": "ada@mail.example"}});
    let seen = npm::read_package(&package, 5);
    assert_eq!((seen.versions, seen.recent.len()), (1, 1));
    let (state, found) = door(Ecosystem::Npm, &seen, "other accounts");
    assert_eq!((state, found.as_str()), (DoorState::Closed, "1 account may publish: ada"));
}

#[test]
fn should_guess_nothing_that_a_registry_does_not_show() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let doors = doors(ecosystem, &Seen::default());
        assert!(doors.iter().all(|door| door.state == DoorState::CannotSee), "{doors:?}");
    }
}

#[test]
fn should_show_roles_files_and_status_of_a_python_project() {
    let page = json!({
        "name": "demo", "versions": ["1.0", "1.1"], "project-status": {"status": "quarantined"},
        "files": [
            {"filename": "demo-1.0.tar.gz", "upload-time": "2026-01-02T00:00:00Z", "provenance": null},
            {"filename": "demo-1.1-py3-none-any.whl", "upload-time": "2026-02-02T00:00:00Z",
             "provenance": "https://index.example/integrity/demo"},
            {"filename": "demo-1.1.tar.gz", "upload-time": "2026-02-01T00:00:00Z", "provenance": null},
            {"filename": "not a distribution"},
        ],
    });
    let document = json!({"ownership": {
        "roles": [{"role": "Owner", "user": "ada"}, {"role": "Maintainer", "user": "bob"}],
        "organization": "five",
    }});
    let seen = pypi::read_project(&page, Some(&document), 5);
    assert_eq!((seen.versions, seen.recent.len()), (2, 2));
    assert_eq!(seen.recent[0].version, "1.1");
    assert_eq!(seen.recent[0].published_at.as_deref(), Some("2026-02-01T00:00:00Z"), "its first file");
    assert_eq!((seen.recent[0].has_provenance, seen.recent[1].has_provenance), (Some(true), Some(false)));
    let (state, found) = door(Ecosystem::Pypi, &seen, "other accounts");
    assert_eq!(state, DoorState::Open);
    assert!(found.contains("ada (Owner), bob (Maintainer), five (organisation)"), "{found}");
    assert_eq!(door(Ecosystem::Pypi, &seen, "trusted publishers (CI)").0, DoorState::Open);
    let steps = human_steps(Ecosystem::Pypi, Some(&seen));
    assert!(steps.iter().any(|step| step.contains("quarantined")), "{steps:?}");
    assert_eq!(pypi::read_project(&page, None, 5).publishers, None);
}

#[test]
fn should_say_that_a_person_publishes_a_new_name_first() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        assert!(human_steps(ecosystem, None)[0].contains("a person"), "{ecosystem}");
        let seen = Seen { status: Some("active".into()), ..Seen::default() };
        assert_eq!(human_steps(ecosystem, Some(&seen)).len(), 1);
    }
}
