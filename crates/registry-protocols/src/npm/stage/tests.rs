use release_types::proposal::{NpmAccess, NpmOptions};
use serde_json::{Value, json};

use super::*;
use crate::{npm::publish_request, reading::MAX_REDUCED_BYTES};

const ID: &str = "0fb3eb3c-9670-40a5-a1aa-3ced9938bfe3";
const OTHER_ID: &str = "4cf0128a-5711-4538-8861-856ee73cba26";
const SHASUM: &str = "ace0471f0e75dfb93ddcd42eb8ebcdba806fa348";

fn endpoint() -> EndpointUrl {
    EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("good URL")
}

fn id() -> StageId {
    ID.parse().expect("a UUID")
}

fn answer(status: u16, body: &Value) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// An item as registries show it.
fn item() -> Value {
    json!({
        "id": ID, "packageName": "@dao/st", "version": "1.1.0", "tag": "latest",
        "createdAt": "2026-11-21T07:17:49.681Z", "actor": "daobot", "actorType": "user", "access": "public",
        "shasum": SHASUM,
    })
}

fn list(items: &[Value], total: u64) -> HttpAnswer {
    answer(200, &json!({ "items": items, "page": 0, "perPage": 100, "total": total }))
}

fn read(answer: &HttpAnswer) -> StagesReading {
    read_stages(answer, "@dao/st", "1.1.0", "latest", 0)
}

fn entries(reading: StagesReading) -> Vec<StagedVersion> {
    let Reading::Present(list) = reading else { panic!("not read: {reading:?}") };
    list.entries
}

#[test]
fn should_stage_exactly_what_a_publish_would_send() {
    let options = NpmOptions { dist_tag: "latest".to_owned(), access: NpmAccess::Public };
    let manifest_json = r#"{"name":"@dao/st","version":"1.1.0"}"#;
    let publication = NpmPublication { name: "@dao/st", version: "1.1.0", manifest_json, options: &options };
    let staged = stage_request(&endpoint(), &publication, b"tarball").expect("builds");
    let published = publish_request(&endpoint(), &publication, b"tarball").expect("builds");
    assert_eq!(staged.method, Method::Post);
    assert_eq!(staged.url, "https://npm.registry.example/-/stage/package/@dao%2fst");
    assert!(staged.headers.contains(&("npm-command".to_owned(), "stage".to_owned())));
    assert_eq!(staged.body, published.body);
}

#[test]
fn should_pin_the_paths_of_all_reads() {
    let request = stages_request(&endpoint(), "@dao/st", 2).expect("valid");
    assert_eq!(request.url, "https://npm.registry.example/-/stage?package=%40dao%2fst&page=2&perPage=100");
    let tarball = stage_tarball_request(&endpoint(), &id(), None);
    assert_eq!(tarball.url, format!("https://npm.registry.example/-/stage/{ID}/tarball"));
    assert!([request, tarball].iter().all(|request| request.method == Method::Get));
}

#[test]
fn should_take_nothing_but_uuids_for_stage_ids() {
    for text in [
        "",
        "../approve",
        &ID[1..],
        &format!("{ID}/approve"),
        &ID.replace('-', "/"),
        &format!("g{}", &ID[1..]),
    ] {
        assert!(text.parse::<StageId>().is_err(), "{text}");
    }
    assert_eq!(ID.to_uppercase().parse::<StageId>(), Ok(id()));
    assert!(serde_json::from_str::<StageId>("\"../approve\"").is_err());
}

#[test]
fn should_list_only_the_version_asked_for_in_one_order() {
    let mut second = item();
    second["id"] = json!(OTHER_ID);
    second["tag"] = json!("beta");
    second["status"] = json!("rejected");
    let mut other_version = item();
    other_version["version"] = json!("1.1.1");
    let mut other_package = item();
    other_package["packageName"] = json!("@dao/st2");
    let one = list(&[second.clone(), other_version.clone(), item()], 3);
    let two = list(&[item(), other_package, second, other_version], 4);
    let reading = read(&one);
    assert_eq!(reading.reduced(), read(&two).reduced());
    assert_eq!(StagesReading::parse_reduced(&reading.reduced()), Ok(reading.clone()));
    let entries = entries(reading);
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].id.to_string().as_str(), entries[0].shasum.as_deref()), (ID, Some(SHASUM)));
    assert_eq!((entries[0].has_voted_tag, entries[0].status), (true, StageStatus::Waiting));
    assert_eq!((entries[1].has_voted_tag, entries[1].status), (false, StageStatus::Rejected));
}

#[test]
fn should_ask_for_the_next_page_only_when_there_is_one() {
    let full: Vec<_> =
        (0..100).map(|_| json!({ "id": ID, "packageName": "p", "version": "1.0.0" })).collect();
    let has_more = |answer: &HttpAnswer, page| match read_stages(answer, "q", "1.0.0", "latest", page) {
        Reading::Present(list) => list.has_more,
        reading => panic!("not read: {reading:?}"),
    };
    assert!(has_more(&list(&full, 101), 0));
    assert!(!has_more(&list(&full, 100), 0));
    assert!(!has_more(&list(&full[..1], 101), 1));
    assert!(!has_more(&list(&full[..99], 500), 0), "a page that is not full is the last, whatever the total");
}

#[test]
fn should_keep_no_text_that_the_registry_wrote() {
    let mut echo = item();
    for field in ["tag", "status", "shasum", "actor", "access"] {
        echo[field] = json!("npm_secret");
    }
    let reduced = String::from_utf8(read(&list(&[echo], 1)).reduced()).expect("text");
    assert!(!reduced.contains("npm_secret"), "{reduced}");
}

#[test]
fn should_refuse_a_list_that_is_none_or_too_long() {
    let mut not_a_uuid = item();
    not_a_uuid["id"] = json!("../x");
    let cases = [
        (list(&[not_a_uuid], 1), Unreadable::NotTheDocument),
        (answer(200, &json!([])), Unreadable::NotTheDocument),
        (list(&vec![item(); MAX_STAGES + 1], 9), Unreadable::TooMany),
        (answer(401, &json!({})), Unreadable::NotPublic),
        (answer(503, &json!({})), Unreadable::Unavailable),
    ];
    for (answer, why) in cases {
        assert_eq!(read(&answer), Reading::Unreadable { why });
    }
    assert_eq!(read(&answer(404, &json!({ "error": "Not found" }))), Reading::Absent);
    assert!(read(&list(&vec![item(); MAX_STAGES], 8)).reduced().len() <= MAX_REDUCED_BYTES);
}

#[test]
fn should_take_an_unknown_status_for_waiting() {
    for (shown, status) in [
        ("approved", StageStatus::Approved),
        ("Expired", StageStatus::Expired),
        ("pending", StageStatus::Waiting),
        ("unheard-of", StageStatus::Waiting),
    ] {
        let mut item = item();
        item["status"] = json!(shown);
        assert_eq!(entries(read(&list(&[item], 1)))[0].status, status, "{shown}");
    }
}
