use serde_json::{Value, json};

use super::*;

const FILENAME: &str = "dao_demo-1.0.0-py3-none-any.whl";
const SHA256: &str = "f2d7b9f41b1e92dd1e4a5c688333e10506cec2d4f71113cd8028d825843b8158";

fn answer(status: u16, body: &Value) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn document() -> Value {
    json!({
        "info": { "name": "dao.Demo", "version": "1.0.0" },
        "last_serial": 7,
        "urls": [
            { "filename": "dao_demo-1.0.0.tar.gz", "digests": { "sha256": "0".repeat(64) } },
            { "filename": FILENAME, "size": 9, "digests": {
                "md5": "00", "sha256": SHA256, "blake2b_256": "ab".repeat(32) } },
        ],
    })
}

fn read(body: &Value) -> DocumentReading {
    read_document(&answer(200, body), "dao-demo", FILENAME)
}

#[test]
fn should_pin_the_path_of_a_version_document() {
    let base = EndpointUrl::check("version_url", "https://pypi.registry.example/pypi").expect("good URL");
    let request = version_request(&base, "Dao.Demo", "1!1.0+cpu", 5).expect("valid");
    assert_eq!(request.url, "https://pypi.registry.example/pypi/dao-demo/1!1.0%2Bcpu/json?t=5");
    for version in ["", "../1", "1/2", "1?x", "1#x", ".1"] {
        assert!(version_request(&base, "demo", version, 5).is_err(), "{version}");
    }
}

#[test]
fn should_read_the_digests_of_one_file_in_the_second_view() {
    let reading = read(&document());
    assert_eq!(compare_document(&reading, &SHA256.parse().expect("hex")), Comparison::Same);
    assert_eq!(compare_document(&reading, &Sha256Digest([0; 32])), Comparison::Different);
    let Reading::Present(file) = reading else { panic!("not read: {reading:?}") };
    assert_eq!(file.blake2b_256, Some(Sha256Digest([0xab; 32])));
    let mut later = document();
    later["last_serial"] = json!(8);
    assert_eq!(read(&later).reduced(), reading.reduced());
    assert_eq!(DocumentReading::parse_reduced(&reading.reduced()), Ok(reading));
}

#[test]
fn should_tell_absence_from_a_document_that_says_nothing() {
    let missing = read_document(&answer(200, &document()), "dao-demo", "other.whl");
    assert_eq!(missing, Reading::Absent);
    assert_eq!(
        read_document(&answer(404, &json!({ "message": "Not Found" })), "dao-demo", FILENAME),
        Reading::Absent
    );
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        read(&document)
    };
    let unreadable = |why| Reading::Unreadable { why };
    assert_eq!(
        changed(&|d| d["urls"][1]["digests"]["sha256"] = json!("x")),
        unreadable(Unreadable::NoSingleDigest)
    );
    assert_eq!(changed(&|d| d["urls"][0] = d["urls"][1].clone()), unreadable(Unreadable::NoSingleDigest));
    assert_eq!(changed(&|d| d["info"]["name"] = json!("dao-demo2")), unreadable(Unreadable::OtherArtifact));
    assert_eq!(changed(&|d| d["urls"] = json!(1)), unreadable(Unreadable::NotTheDocument));
}
