//! What registries answer: read by every reader, through the transform that every node runs on it, and what the nodes
//! then agree on.

use custody_canister::outcall::{answer as read_answer, transform_answer, verdict};
use fuzz_tests::{Campaign, corpus};
use ic_management_canister_types::{HttpHeader, HttpRequestResult, TransformArgs};
use registry_protocols::{
    bytes::{self, ByteRange},
    endpoint::EndpointUrl,
    http::HttpAnswer,
    listing::MAX_LISTING_BYTES,
    npm::{self, NpmReading, escaped_name, signature, stage},
    pypi::{self, PypiReading, normalized_project},
    reading::{MAX_REDUCED_BYTES, Reading},
};
use release_types::Sha256Digest;
use serde::{Serialize, de::DeserializeOwned};

const NAME: &str = "@dao/demo";
const VERSION: &str = "1.0.0-beta.1";
const PROJECT: &str = "dao-demo";
const FILENAME: &str = "dao_demo-1.0.0-py3-none-any.whl";

/// What custody asks of an answer, as the transform's context tells it.
fn questions() -> Vec<Vec<u8>> {
    corpus("questions")
}

/// An answer from its text: the status, header lines, an empty line, the body.
fn answer(text: &[u8]) -> HttpRequestResult {
    let end = text.windows(2).position(|pair| pair == b"\n\n").unwrap_or(text.len());
    let head = String::from_utf8_lossy(&text[..end]);
    let mut lines = head.lines();
    let status: u32 = lines.next().and_then(|line| line.parse().ok()).unwrap_or(200);
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        HttpHeader { name: name.to_owned(), value: value.to_owned() }
    };
    HttpRequestResult {
        status: status.into(),
        headers: lines.map(header).collect(),
        body: text.get(end + 2..).unwrap_or_default().to_vec(),
    }
}

fn reduced(question: &[u8], text: &[u8]) -> Vec<u8> {
    transform_answer(TransformArgs { response: answer(text), context: question.to_vec() }).body
}

#[test]
fn should_reduce_any_answer_to_few_bytes() {
    let (questions, answers) = (questions(), corpus("answers"));
    let is_understood =
        |question: &Vec<u8>| answers.iter().any(|answer| !reduced(question, answer).is_empty());
    assert!(questions.iter().all(is_understood), "a question that means nothing tests nothing");
    Campaign::new("answers", answers).run(|text| {
        read_by_all(&read_answer(answer(text)));
        for question in &questions {
            let reduced = reduced(question, text);
            let is_listing = question.starts_with(b"{\"Listed");
            let max_bytes = if is_listing { MAX_LISTING_BYTES } else { MAX_REDUCED_BYTES };
            assert!(reduced.len() <= max_bytes, "reduced to {} bytes", reduced.len());
            read_reduction(&reduced);
        }
    });
}

/// Every reader of answers, the transform's and those that only one node runs.
fn read_by_all(answer: &HttpAnswer) {
    reads_back(npm::read_version(answer, NAME, VERSION, &npm::InstallFacts::default()), MAX_REDUCED_BYTES);
    reads_back(npm::read_versions(answer, NAME), MAX_LISTING_BYTES);
    reads_back(npm::read_tagged_versions(answer), MAX_LISTING_BYTES);
    reads_back(npm::read_tag(answer, "beta"), MAX_REDUCED_BYTES);
    reads_back(npm::read_deprecation(answer, NAME, VERSION), MAX_REDUCED_BYTES);
    reads_back(stage::read_stages(answer, NAME, VERSION, "beta", 0), MAX_REDUCED_BYTES);
    reads_back(signature::read_keys(answer), MAX_REDUCED_BYTES);
    reads_back(pypi::read_file(answer, PROJECT, FILENAME), MAX_REDUCED_BYTES);
    reads_back(pypi::read_files(answer, PROJECT), MAX_LISTING_BYTES);
    reads_back(pypi::read_document(answer, PROJECT, FILENAME), MAX_REDUCED_BYTES);
    reads_back(bytes::read_file(answer, None), MAX_REDUCED_BYTES);
    for start in [0, 1_900_000, 3_800_000] {
        let range = ByteRange { start, len: 1_900_000.min(4_000_000 - start), total: 4_000_000 };
        reads_back(bytes::read_file(answer, Some(&range)), MAX_REDUCED_BYTES);
    }
    let _ = npm::notice(answer);
    let _ = npm::classify_npm(answer);
    let _ = pypi::classify_pypi(answer);
    let endpoint = EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("a good URL");
    let _ = npm::deprecation_request(&endpoint, NAME, &answer.body, VERSION, "\"old\"");
}

/// What a node reduces, custody reads as the same.
fn reads_back<D: Serialize + DeserializeOwned>(reading: Reading<D>, max_bytes: usize) {
    let reduced = reading.reduced();
    let again = Reading::<D>::parse_reduced_within(&reduced, max_bytes);
    let text = String::from_utf8_lossy(&reduced);
    assert_eq!(again.expect(&text).reduced(), reduced, "{text} is read as something else");
}

fn read_reduction(bytes: &[u8]) {
    let sha256 = Sha256Digest::of(b"demo");
    let _ = NpmReading::parse_reduced(bytes).map(|reading| npm::compare(&reading, &[7; 64]));
    let _ = PypiReading::parse_reduced(bytes).map(|reading| pypi::compare(&reading, &sha256));
    let _ = verdict(bytes);
}

#[test]
fn should_stand_any_reduction_and_any_question() {
    let mut seeds = questions();
    seeds.extend(corpus("reductions"));
    let answers = corpus("answers");
    Campaign::new("reductions", seeds).run(|bytes| {
        read_reduction(bytes);
        drop(reduced(bytes, &answers[0]));
    });
}

#[test]
fn should_stand_any_name_and_address() {
    Campaign::new("names", corpus("names")).run(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = EndpointUrl::check("read_url", &text);
        let _ = escaped_name(&text);
        let _ = normalized_project(&text);
    });
}
