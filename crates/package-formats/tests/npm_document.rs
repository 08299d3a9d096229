//! What is published here equals, field by field, what the npm client publishes for the same tarballs.
//!
//! `scripts/golden npm` recorded the client's requests; `fixtures/npm/cases.cjs` describes the packages. Where the two
//! are meant to differ, a table says why, and an entry that no package needs any more fails the test.

use std::{collections::BTreeSet, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use package_formats::{Limits, NpmPackage, Sha256Digest};
use registry_protocols::{
    endpoint::EndpointUrl,
    npm::{NpmPublication, publish_request},
};
use release_types::proposal::{NpmAccess, NpmOptions};
use serde_json::{Value, json};

/// A field that differs on purpose. `*` stands for the one key of an object.
struct Exception {
    path: &'static [&'static str],
    /// The only packages where it may differ; none named means all.
    only: &'static [&'static str],
    reason: &'static str,
}

const fn everywhere(path: &'static [&'static str], reason: &'static str) -> Exception {
    Exception { path, only: &[], reason }
}

const EXCEPTIONS: [Exception; 9] = [
    everywhere(&["versions", "*", "_nodeVersion"], "describes the machine that publishes; there is none"),
    everywhere(&["versions", "*", "_npmVersion"], "describes the machine that publishes; there is none"),
    everywhere(&["versions", "*", "_from"], "where npm found the file on its machine"),
    everywhere(&["versions", "*", "_resolved"], "where npm found the file on its machine"),
    everywhere(&["versions", "*", "_integrity"], "the same as dist.integrity"),
    everywhere(
        &["versions", "*", "dist", "tarball"],
        "npm writes http:// whatever the registry speaks; registries replace the address by their own",
    ),
    everywhere(&["access"], "npm leaves it open when nobody says; here the vote always says"),
    Exception {
        path: &["versions", "*", "dist"],
        only: &["own-dist"],
        reason: "npm adds to a `dist` of the package's own; here nothing of it survives",
    },
    Exception {
        path: &["versions", "*", "readme"],
        only: &["readme-long"],
        reason: "cut at 64 KiB: it travels in the order and in the request, which has a size limit",
    },
];

/// Packages that npm publishes and that are refused here.
const STRICTER: [(&str, &str); 7] = [
    ("lone-surrogate", "no text in UTF-8, so neither the log nor a registry could carry it"),
    ("name-with-capitals", "registries refuse new names with capitals, after the vote"),
    ("number-infinite", "npm would publish null instead of the number"),
    ("scripts-list", "npm would publish an object that nobody wrote"),
    ("version-loose", "not a semantic version; npm would publish another text than is written there"),
    ("version-padded", "not a semantic version; npm would publish another text than is written there"),
    ("version-with-v", "not a semantic version; npm would publish another text than is written there"),
];

struct Case {
    name: String,
    tarball: Vec<u8>,
    /// What npm sent, or `refused` with its reason.
    recorded: Value,
}

fn cases() -> Vec<Case> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/npm");
    let entries = fs::read_dir(directory).expect("the recordings are there");
    let mut tarballs: Vec<_> = entries
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .collect();
    tarballs.sort();
    let case = |path: PathBuf| Case {
        name: path.file_stem().expect("has a name").to_string_lossy().into_owned(),
        tarball: fs::read(&path).expect("is readable"),
        recorded: serde_json::from_slice(&fs::read(path.with_extension("json")).expect("is recorded"))
            .expect("is JSON"),
    };
    tarballs.into_iter().map(case).collect()
}

/// The body that is sent here, with the tarball told by its digest as in the recordings.
fn body(package: &NpmPackage, tarball: &[u8]) -> Value {
    let manifest_json = Value::Object(package.manifest.clone()).to_string();
    let is_prerelease = package.version.contains('-');
    let usual_tag = || if is_prerelease { "next" } else { "latest" }.to_owned();
    let options = NpmOptions {
        dist_tag: package.requested_dist_tag.clone().unwrap_or_else(usual_tag),
        access: package.requested_access.unwrap_or(NpmAccess::Public),
    };
    let publication = NpmPublication {
        name: &package.name,
        version: &package.version,
        manifest_json: &manifest_json,
        options: &options,
    };
    let endpoint = EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("a good URL");
    let request = publish_request(&endpoint, &publication, tarball).expect("builds");
    let mut body: Value = serde_json::from_slice(&request.body).expect("is JSON");
    let attachments = body["_attachments"].as_object_mut().expect("an object");
    for attachment in attachments.values_mut() {
        let sent = STANDARD.decode(attachment["data"].as_str().expect("a text")).expect("base64");
        assert_eq!(sent, tarball);
        attachment["data"] = json!(format!("sha256:{}", Sha256Digest::of(&sent)));
    }
    body
}

/// Takes the field out of the document.
fn take(document: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, above) = path.split_last()?;
    let mut place = document;
    for part in above {
        let object = place.as_object_mut()?;
        place = if *part == "*" { object.values_mut().next()? } else { object.get_mut(*part)? };
    }
    place.as_object_mut()?.shift_remove(*last)
}

/// For comparisons that the order of keys counts in.
fn as_text(field: Option<Value>) -> Option<String> {
    field.map(|value| value.to_string())
}

#[test]
fn should_send_what_npm_sends_except_where_a_reason_is_given() {
    let cases = cases();
    assert!(cases.len() >= 120, "only {} packages found", cases.len());
    let (mut failures, mut used) = (Vec::new(), BTreeSet::new());
    for Case { name, tarball, recorded } in cases {
        let opened = NpmPackage::open(&tarball, &Limits::default());
        let stricter = STRICTER.iter().find(|(case, _)| *case == name);
        match (opened, recorded.get("refused"), stricter) {
            (Err(_), Some(_), None) => {}
            (Err(_), None, Some((case, _))) => {
                used.insert(*case);
            }
            (Err(defects), ..) => failures.push(format!("{name}: npm publishes it, here: {defects:?}")),
            (Ok(_), Some(refused), _) => failures.push(format!("{name}: npm refuses it with {refused}")),
            (Ok(package), None, _) => {
                let (mut here, mut npm) = (body(&package, &tarball), recorded);
                for Exception { path, only, reason } in &EXCEPTIONS {
                    if (only.is_empty() || only.contains(&name.as_str()))
                        && as_text(take(&mut here, path)) != as_text(take(&mut npm, path))
                    {
                        used.insert(*reason);
                    }
                }
                // As text, since the order of the fields counts.
                if format!("{here}") != format!("{npm}") {
                    failures.push(format!("{name}:\n  npm:  {npm}\n  here: {here}"));
                }
            }
        }
    }
    let exceptions = EXCEPTIONS.iter().map(|exception| (exception.reason, exception.reason));
    for (key, reason) in exceptions.chain(STRICTER) {
        if !used.contains(key) {
            failures.push(format!("no package needs this exception any more: {key}: {reason}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
