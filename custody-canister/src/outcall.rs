//! HTTPS outcalls: their arguments in Candid, and the transform that reduces answers before they reach memory.
//!
//! The transform never lets a registry's text through. A read-back becomes the few facts of a reading; the answer
//! to a publish request becomes a [`Verdict`], because a hostile registry could echo the token in it.

use candid::{Func, Principal};
use ic_management_canister_types::{
    HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult, TransformArgs, TransformContext,
    TransformFunc,
};
use registry_protocols::{
    http::{AuthorizedRequest, HttpAnswer, HttpRequest, MAX_REQUEST_BYTES, Method},
    npm::{self, TokenReading},
    verdict::Verdict,
};
use release_types::Ecosystem;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    registry::{self, ReadBack},
    watch::ListingQuestion,
};

/// Name of the exported query that reduces answers.
pub const TRANSFORM_METHOD: &str = "transform_answer";
/// Most bytes of a registry's answer to a publish request, headers included.
const PUBLISH_ANSWER_BYTES: u64 = 16_384;
/// Most bytes of a read-back: a project page lists every file ever released.
const READ_BACK_ANSWER_BYTES: u64 = 2_000_000;
/// Most bytes of a request that reads: a URL and a few headers.
const MAX_READ_REQUEST_BYTES: u64 = 4_096;
/// Most bytes of a reduced answer with its Candid envelope.
const REDUCED_ANSWER_BYTES: u64 = 2_048;
/// Most instructions of the transform: a 2 MB page, read at about 200 instructions per byte.
const TRANSFORM_INSTRUCTIONS: u64 = 500_000_000;
/// Time a node may take, in milliseconds. The full 60 s: a tighter budget can fail after the registry was reached.
const ROUND_TRIP_MS: u64 = 60_000;

/// Pay-as-you-go pricing.
const PRICING_VERSION: u32 = 2;

/// An outcall ready to go. Its arguments may hold a token, so it can neither be printed nor cloned.
pub struct EncodedOutcall {
    args: Vec<u8>,
    pub is_replicated: bool,
    /// What the subnet will charge for; see the price functions of the interface specification.
    pub size: OutcallSize,
}

/// The measures by which an outcall is priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcallSize {
    pub request_bytes: u64,
    pub round_trip_ms: u64,
    pub answer_bytes: u64,
    pub reduced_answer_bytes: u64,
    pub transform_instructions: u64,
}

impl EncodedOutcall {
    /// The Candid arguments of the management canister's `http_request`, moved out.
    pub fn into_args(self) -> Vec<u8> {
        self.args
    }
}

/// Tells the transform what it is looking at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Question {
    Published(Ecosystem),
    Shown(ReadBack),
    Listed(ListingQuestion),
    Probed,
}

/// The outcall that reads an artifact back, sent by every node.
pub fn read_outcall(custody: Principal, request: HttpRequest, read_back: &ReadBack) -> EncodedOutcall {
    replicated(custody, request, &Question::Shown(read_back.clone()), REDUCED_ANSWER_BYTES)
}

/// The outcall that asks for everything that is listed of a package, sent by every node. `reduced_bytes` is the most
/// that the reduced answer may have.
pub fn listing_outcall(
    custody: Principal,
    request: HttpRequest,
    question: &ListingQuestion,
    reduced_bytes: u64,
) -> EncodedOutcall {
    replicated(custody, request, &Question::Listed(question.clone()), reduced_bytes)
}

fn replicated(
    custody: Principal,
    request: HttpRequest,
    question: &Question,
    reduced_bytes: u64,
) -> EncodedOutcall {
    let headers = request.headers.into_iter().map(|(name, value)| HttpHeader { name, value }).collect();
    let args = HttpRequestArgs {
        url: request.url,
        max_response_bytes: Some(READ_BACK_ANSWER_BYTES),
        method: method(request.method),
        headers,
        body: None,
        transform: Some(transform(custody, question)),
        is_replicated: Some(true),
        pricing_version: Some(PRICING_VERSION),
    };
    encode(args, reduced_bytes)
}

/// The outcall that asks whether a token works, sent by every node. Everything that held the token is wiped but the
/// outcall itself.
pub fn probe_outcall(custody: Principal, request: AuthorizedRequest) -> EncodedOutcall {
    let headers = request
        .headers()
        .map(|(name, value)| HttpHeader { name: name.to_owned(), value: value.to_owned() })
        .collect();
    let args = HttpRequestArgs {
        url: request.url().to_owned(),
        max_response_bytes: Some(PUBLISH_ANSWER_BYTES),
        method: method(request.method()),
        headers,
        body: None,
        transform: Some(transform(custody, &Question::Probed)),
        is_replicated: Some(true),
        pricing_version: Some(PRICING_VERSION),
    };
    encode(args, REDUCED_ANSWER_BYTES)
}

/// What publishing the largest artifact, and reading one back, are priced by.
pub fn largest(is_replicated: bool) -> EncodedOutcall {
    let size = OutcallSize {
        request_bytes: if is_replicated { MAX_READ_REQUEST_BYTES } else { MAX_REQUEST_BYTES as u64 },
        round_trip_ms: ROUND_TRIP_MS,
        answer_bytes: if is_replicated { READ_BACK_ANSWER_BYTES } else { PUBLISH_ANSWER_BYTES },
        reduced_answer_bytes: REDUCED_ANSWER_BYTES,
        transform_instructions: TRANSFORM_INSTRUCTIONS,
    };
    EncodedOutcall { args: Vec::new(), is_replicated, size }
}

/// The outcall that publishes, sent by one node. Everything that held the token is wiped but the outcall itself.
pub fn publish_outcall(
    custody: Principal,
    mut request: AuthorizedRequest,
    ecosystem: Ecosystem,
) -> EncodedOutcall {
    let body = request.take_body();
    let headers = request
        .headers()
        .map(|(name, value)| HttpHeader { name: name.to_owned(), value: value.to_owned() })
        .collect();
    let args = HttpRequestArgs {
        url: request.url().to_owned(),
        max_response_bytes: Some(PUBLISH_ANSWER_BYTES),
        method: method(request.method()),
        headers,
        body: Some(body),
        transform: Some(transform(custody, &Question::Published(ecosystem))),
        is_replicated: Some(false),
        pricing_version: Some(PRICING_VERSION),
    };
    encode(args, REDUCED_ANSWER_BYTES)
}

fn encode(mut args: HttpRequestArgs, reduced_answer_bytes: u64) -> EncodedOutcall {
    let size = OutcallSize {
        request_bytes: request_bytes(&args),
        round_trip_ms: ROUND_TRIP_MS,
        answer_bytes: args.max_response_bytes.unwrap_or(READ_BACK_ANSWER_BYTES),
        reduced_answer_bytes,
        transform_instructions: TRANSFORM_INSTRUCTIONS,
    };
    let is_replicated = args.is_replicated != Some(false);
    let encoded = candid::encode_one(&args).expect("these types always encode");
    for header in &mut args.headers {
        header.value.zeroize();
    }
    EncodedOutcall { args: encoded, is_replicated, size }
}

fn request_bytes(args: &HttpRequestArgs) -> u64 {
    let headers: usize = args.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    let body = args.body.as_ref().map_or(0, Vec::len);
    let transform =
        args.transform.as_ref().map_or(0, |transform| transform.context.len() + TRANSFORM_METHOD.len());
    (args.url.len() + headers + body + transform) as u64
}

fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::GET,
        Method::Put => HttpMethod::PUT,
        Method::Post => HttpMethod::POST,
    }
}

fn transform(custody: Principal, question: &Question) -> TransformContext {
    TransformContext {
        function: TransformFunc(Func { principal: custody, method: TRANSFORM_METHOD.to_owned() }),
        context: serde_json::to_vec(question).expect("a question is plain text fields"),
    }
}

/// The transform: reduces an answer to a verdict or a reading. Headers are dropped; a context that is not ours
/// gives an empty body.
pub fn transform_answer(args: TransformArgs) -> HttpRequestResult {
    let answer = answer(args.response);
    let body = match serde_json::from_slice(&args.context) {
        Ok(Question::Published(ecosystem)) => {
            serde_json::to_vec(&registry::classify(ecosystem, &answer)).unwrap_or_default()
        }
        Ok(Question::Shown(read_back)) => registry::reduce_reading(&read_back, &answer),
        Ok(Question::Listed(question)) => question.reduce(&answer),
        Ok(Question::Probed) => serde_json::to_vec(&npm::read_whoami(&answer)).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    // A fixed status, so that only the reduction has to be agreed upon.
    HttpRequestResult { status: 200_u16.into(), headers: Vec::new(), body }
}

/// The verdict that the transform wrote; an answer that is none tells nothing.
pub fn verdict(reduced: &[u8]) -> Verdict {
    serde_json::from_slice(reduced).unwrap_or(Verdict::Ambiguous)
}

/// What the transform wrote of a token's probe; an answer that is none tells nothing.
pub fn token(reduced: &[u8]) -> TokenReading {
    serde_json::from_slice(reduced).unwrap_or(TokenReading::Unclear)
}

/// An answer in our own form. A status that does not exist becomes 0, which no table takes for anything.
pub fn answer(result: HttpRequestResult) -> HttpAnswer {
    HttpAnswer {
        status: u16::try_from(&result.status.0).unwrap_or(0),
        headers: result.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: result.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformed(question: &Question, status: u16, body: &[u8]) -> Vec<u8> {
        let response = HttpRequestResult {
            status: status.into(),
            headers: vec![HttpHeader { name: "x-echo".into(), value: "Bearer npm_secret".into() }],
            body: body.to_vec(),
        };
        let context = serde_json::to_vec(question).expect("encodes");
        let result = transform_answer(TransformArgs { response, context });
        assert!(result.headers.is_empty());
        result.body
    }

    #[test]
    fn should_reduce_a_publish_answer_to_its_verdict_without_its_text() {
        let question = Question::Published(Ecosystem::Npm);
        let accepted = transformed(&question, 201, b"{\"success\":true}");
        assert_eq!(verdict(&accepted), Verdict::Accepted);
        let echo = transformed(&question, 401, b"no such token: Bearer npm_secret");
        assert!(matches!(verdict(&echo), Verdict::Refused(_)));
        assert!(!String::from_utf8_lossy(&echo).contains("npm_secret"));
    }

    #[test]
    fn should_take_a_reduction_of_another_making_for_ambiguous() {
        assert_eq!(verdict(b"200 OK"), Verdict::Ambiguous);
        assert_eq!(verdict(b""), Verdict::Ambiguous);
    }

    #[test]
    fn should_agree_on_equal_facts_whatever_else_differs() {
        let read_back = ReadBack::Npm { name: "demo".into(), version: "1.0.0".into() };
        let question = Question::Shown(read_back);
        let first = transformed(&question, 404, b"not found at 12:00:01");
        assert_eq!(first, transformed(&question, 404, b"not found at 12:00:02"));
        assert!(!first.is_empty());
    }
}
