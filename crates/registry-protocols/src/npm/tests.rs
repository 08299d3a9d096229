use base64::{Engine as _, engine::general_purpose::STANDARD};
use release_types::proposal::{NpmAccess, NpmOptions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::*;
use crate::{
    endpoint::EndpointUrl,
    http::{AUTHORIZATION_RESERVE_BYTES, HttpAnswer, MAX_REQUEST_BYTES, Method},
    reading::{Comparison, MAX_REDUCED_BYTES, Reading, Unreadable},
    verdict::{Refusal, Verdict},
};

const MANIFEST: &str = r#"{"name":"@dao/demo","version":"1.0.0-beta.1","main":"index.js","description":"a \"demo\"","readme":"R","_nodeVersion":"20.20.2"}"#;

fn endpoint() -> EndpointUrl {
    EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("good URL")
}

fn options() -> NpmOptions {
    NpmOptions { dist_tag: "beta".to_owned(), access: NpmAccess::Public }
}

fn publication(options: &NpmOptions) -> NpmPublication<'_> {
    NpmPublication { name: "@dao/demo", version: "1.0.0-beta.1", manifest_json: MANIFEST, options }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    HttpAnswer { status, headers, body: body.as_bytes().to_vec() }
}

/// What the npm client (11.21.2) sent for a scoped prerelease, with the registry's host replaced.
const CLIENT_BODY: &str = include_str!("client_publish_body.json");

#[test]
fn should_build_the_body_that_the_npm_client_sends() {
    let sent: Value = serde_json::from_str(CLIENT_BODY).expect("JSON");
    let attachment = &sent["_attachments"]["@dao/demo-1.0.0-beta.1.tgz"];
    let tarball = STANDARD.decode(attachment["data"].as_str().expect("base64")).expect("base64");
    let mut manifest = sent["versions"]["1.0.0-beta.1"].clone();
    manifest.as_object_mut().expect("an object").remove("dist");
    let (manifest_json, options) = (manifest.to_string(), options());
    let publication = NpmPublication { manifest_json: &manifest_json, ..publication(&options) };

    let request = publish_request(&endpoint(), &publication, &tarball).expect("builds");

    assert_eq!(request.method, Method::Put);
    assert_eq!(request.url, "https://npm.registry.example/@dao%2fdemo");
    // As texts, so that the order of keys counts: registries take the first version for the newest.
    assert_eq!(String::from_utf8(request.body.clone()).expect("JSON"), sent.to_string());
    assert_eq!(request.body.len(), request.body.capacity(), "one allocation of the exact size");
}

#[test]
fn should_complete_a_document_that_lacks_id_and_dist() {
    let request = publish_request(&endpoint(), &publication(&options()), b"bytes").expect("builds");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["description"], "a \"demo\"");
    let version = &body["versions"]["1.0.0-beta.1"];
    assert_eq!(version["_id"], "@dao/demo@1.0.0-beta.1");
    assert_eq!(version["dist"]["integrity"], format!("sha512-{}", STANDARD.encode(Sha512::digest(b"bytes"))));
}

#[test]
fn should_know_the_body_size_before_building_it() {
    let options = options();
    for tarball_bytes in [0, 1, 2, 3, 9, 10, 100, 1_000] {
        let request =
            publish_request(&endpoint(), &publication(&options), &vec![7; tarball_bytes]).expect("builds");
        let foretold = npm_body_bytes(&endpoint(), &publication(&options), tarball_bytes).expect("builds");
        assert_eq!(request.body.len(), foretold);
    }
}

#[test]
fn should_name_the_exact_largest_tarball_when_refusing_a_larger_one() {
    let options = options();
    let largest = largest_tarball_bytes(&endpoint(), &publication(&options)).expect("fits");
    let request =
        publish_request(&endpoint(), &publication(&options), &vec![7; largest]).expect("the largest fits");
    let headers_bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(request.body.len() + headers_bytes + AUTHORIZATION_RESERVE_BYTES <= MAX_REQUEST_BYTES);
    let error = publish_request(&endpoint(), &publication(&options), &vec![7; largest + 1])
        .expect_err("one byte too many");
    assert!(error.to_string().contains(&largest.to_string()), "{error}");
    // One more group of three bytes would not have fitted: the limit is not merely safe but exact.
    assert!(
        request.body.len() + headers_bytes + AUTHORIZATION_RESERVE_BYTES + 4 > MAX_REQUEST_BYTES,
        "{largest} is not the largest"
    );
}

#[test]
fn should_allow_no_tarball_when_the_document_alone_is_too_large() {
    let manifest = json!({ "name": "demo", "version": "1.0.0", "readme": "x".repeat(2_000_000) }).to_string();
    let options = options();
    let publication =
        NpmPublication { name: "demo", version: "1.0.0", manifest_json: &manifest, options: &options };
    assert_eq!(largest_tarball_bytes(&endpoint(), &publication), Ok(0));
}

#[test]
fn should_refuse_a_document_of_another_package_or_version() {
    let options = options();
    let mut other = publication(&options);
    other.version = "1.0.0";
    let error = publish_request(&endpoint(), &other, b"x").expect_err("version disagrees");
    assert!(matches!(error, NpmPublishError::ManifestDisagrees { field: "version", .. }), "{error}");
    let mut other = publication(&options);
    other.name = "demo";
    let error = publish_request(&endpoint(), &other, b"x").expect_err("name disagrees");
    assert!(matches!(error, NpmPublishError::ManifestDisagrees { field: "name", .. }), "{error}");
    let mut other = publication(&options);
    other.manifest_json = "[]";
    assert_eq!(
        publish_request(&endpoint(), &other, b"x").expect_err("no object"),
        NpmPublishError::ManifestNotAnObject
    );
}

#[test]
fn should_replace_a_dist_that_the_document_brings_along() {
    let manifest = r#"{"name":"demo","dist":{"integrity":"sha512-evil","x":1},"version":"1.0.0"}"#;
    let options = options();
    let publication =
        NpmPublication { name: "demo", version: "1.0.0", manifest_json: manifest, options: &options };
    let request = publish_request(&endpoint(), &publication, b"x").expect("builds");
    let text = String::from_utf8(request.body).expect("JSON");
    assert!(!text.contains("evil") && !text.contains("\"x\":1"), "{text}");
}

#[test]
fn should_refuse_names_and_versions_that_would_leave_their_place_in_the_url() {
    for name in
        ["", ".demo", "a/b", "a?b", "a#b", "a%2fb", "@dao", "@dao/", "@/a", "@a/b/c", "a b", "..", "é"]
    {
        assert!(escaped_name(name).is_err(), "{name}");
    }
    assert!(escaped_name(&"a".repeat(215)).is_err());
    assert_eq!(escaped_name("@dao/demo.js").as_deref(), Ok("@dao%2fdemo.js"));
    for version in ["", "../x", "1.0.0?x", "1.0.0/..", "latest", "1 0"] {
        assert!(version_request(&endpoint(), "demo", version, 1).is_err(), "{version}");
    }
}

#[test]
fn should_ask_for_one_version_past_caches() {
    let request = version_request(&endpoint(), "@dao/demo", "1.0.0+a", 77).expect("valid");
    assert_eq!(request.url, "https://npm.registry.example/@dao%2fdemo/1.0.0%2Ba?t=77");
    assert_eq!(request.method, Method::Get);
}

const SHOWN: &str =
    "UvxaEmYTUYBFMJqaNileveZZsEO2UyQKxwbIfk5v4LBcwf10osokxiI+VOpp8flkzOkC27qnY1Bu4rp/hYXR+Q==";

fn version_document(integrity: &str) -> String {
    json!({ "name": "dao-demo", "version": "1.0.1", "dist": {
        "integrity": integrity, "shasum": "442ce942d320abdc8534820c2e939075cc73808a",
        "tarball": "https://npm.registry.example/dao-demo/-/dao-demo-1.0.1.tgz" }, "contributors": [] })
    .to_string()
}

#[test]
fn should_read_the_digests_of_a_version_document() {
    let document = answer(200, &[], &version_document(&format!("sha512-{SHOWN}")));
    let reading = read_version(&document, "dao-demo", "1.0.1", &InstallFacts::default());
    let sha512: [u8; 64] = STANDARD.decode(SHOWN).expect("base64").try_into().expect("64 bytes");
    assert_eq!(compare(&reading, &sha512), Comparison::Same);
    assert_eq!(compare(&reading, &[0; 64]), Comparison::Different);
    let reduced = reading.reduced();
    assert!(reduced.len() <= MAX_REDUCED_BYTES);
    assert_eq!(NpmReading::parse_reduced(&reduced), Ok(reading));
}

#[test]
fn should_not_take_the_voted_bytes_for_the_voted_version_when_the_document_adds_a_dependency() {
    let mut document: Value =
        serde_json::from_str(&version_document(&format!("sha512-{SHOWN}"))).expect("JSON");
    document["dependencies"] = json!({ "other": "^1.0.0" });
    let sha512: [u8; 64] = STANDARD.decode(SHOWN).expect("base64").try_into().expect("64 bytes");
    let compared = |voted: &str| {
        let voted = InstallFacts::of("dao-demo", voted.as_bytes()).expect("an object");
        compare(&read_version(&answer(200, &[], &document.to_string()), "dao-demo", "1.0.1", &voted), &sha512)
    };
    assert_eq!(compared("{}"), Comparison::Different);
    assert_eq!(compared(r#"{"dependencies":{"other":"^1.0.0"}}"#), Comparison::Same);
}

#[test]
fn should_read_signatures_and_a_deprecation_without_their_text() {
    let mut document: Value =
        serde_json::from_str(&version_document(&format!("sha512-{SHOWN}"))).expect("JSON");
    let key = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";
    document["dist"]["signatures"] =
        json!([{ "keyid": key, "sig": "npm_secret" }, { "keyid": "npm_secret", "sig": "" }]);
    document["deprecated"] = json!("npm_secret");
    let reading =
        read_version(&answer(200, &[], &document.to_string()), "dao-demo", "1.0.1", &InstallFacts::default());
    let Reading::Present(published) = &reading else { panic!("not read: {reading:?}") };
    assert_eq!(published.signatures.len(), 2);
    assert!(published.signatures.iter().any(|signature| Some(signature.key) == signature::KeyId::parse(key)));
    assert_eq!(published.deprecation, Some(release_types::Sha256Digest::of(b"npm_secret")));
    assert!(!String::from_utf8(reading.reduced()).expect("text").contains("secret"));
    for none in [json!(""), json!(false), Value::Null] {
        document["deprecated"] = none;
        let reading = read_version(
            &answer(200, &[], &document.to_string()),
            "dao-demo",
            "1.0.1",
            &InstallFacts::default(),
        );
        assert!(matches!(reading, Reading::Present(published) if published.deprecation.is_none()));
    }
}

#[test]
fn should_keep_the_longest_version_document_within_the_bound() {
    let mut document: Value =
        serde_json::from_str(&version_document(&format!("sha512-{SHOWN}"))).expect("JSON");
    let signature =
        "MEUCIDrLNspFeU5NZ6d55ycVBZIMXnPJi/XnI1Y2dlJvK8P1AiEAnXjn1IOMUd+U7YfPH+FNjwfLq+jCwfH8uaxocq+mpPk=";
    let shown = json!({ "keyid": "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA", "sig": signature });
    document["dist"]["signatures"] = json!(vec![shown; 100]);
    document["deprecated"] = json!("x");
    let reading =
        read_version(&answer(200, &[], &document.to_string()), "dao-demo", "1.0.1", &InstallFacts::default());
    let reduced = reading.reduced();
    assert!(reduced.len() <= MAX_REDUCED_BYTES, "{}", reduced.len());
    assert_eq!(NpmReading::parse_reduced(&reduced), Ok(reading));
}

#[test]
fn should_reduce_answers_of_different_nodes_to_the_same_bytes() {
    let one = answer(200, &[("date", "Mon")], &version_document(&format!("sha512-{SHOWN}")));
    let mut two = one.clone();
    two.headers = vec![("age".to_owned(), "5".to_owned())];
    two.body = format!(" {} ", version_document(&format!("sha1-x sha512-{SHOWN}?opt"))).into_bytes();
    assert_eq!(
        read_version(&one, "dao-demo", "1.0.1", &InstallFacts::default()).reduced(),
        read_version(&two, "dao-demo", "1.0.1", &InstallFacts::default()).reduced()
    );
}

#[test]
fn should_never_take_an_unreadable_answer_for_absence_or_presence() {
    let good = version_document(&format!("sha512-{SHOWN}"));
    let twice = version_document(&format!("sha512-{SHOWN} sha512-{SHOWN}"));
    let short = version_document("sha512-AAAA");
    let cases = [
        (answer(200, &[], "<html>"), Unreadable::NotTheDocument),
        (answer(200, &[], &good[..good.len() / 2]), Unreadable::NotTheDocument),
        (answer(200, &[], r#"{"name":"dao-demo","version":"1.0.1"}"#), Unreadable::NoSingleDigest),
        (answer(200, &[], &twice), Unreadable::NoSingleDigest),
        (answer(200, &[], &short), Unreadable::NoSingleDigest),
        (answer(200, &[], &good.replace("1.0.1", "1.0.2")), Unreadable::OtherArtifact),
        (answer(403, &[], ""), Unreadable::NotPublic),
        (answer(302, &[], ""), Unreadable::Redirected),
        (answer(503, &[], ""), Unreadable::Unavailable),
        (answer(418, &[], ""), Unreadable::UnexpectedStatus),
        (answer(204, &[], ""), Unreadable::UnexpectedStatus),
    ];
    for (answer, why) in cases {
        assert_eq!(
            read_version(&answer, "dao-demo", "1.0.1", &InstallFacts::default()),
            Reading::Unreadable { why },
            "{answer:?}"
        );
    }
    let missing = answer(404, &[], r#"{"error":"this version doesn't exist: 9.9.9"}"#);
    assert_eq!(read_version(&missing, "dao-demo", "9.9.9", &InstallFacts::default()), Reading::Absent);
}

#[test]
fn should_refuse_a_reduction_that_is_none() {
    assert!(NpmReading::parse_reduced(b"{\"state\":\"present\"}").is_err());
    assert!(NpmReading::parse_reduced(&vec![b' '; MAX_REDUCED_BYTES + 1]).is_err());
}

#[test]
fn should_classify_every_known_answer() {
    use Refusal::*;
    use Verdict::{Accepted, AlreadyExists, Ambiguous, Refused};
    let error = |text: &str| json!({ "error": text }).to_string();
    let none: &[(&str, &str)] = &[];
    let cases: Vec<(u16, &[(&str, &str)], String, Verdict)> = vec![
        (200, none, r#"{"success":true}"#.to_owned(), Accepted),
        (201, none, r#"{"ok":"created new package","success":true}"#.to_owned(), Accepted),
        (
            401,
            &[("WWW-Authenticate", "otp")],
            error("You must provide a one-time pass."),
            Refused(OneTimePasswordRequired),
        ),
        (401, &[("www-authenticate", "Basic, OTP")], String::new(), Refused(OneTimePasswordRequired)),
        (
            401,
            none,
            error("You must provide a one-time pass. Upgrade your client"),
            Refused(OneTimePasswordRequired),
        ),
        // The web form of the challenge.
        (
            401,
            none,
            r#"{"authUrl":"https://npm.registry.example/auth","doneUrl":"https://npm.registry.example/done"}"#
                .to_owned(),
            Refused(OneTimePasswordRequired),
        ),
        (401, &[("www-authenticate", "ipaddress")], String::new(), Refused(AddressNotAllowed)),
        (
            404,
            none,
            error("could not be found or you do not have permission to access it"),
            Refused(NotFoundOrNotAllowed),
        ),
        (
            401,
            &[("www-authenticate", "Basic, Bearer")],
            error("authorization required to publish package p"),
            Refused(TokenInvalid),
        ),
        (401, none, "Missing \"Bearer\" header.".to_owned(), Refused(TokenInvalid)),
        (402, none, error("You must sign up for private packages"), Refused(PaymentRequired)),
        (
            403,
            none,
            error("You cannot publish over the previously published versions: 1.0.0."),
            AlreadyExists,
        ),
        (
            403,
            none,
            error(
                "Two-factor authentication or granular access token with bypass 2fa enabled is required to publish packages.",
            ),
            Refused(TwoFactorBypassRequired),
        ),
        (403, none, error("Package name too similar to existing package demo"), Refused(NameTooSimilar)),
        (403, none, error("Forbidden"), Refused(Forbidden)),
        (403, none, error("E_STAGE_REQUIRED: run npm stage publish"), Refused(StageOnlyToken)),
        (404, none, error("Not found"), Refused(NotFoundOrNotAllowed)),
        (400, none, error("Cannot publish over previously published version \"1.0.0\"."), AlreadyExists),
        (
            400,
            none,
            "Invalid attachment \"p2-1.0.0.tgz\": EINTEGRITY: integrity mismatch".to_owned(),
            Refused(DigestMismatch),
        ),
        (400, none, error("unsupported registry call"), Refused(InvalidRequest)),
        (409, none, error("Cannot publish over previously staged version \"1.0.0\"."), AlreadyExists),
        (409, none, error("Cannot stage previously published version \"1.0.0\""), AlreadyExists),
        (409, none, error("@dao/st@1.1.0 is already staged"), AlreadyExists),
        (409, none, error("this package is already present"), AlreadyExists),
        (
            409,
            none,
            "Cannot publish over the previously published version p1@1.0.0".to_owned(),
            AlreadyExists,
        ),
        (
            409,
            none,
            error(
                "Failed to save packument. A common cause is if you try to publish a new package before the previous package has been fully processed.",
            ),
            Ambiguous,
        ),
        (413, none, error("request entity too large"), Refused(TooLarge)),
        (422, none, error("Error verifying sigstore provenance bundle"), Refused(ProvenanceMismatch)),
        (422, none, error("bad incoming package data"), Refused(InvalidRequest)),
        (
            429,
            none,
            error("Could not publish, as user undefined: rate limited exceeded"),
            Verdict::Transient { retry_after_s: 60 },
        ),
        (429, &[("Retry-After", "1934")], "<html>".to_owned(), Verdict::Transient { retry_after_s: 1_934 }),
        (308, &[("location", "https://elsewhere.example/")], String::new(), Refused(WrongEndpoint)),
        (418, none, String::new(), Refused(Unrecognised)),
        (500, none, error("internal"), Ambiguous),
        (502, none, "Bad Gateway".to_owned(), Ambiguous),
        (503, &[("retry-after", "5")], String::new(), Ambiguous),
        (0, none, String::new(), Ambiguous),
        (103, none, String::new(), Ambiguous),
    ];
    for (status, headers, body, verdict) in cases {
        assert_eq!(classify_npm(&answer(status, headers, &body)), verdict, "{status} {body}");
    }
}

#[test]
fn should_give_every_status_a_verdict_and_keep_nothing_of_an_echoed_token() {
    let token = "npm_000000000000000000000000000000000000";
    for status in 0..=999 {
        let echo = answer(status, &[("www-authenticate", token)], &format!("Authorization: Bearer {token}"));
        let verdict = classify_npm(&echo);
        assert!(!format!("{verdict:?}").contains("000000"), "{verdict:?}");
        assert!(!serde_json::to_string(&verdict).expect("serialises").contains("000000"));
    }
}
