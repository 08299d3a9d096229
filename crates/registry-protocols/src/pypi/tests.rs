use release_types::Sha256Digest;
use serde_json::json;

use super::*;
use crate::{
    endpoint::EndpointUrl,
    http::{AUTHORIZATION_RESERVE_BYTES, HttpAnswer, MAX_REQUEST_BYTES, Method},
    reading::{Comparison, MAX_REDUCED_BYTES, Reading, Unreadable},
    verdict::{Refusal, Verdict},
};

const FILENAME: &str = "dao_demo-1.0.0-py3-none-any.whl";

fn endpoint(url: &str) -> EndpointUrl {
    EndpointUrl::check("upload_url", url).expect("good URL")
}

fn upload() -> EndpointUrl {
    endpoint("https://pypi.registry.example/legacy/")
}

fn form() -> Vec<(String, String)> {
    [
        ("metadata_version", "2.5"),
        ("name", "dao.Demo"),
        ("version", "1.0.0"),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
        ("classifiers", "Programming Language :: Python :: 3"),
        ("classifiers", "Topic :: Utilities"),
        ("description", "# demo\r\n\u{e9}\n"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

#[test]
fn should_send_the_form_that_upload_clients_send() {
    let request = upload_request(&upload(), &form(), FILENAME, b"PK\x03\x04\r\n--").expect("builds");
    assert_eq!(request.method, Method::Post);
    assert_eq!(request.url, "https://pypi.registry.example/legacy/");
    let header =
        |name: &str| request.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert_eq!(header("accept"), Some("application/json"));
    let boundary = header("content-type")
        .and_then(|value| value.strip_prefix("multipart/form-data; boundary="))
        .expect("a form");
    let body = String::from_utf8_lossy(&request.body);
    let parts: Vec<_> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 3 + form().len() + 1 + 2, "before, 3 own fields, the form, the file, after");
    let field = |name: &str, value: &str| {
        format!("\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    assert_eq!(parts[1], field(":action", "file_upload"));
    assert_eq!(parts[2], field("protocol_version", "1"));
    assert_eq!(parts[3], field("sha256_digest", &Sha256Digest::of(b"PK\x03\x04\r\n--").to_string()));
    assert_eq!(parts[4], field("metadata_version", "2.5"));
    assert_eq!(parts[10], field("classifiers", "Topic :: Utilities"));
    assert_eq!(parts[11], field("description", "# demo\r\n\u{e9}\n"));
    assert_eq!(
        parts[12],
        "\r\nContent-Disposition: form-data; name=\"content\"; filename=\"dao_demo-1.0.0-py3-none-any.whl\"\r\nContent-Type: application/octet-stream\r\n\r\nPK\u{3}\u{4}\r\n--\r\n"
    );
    assert_eq!(parts[13], "--\r\n");
    assert_eq!(request.body.len(), request.body.capacity(), "one allocation of the exact size");
}

#[test]
fn should_build_the_same_bytes_again() {
    let once = upload_request(&upload(), &form(), FILENAME, b"bytes").expect("builds");
    assert_eq!(once, upload_request(&upload(), &form(), FILENAME, b"bytes").expect("builds"));
}

#[test]
fn should_name_the_exact_largest_file_when_refusing_a_larger_one() {
    let largest = largest_file_bytes(&form(), FILENAME).expect("fits");
    let request = upload_request(&upload(), &form(), FILENAME, &vec![7; largest]).expect("the largest fits");
    let headers_bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert_eq!(request.body.len() + headers_bytes + AUTHORIZATION_RESERVE_BYTES, MAX_REQUEST_BYTES);
    let error =
        upload_request(&upload(), &form(), FILENAME, &vec![7; largest + 1]).expect_err("one byte too many");
    assert!(error.to_string().contains(&largest.to_string()), "{error}");
}

#[test]
fn should_refuse_fields_that_belong_to_the_protocol() {
    for field in [":action", "protocol_version", "content"] {
        let mut form = form();
        form.push((field.to_owned(), "x".to_owned()));
        let error = upload_request(&upload(), &form, FILENAME, b"x").expect_err("reserved");
        assert_eq!(error, PypiUploadError::ReservedField { field: field.to_owned() });
    }
}

#[test]
fn should_refuse_names_that_would_break_out_of_their_quotes() {
    let form = vec![("na\"me".to_owned(), "x".to_owned())];
    assert!(matches!(
        upload_request(&upload(), &form, FILENAME, b"x"),
        Err(PypiUploadError::InvalidFieldName { .. })
    ));
    for filename in ["a\".whl", "../a.whl", "a/b.whl", "a\r\nb", "", ".whl", "é.whl"] {
        assert!(
            matches!(
                upload_request(&upload(), &[], filename, b"x"),
                Err(PypiUploadError::InvalidFilename(_))
            ),
            "{filename}"
        );
    }
}

#[test]
fn should_send_the_digest_of_the_bytes_once_and_refuse_another() {
    let digest = Sha256Digest::of(b"bytes").to_string();
    let form = vec![("sha256_digest".to_owned(), digest.clone())];
    let request = upload_request(&upload(), &form, FILENAME, b"bytes").expect("agrees");
    let body = String::from_utf8(request.body).expect("text");
    assert_eq!(body.matches("sha256_digest").count(), 1);
    assert!(body.contains(&digest));
    assert!(matches!(
        upload_request(&upload(), &form, FILENAME, b"other"),
        Err(PypiUploadError::DigestDisagrees { .. })
    ));
}

#[test]
fn should_normalise_project_names_as_pep_503_says() {
    for name in ["Friendly-Bard", "friendly_bard", "FRIENDLY.BARD", "friendly--bard", "FrIeNdLy-._.-bArD"] {
        assert_eq!(normalized_project(name).as_deref(), Ok("friendly-bard"), "{name}");
    }
    for name in ["", "-a", "a-", "a/b", "a b", "../a", "é", &"a".repeat(101)] {
        assert!(normalized_project(name).is_err(), "{name}");
    }
}

const SHA256: &str = "f2d7b9f41b1e92dd1e4a5c688333e10506cec2d4f71113cd8028d825843b8158";

fn index() -> serde_json::Value {
    json!({
        "meta": { "api-version": "1.0" },
        "name": "dao-demo",
        "files": [
            { "filename": "dao_demo-0.9.0.tar.gz", "url": "x", "hashes": { "sha256": "0".repeat(64) } },
            { "filename": FILENAME, "url": "../../+f/f2d/x.whl", "hashes": { "sha256": SHA256 }, "requires-python": ">=3.9" },
        ],
    })
}

#[test]
fn should_ask_for_the_project_page_as_json() {
    let read = endpoint("https://pypi.registry.example/simple");
    let request = project_request(&read, "Dao.Demo").expect("valid");
    assert_eq!(request.url, "https://pypi.registry.example/simple/dao-demo/");
    assert!(
        request.headers.contains(&("accept".to_owned(), "application/vnd.pypi.simple.v1+json".to_owned()))
    );
}

#[test]
fn should_read_the_digest_of_one_file() {
    let reading = read_file(&answer(200, &index().to_string()), "dao.Demo", FILENAME);
    assert_eq!(compare(&reading, &SHA256.parse().expect("hex")), Comparison::Same);
    assert_eq!(compare(&reading, &Sha256Digest([0; 32])), Comparison::Different);
    let reduced = reading.reduced();
    assert!(reduced.len() <= MAX_REDUCED_BYTES);
    assert_eq!(PypiReading::parse_reduced(&reduced), Ok(reading));
    let other = read_file(&answer(200, &index().to_string()), "dao-demo", "dao_demo-2.0.0.tar.gz");
    assert_eq!(compare(&other, &Sha256Digest([0; 32])), Comparison::Absent);
}

#[test]
fn should_reduce_pages_that_differ_elsewhere_to_the_same_bytes() {
    let mut later = index();
    later["files"].as_array_mut().expect("files").remove(0);
    later["meta"]["_last-serial"] = json!(7);
    let reduced = |index: &serde_json::Value| {
        read_file(&answer(200, &index.to_string()), "dao-demo", FILENAME).reduced()
    };
    assert_eq!(reduced(&index()), reduced(&later));
}

#[test]
fn should_never_take_an_unreadable_page_for_absence_or_presence() {
    let mut without = index();
    without["files"][1]["hashes"] = json!({ "md5": "0" });
    let mut twice = index();
    let file = twice["files"][1].clone();
    twice["files"].as_array_mut().expect("files").push(file);
    let mut other = index();
    other["name"] = json!("dao-demo2");
    let cases = [
        (answer(200, "<!DOCTYPE html>"), Unreadable::NotTheDocument),
        (answer(200, &index().to_string()[..200]), Unreadable::NotTheDocument),
        (answer(200, &without.to_string()), Unreadable::NoSingleDigest),
        (answer(200, &twice.to_string()), Unreadable::NoSingleDigest),
        (answer(200, &other.to_string()), Unreadable::OtherArtifact),
        (answer(301, ""), Unreadable::Redirected),
        (answer(401, ""), Unreadable::NotPublic),
        (answer(502, ""), Unreadable::Unavailable),
    ];
    for (answer, why) in cases {
        assert_eq!(read_file(&answer, "dao-demo", FILENAME), Reading::Unreadable { why }, "{answer:?}");
    }
    assert_eq!(read_file(&answer(404, ""), "dao-demo", FILENAME), Reading::Absent);
}

fn shown(index: &serde_json::Value, filename: &str) -> ShownProject {
    match read_file(&answer(200, &index.to_string()), "dao-demo", filename) {
        Reading::Present(shown) => shown,
        reading => panic!("not read: {reading:?}"),
    }
}

#[test]
fn should_say_whether_a_project_takes_files() {
    assert_eq!(shown(&index(), FILENAME).status, ProjectStatus::Active);
    let cases = [
        ("active", ProjectStatus::Active, true),
        ("deprecated", ProjectStatus::Deprecated, true),
        ("archived", ProjectStatus::Archived, false),
        ("quarantined", ProjectStatus::Quarantined, false),
        ("unheard-of", ProjectStatus::Unknown, false),
    ];
    for (text, status, takes_files) in cases {
        let mut index = index();
        index["project-status"] = json!({ "status": text, "reason": "pypi-secret" });
        assert_eq!(shown(&index, FILENAME).status, status);
        assert_eq!(status.takes_files(), takes_files);
    }
}

#[test]
fn should_date_a_release_by_the_first_of_its_files() {
    let mut index = index();
    let files = [
        ("dao_demo-0.9.0.tar.gz", "2020-01-01T00:00:00.000000Z"),
        ("Dao.Demo-1.0.0.tar.gz", "2026-11-21T07:17:49.681234Z"),
        (FILENAME, "2026-11-22T07:17:49.681234Z"),
        ("dao_demo-1.0.0.post1-py3-none-any.whl", "2026-01-01T00:00:00Z"),
    ];
    let file = |(filename, uploaded): (&str, &str)| json!({ "filename": filename, "upload-time": uploaded, "hashes": { "sha256": SHA256 } });
    index["files"] = files.map(file).to_vec().into();
    assert_eq!(shown(&index, FILENAME).release_since_s, Some(1_795_245_469));
    let new = shown(&index, "dao_demo-2.0.0-py3-none-any.whl");
    assert_eq!((new.release_since_s, new.sha256), (None, None));
}

#[test]
fn should_list_every_file_by_its_digest() {
    let Reading::Present(listing) = read_files(&answer(200, &index().to_string()), "dao-demo") else {
        panic!("not read")
    };
    assert_eq!(listing.entries.len(), 2);
    let sha256: Sha256Digest = SHA256.parse().expect("hex");
    assert_eq!(listing.entries[FILENAME], crate::listing::DigestPrefix::of(&sha256.0));
}

#[test]
fn should_classify_every_known_answer() {
    use Refusal::*;
    use Verdict::{Accepted, AlreadyExists, Ambiguous, Refused, Transient};
    let code = |text: &str| json!({ "message": "…", "code": text, "title": "…" }).to_string();
    let cases = [
        (200, String::new(), Accepted),
        (200, "<h1>200 Upload of identical file to non volatile index.</h1>".to_owned(), Accepted),
        (
            400,
            code("400 File already exists ('f.whl', with blake2_256 hash '00'). See file-name-reuse"),
            AlreadyExists,
        ),
        (
            400,
            code(
                "400 This filename was previously used by a file that has since been deleted. Use a different version.",
            ),
            Refused(FilenameUsedBefore),
        ),
        (
            400,
            code("400 Uploading new files to releases older than 14 days is not allowed."),
            Refused(ReleaseClosed),
        ),
        (400, code("400 Only one sdist may be uploaded per release."), Refused(SecondSourceDistribution)),
        (400, code("400 Invalid distribution file. ZIP archive not accepted"), Refused(InvalidDistribution)),
        (
            400,
            code("400 The digest supplied does not match a digest calculated from the uploaded file."),
            Refused(DigestMismatch),
        ),
        (400, code("400 Filename 'a.tar.gz' is invalid, should be 'b.tar.gz'."), Refused(InvalidFilename)),
        (400, "<pre>Bad filename: foo.exe</pre>".to_owned(), Refused(InvalidFilename)),
        (400, code("400 'x' is not a valid classifier."), Refused(InvalidClassifier)),
        (400, code("400 File too large. Limit for project 'p' is 100 MB."), Refused(TooLarge)),
        (400, code("400 Unknown protocol version."), Refused(InvalidRequest)),
        (401, "<title>Error: 401 Unauthorized</title>".to_owned(), Refused(TokenInvalid)),
        (403, code("403 Invalid or non-existent authentication information."), Refused(TokenInvalid)),
        (403, code("403 Invalid API Token: token is expired"), Refused(TokenExpired)),
        (
            403,
            code("403 Invalid API Token: project-scoped token is not valid for project: 'x'"),
            Refused(TokenForOtherProject),
        ),
        (403, code("403 Invalid API Token: signatures do not match"), Refused(TokenInvalid)),
        (403, code("403 Invalid API Token: caveat has unknown tag"), Refused(TokenInvalid)),
        (403, code("403 Project 'p' is archived."), Refused(ProjectArchived)),
        (
            403,
            code("403 Invalid API Token: project-scoped token used outside of a project context"),
            Refused(ProjectMissing),
        ),
        (403, code("403 The user 'u' isn't allowed to upload to project 'p'."), Refused(AccountNotAllowed)),
        (
            403,
            code("403 User 'u' does not have a verified primary email address."),
            Refused(AccountIncomplete),
        ),
        (
            403,
            code("403 User 'u' does not have two-factor authentication enabled."),
            Refused(AccountIncomplete),
        ),
        (403, code("403 Read-only mode: Uploads are temporarily disabled."), Transient { retry_after_s: 60 }),
        (403, code("403 New uploads are temporarily disabled."), Transient { retry_after_s: 60 }),
        (403, "<title>Error: 403 Forbidden</title>".to_owned(), Refused(Forbidden)),
        (404, String::new(), Refused(WrongEndpoint)),
        (308, String::new(), Refused(WrongEndpoint)),
        (410, code("410 Project pre-registration is no longer required"), Refused(WrongEndpoint)),
        (409, "Package &#039;a1-1.0-py3-none-any.whl&#039; already exists!".to_owned(), AlreadyExists),
        (409, "409 f.whl already exists in non-volatile index".to_owned(), AlreadyExists),
        (409, String::new(), Ambiguous),
        (413, String::new(), Refused(TooLarge)),
        (429, code("429 Too many new projects created"), Transient { retry_after_s: 60 }),
        (418, String::new(), Refused(Unrecognised)),
        (500, String::new(), Ambiguous),
        (503, code("503 Read-only mode"), Ambiguous),
        (0, String::new(), Ambiguous),
    ];
    for (status, body, verdict) in cases {
        assert_eq!(classify_pypi(&answer(status, &body)), verdict, "{status} {body}");
    }
}

#[test]
fn should_give_every_status_a_verdict_and_keep_nothing_of_an_echoed_token() {
    let token = "pypi-AgEMcHlwaS5leGFtcGxl";
    for status in 0..=999 {
        let verdict = classify_pypi(&answer(status, &format!("Authorization: Basic {token}")));
        assert!(!format!("{verdict:?}").contains("AgEMcH"), "{verdict:?}");
    }
}

#[test]
fn should_spell_a_version_in_its_normal_form() {
    for (version, normal) in
        [("1.0-RC.1", "1.0rc1"), ("v1.0", "1.0"), ("1.0.0", "1.0.0"), ("1.0-1", "1.0.post1")]
    {
        assert_eq!(normalized_version(version).as_deref(), Some(normal), "{version}");
    }
    for version in ["", "one", "1.0-", &"1".repeat(257)] {
        assert_eq!(normalized_version(version), None, "{version}");
    }
}
