//! What is refused of an npm tarball, and the facts taken from a good one.

use super::*;
use crate::samples::{gzip, npm_tarball, tar};

fn open(manifest: &str, files: &[(&str, &[u8])]) -> Result<NpmPackage, Vec<String>> {
    open_bytes(&npm_tarball(manifest, files))
}

fn open_bytes(tarball: &[u8]) -> Result<NpmPackage, Vec<String>> {
    NpmPackage::open(tarball, &Limits::default())
        .map_err(|defects| defects.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn assert_refused(result: Result<NpmPackage, Vec<String>>, expected: &str) {
    let defects = result.expect_err("should be refused");
    assert!(defects.iter().any(|defect| defect.contains(expected)), "{expected:?} not in {defects:#?}");
}

#[test]
fn should_take_name_version_and_digests_from_the_bytes() {
    let tarball =
        npm_tarball(r#"{"name":"@dao/demo","version":"1.2.3-rc.1","tag":"next"}"#, &[("x.sh", b"x")]);
    let package = NpmPackage::open(&tarball, &Limits::default()).expect("is well formed");
    assert_eq!((package.name.as_str(), package.version.as_str()), ("@dao/demo", "1.2.3-rc.1"));
    assert_eq!(package.filename(), "dao-demo-1.2.3-rc.1.tgz");
    assert_eq!(package.requested_dist_tag.as_deref(), Some("next"));
    assert_eq!(package.sha256, Sha256Digest::of(&tarball));
    assert_eq!(package.size_bytes, tarball.len() as u64);
    assert_eq!((package.integrity.len(), &package.integrity[..7]), (7 + 88, "sha512-"));
    assert_eq!(package.shasum.len(), 40);
    let files: Vec<_> = package.files.iter().map(|file| (file.path.as_str(), file.executable)).collect();
    assert_eq!(files, [("package.json", false), ("x.sh", true)]);
}

#[test]
fn should_say_whether_installing_runs_code() {
    let runs = |manifest: &str, files: &[(&str, &[u8])]| {
        open(manifest, files).expect("is well formed").runs_code_on_install
    };
    assert!(!runs(r#"{"name":"a","version":"1.0.0","scripts":{"test":"x","prepare":"x"}}"#, &[]));
    for script in INSTALL_SCRIPTS {
        assert!(runs(&format!(r#"{{"name":"a","version":"1.0.0","scripts":{{"{script}":"x"}}}}"#), &[]));
    }
    assert!(runs(r#"{"name":"a","version":"1.0.0"}"#, &[("binding.gyp", b"")]));
}

#[test]
fn should_refuse_what_npm_itself_does_not_publish() {
    assert_refused(open(r#"{"name":"a","version":"1.0.0","private":true}"#, &[]), "package.json: private");
    let restricted = r#"{"name":"a","version":"1.0.0","publishConfig":{"access":"restricted"}}"#;
    assert_refused(open(restricted, &[]), "publishConfig.access");
    let scoped = r#"{"name":"@s/a","version":"1.0.0","publishConfig":{"access":"restricted"}}"#;
    assert_eq!(open(scoped, &[]).expect("has a scope").requested_access, Some(NpmAccess::Restricted));
    let silent = open(r#"{"name":"@s/a","version":"1.0.0"}"#, &[]).expect("is well formed");
    assert_eq!(silent.requested_access, None);
    for (field, value) in [
        ("main", "7"),
        ("readme", "7"),
        ("bin", "[7]"),
        ("directories", r#"{"bin":7}"#),
        ("directories", r#"{"man":[1]}"#),
        ("maintainers", "[null]"),
        ("scripts", r#"["x"]"#),
    ] {
        let manifest = format!(r#"{{"name":"a","version":"1.0.0","{field}":{value}}}"#);
        assert_refused(open(&manifest, &[]), &format!("package.json: {field}"));
    }
}

#[test]
fn should_report_all_defects_at_once() {
    let manifest = r#"{"name":"Bad Name","version":"1.0","private":true,"main":7}"#;
    assert_eq!(open(manifest, &[]).expect_err("is refused").len(), 4);
}

#[test]
fn should_refuse_names_that_the_registry_does_not_take() {
    for name in ["demo", "@dao/demo", "a.b-c_d", "0x", "@a-b/c.d"] {
        assert_eq!(package_name_defects(name), [], "{name}");
    }
    let long = "a".repeat(215);
    for name in [
        "",
        ".hidden",
        "_private",
        "-dash",
        "Upper",
        "with space",
        "a/b",
        "a@b",
        "a%20b",
        "ünï",
        "node_modules",
        "favicon.ico",
        "@scope",
        "@/a",
        "@a/",
        "@a/b/c",
        "@a/.b",
        "a!",
        "@a/B",
        long.as_str(),
    ] {
        assert_ne!(package_name_defects(name), [], "{name}");
    }
}

#[test]
fn should_refuse_versions_that_are_not_strictly_semantic() {
    for version in
        ["1.0", "v1.0.0", "=1.0.0", " 1.0.0", "01.0.0", "1.0.0-", "latest", "", "1.0.9007199254740992"]
    {
        let manifest = format!(r#"{{"name":"a","version":"{version}"}}"#);
        assert_refused(open(&manifest, &[]), "package.json: version");
    }
    assert_refused(open(r#"{"name":"a"}"#, &[]), "package.json: version: found nothing");
    assert_refused(open(r#"{"name":"a","version":1}"#, &[]), "package.json: version: found 1");
}

#[test]
fn should_refuse_dist_tags_that_npm_takes_for_versions() {
    for tag in ["latest", "next", "beta-1", "x-ray", "v", "canary", "1.2.3.4"] {
        assert_eq!(dist_tag_defects(tag), [], "{tag}");
    }
    for tag in ["", "1", "1.2", "v1", "~1", "x", "1.x", "*", "1.2.3-beta", "a b", "a/b", "^1", ">=1"] {
        assert_ne!(dist_tag_defects(tag), [], "{tag}");
    }
}

#[test]
fn should_say_how_latest_comes_to_name_a_pre_release_when_one_is_released_under_it() {
    let [defect] = &prerelease_defects("latest", "1.0.0-rc.1")[..] else { panic!("not one defect") };
    let text = defect.to_string();
    assert!(text.contains("such as `next`") && text.contains("countersign propose dist-tag"), "{text}");
    assert_eq!(prerelease_defects("next", "1.0.0-rc.1"), []);
    assert_eq!(prerelease_defects("latest", "1.0.0"), []);
}

#[test]
fn should_refuse_a_tarball_without_a_readable_manifest() {
    assert_refused(open_bytes(&gzip(&tar(&[("package/x", b"")]))), "no such file");
    assert_refused(open_bytes(&gzip(&tar(&[("package/lib/package.json", b"{}")]))), "no such file");
    assert_refused(open("[]", &[]), "another JSON value");
    assert_refused(open("{", &[]), "package.json");
    let nested = format!("{}{}", r#"{"a":"#.repeat(200_000 / 5), "}".repeat(200_000 / 5));
    assert_refused(open(&nested, &[]), "nested at most 127 levels");
    let large = format!(r#"{{"name":"a","version":"1.0.0","x":"{}"}}"#, "y".repeat(MAX_MANIFEST_BYTES));
    assert_refused(open(&large, &[]), "at most 262144 bytes");
}

#[test]
fn should_refuse_files_outside_one_top_directory() {
    let manifest: &[u8] = br#"{"name":"a","version":"1.0.0"}"#;
    let two = gzip(&tar(&[("package/package.json", manifest), ("other/x", b"")]));
    assert_refused(open_bytes(&two), "the top directories other, package");
    let outside = gzip(&tar(&[("package/package.json", manifest), ("x", b"")]));
    assert_refused(open_bytes(&outside), "everything inside one top directory");
}

#[test]
fn should_cut_a_long_readme_between_characters() {
    let readme = "é".repeat(MAX_README_BYTES).split_off(1_000);
    let readme = format!("x{readme}");
    let package =
        open(r#"{"name":"a","version":"1.0.0","description":"d"}"#, &[("README.md", readme.as_bytes())]);
    let manifest = package.expect("is well formed").manifest;
    let kept = manifest["readme"].as_str().expect("is a text");
    assert_eq!(kept.len(), MAX_README_BYTES - 1);
    assert!(readme.starts_with(kept));
}

#[test]
fn should_list_every_command_below_a_bin_directory() {
    let files: [(&str, &[u8]); 3] = [("bin/a.js", b""), ("bin/sub/b.js", b""), ("other/c.js", b"")];
    let package = open(r#"{"name":"a","version":"1.0.0","directories":{"bin":"bin"}}"#, &files);
    let bin = package.expect("is well formed").bin;
    let names: Vec<_> = bin.iter().map(|(name, path)| format!("{name}={path}")).collect();
    assert_eq!(names, ["sub=bin/sub", "a.js=bin/a.js", "b.js=bin/sub/b.js"]);
}
