//! The upload form made here equals, field by field, the one that twine sends for the same distributions.
//!
//! `scripts/golden twine` recorded twine's requests; `fixtures/pypi/cases.py` describes the distributions. Where the
//! two are meant to differ, a table says why, and an entry that no distribution needs any more fails the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use package_formats::{Limits, PythonPackage, Sha256Digest, upload_form};
use registry_protocols::{endpoint::EndpointUrl, pypi::upload_request};
use serde::Deserialize;

type Form = BTreeMap<String, Vec<String>>;

/// Fields that differ on purpose, in one distribution only.
struct Exception {
    case: &'static str,
    fields: &'static [&'static str],
    reason: &'static str,
}

const EXCEPTIONS: [Exception; 3] = [
    Exception {
        case: "wheel-2.1-empty-fields",
        fields: &["author_email", "classifiers", "home_page", "keywords", "license", "summary"],
        reason: "nothing is not sent; an index refuses an empty classifier",
    },
    Exception {
        case: "wheel-2.1-unknown",
        fields: &["author", "home_page", "license", "platform", "summary"],
        reason: "old build tools write UNKNOWN for nothing, and an index reads it so",
    },
    Exception {
        case: "wheel-2.5-import-names",
        fields: &["import_name", "import_namespace"],
        reason: "twine 7 leaves out what metadata 2.5 brought",
    },
];

/// Distributions that twine uploads and that are refused here.
const STRICTER: [(&str, &str); 5] = [
    ("wheel-2.4-license-and-expression", "an index refuses both together, after the vote"),
    ("wheel-2.5-private", "the classifier exists to be refused by an index"),
    ("wheel-2.5-project-url-with-comma", "an index refuses what follows the first comma as an address"),
    ("wheel-2.6", "not known to indexes yet"),
    ("wheel-version-local", "an index refuses local versions"),
];

#[derive(Deserialize)]
struct Recording {
    filename: String,
    /// What twine sent; nothing when it refused.
    form: Option<Form>,
}

struct Case {
    name: String,
    content: Vec<u8>,
    recording: Recording,
}

fn cases() -> Vec<Case> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pypi");
    let entries = fs::read_dir(directory).expect("the recordings are there");
    let mut recordings: Vec<_> = entries
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    recordings.sort();
    let case = |path: PathBuf| {
        let recording: Recording =
            serde_json::from_slice(&fs::read(&path).expect("is readable")).expect("is a recording");
        let stem = path.with_extension("");
        let extension = if recording.filename.ends_with(".whl") { "whl" } else { "tar.gz" };
        // Not `with_extension`, which would take the metadata version's end for one.
        let archive = format!("{}.{extension}", stem.display());
        let name = stem.file_name().expect("has a name").to_string_lossy().into_owned();
        Case { name, content: fs::read(archive).expect("is readable"), recording }
    };
    recordings.into_iter().map(case).collect()
}

/// The form that is sent here, with the file told by its digest as in the recordings.
fn form(package: &PythonPackage, content: &[u8]) -> Form {
    let endpoint = EndpointUrl::check("upload_url", "https://pypi.registry.example/").expect("a good URL");
    let request =
        upload_request(&endpoint, &upload_form(package), &package.filename, content).expect("builds");
    let content_type = &request.headers.iter().find(|(name, _)| name == "content-type").expect("is set").1;
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").expect("is multipart");
    let mut form = Form::new();
    for part in parts(&request.body, boundary.as_bytes()) {
        let split = find(part, b"\r\n\r\n").expect("a head and a value");
        let (head, value) = (String::from_utf8_lossy(&part[..split]), &part[split + 4..]);
        let mut quoted = head.split('"').skip(1).step_by(2);
        let name = quoted.next().expect("a name").to_owned();
        let value = match (quoted.next(), head.split_once("Content-Type: ")) {
            (Some(filename), Some((_, media_type))) => {
                assert_eq!(value, content);
                format!("{filename}, {media_type}, sha256:{}", Sha256Digest::of(value))
            }
            _ => String::from_utf8(value.to_vec()).expect("is text"),
        };
        form.entry(name).or_default().push(value);
    }
    form
}

/// What lies between the boundaries.
fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let delimiter = [b"--", boundary].concat();
    let mut rest = body.strip_prefix(&delimiter[..]).expect("starts with the boundary");
    let mut parts = Vec::new();
    while rest != b"--\r\n" {
        let end = find(rest, &delimiter).expect("ends with the boundary");
        parts.push(&rest[2..end - 2]);
        rest = &rest[end + delimiter.len()..];
    }
    parts
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn listed(table: &[(&'static str, &str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(case, _)| *case == name).map(|(case, _)| *case)
}

#[test]
fn should_send_what_twine_sends_except_where_a_reason_is_given() {
    let cases = cases();
    assert!(cases.len() >= 30, "only {} distributions found", cases.len());
    let (mut failures, mut used) = (Vec::new(), BTreeSet::new());
    for Case { name, content, recording } in cases {
        let opened = PythonPackage::open(&recording.filename, &content, &Limits::default());
        match (opened, recording.form, listed(&STRICTER, &name)) {
            (Err(_), None, None) => {}
            (Err(_), Some(_), Some(case)) => {
                used.insert((case, "refused"));
            }
            (Err(defects), ..) => failures.push(format!("{name}: twine uploads it, here: {defects:?}")),
            (Ok(_), None, ..) => failures.push(format!("{name}: twine refuses it")),
            (Ok(package), Some(mut twine), ..) => {
                let mut here = form(&package, &content);
                for Exception { case, fields, .. } in EXCEPTIONS.iter().filter(|known| known.case == name) {
                    let differing =
                        fields.iter().filter(|field| here.remove(**field) != twine.remove(**field));
                    used.extend(differing.map(|field| (*case, *field)));
                }
                if here != twine {
                    failures.push(format!("{name}:\n  twine: {twine:?}\n  here:  {here:?}"));
                }
            }
        }
    }
    let fields = EXCEPTIONS
        .iter()
        .flat_map(|known| known.fields.iter().map(|field| (known.case, *field, known.reason)));
    let refusals = STRICTER.iter().map(|(case, reason)| (*case, "refused", *reason));
    for (case, field, reason) in fields.chain(refusals) {
        if !used.contains(&(case, field)) {
            failures.push(format!("{case}, {field}: no longer needed as an exception: {reason}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
