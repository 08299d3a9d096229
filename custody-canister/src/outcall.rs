//! HTTPS outcalls: their arguments in Candid, and the transform that reduces answers before they reach memory.
//!
//! The transform never lets a registry's text through. A reading becomes its few facts, bytes their digests; the answer
//! to what was sent becomes a [`Verdict`], because a hostile registry could echo the token in it.

use candid::{Func, Principal};
use ic_management_canister_types::{
    HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult, TransformArgs, TransformContext,
    TransformFunc,
};
use registry_protocols::{
    bytes::{self, ByteRange},
    http::{AuthorizedRequest, HttpAnswer, HttpRequest, MAX_REQUEST_BYTES, Method},
    npm::{self, TokenReading, signature, stage},
    pypi,
    verdict::Verdict,
};
use release_types::{Ecosystem, Notice};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    amend::effect::{self, View},
    registry::{self, ReadBack},
    watch::ListingQuestion,
};

/// Name of the exported query that reduces answers.
pub const TRANSFORM_METHOD: &str = "transform_answer";
/// Most bytes of a registry's answer to what was sent, headers included.
const SENDING_ANSWER_BYTES: u64 = 16_384;
/// The most that an outcall may bring: a project page lists every file ever released.
const LONGEST_ANSWER_BYTES: u64 = 2_000_000;
/// Most bytes of a registry's list of keys, headers included.
const KEYS_ANSWER_BYTES: u64 = 65_536;
/// Most bytes of a page of the staging list: a hundred entries of a few hundred bytes each.
const STAGES_ANSWER_BYTES: u64 = 262_144;
/// Most bytes of an answer's headers.
const HEADERS_BYTES: u64 = 32_768;
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

/// A request, and what is asked by it.
pub struct Inquiry {
    request: HttpRequest,
    question: Question,
    /// Most bytes of the reduced answer, by which the outcall is priced.
    reduced_answer_bytes: u64,
}

impl Inquiry {
    pub fn new(request: HttpRequest, question: Question) -> Self {
        let reduced_answer_bytes = match &question {
            Question::Viewed(View::Packument) => LONGEST_ANSWER_BYTES,
            _ => REDUCED_ANSWER_BYTES,
        };
        Self { request, question, reduced_answer_bytes }
    }

    /// Asks for everything that is listed of a package, reduced to at most this much.
    pub fn of_listing(request: HttpRequest, question: ListingQuestion, reduced_answer_bytes: u64) -> Self {
        Self { request, question: Question::Listed(question), reduced_answer_bytes }
    }

    /// Where it goes.
    pub fn url(&self) -> &str {
        &self.request.url
    }
}

/// Tells the transform what it is looking at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Was what was sent taken?
    Sent(Ecosystem),
    /// What is shown of an artifact?
    Shown(ReadBack),
    /// What does an index's version document show of a file?
    Documented {
        project: String,
        filename: String,
    },
    /// Which keys does an npm registry sign with?
    Keys,
    /// Which bytes are served, all of them or those of this range?
    Served(Option<ByteRange>),
    /// Which entries of this version are in the staging area?
    Stages {
        name: String,
        version: String,
        dist_tag: String,
        page: u64,
    },
    /// What is listed of a package?
    Listed(ListingQuestion),
    /// Does the token work?
    Probed,
    Viewed(View),
}

impl Question {
    /// Most bytes of the answer, headers included.
    fn answer_bytes(&self) -> u64 {
        match self {
            Self::Sent(_) | Self::Probed => SENDING_ANSWER_BYTES,
            Self::Shown(_)
            | Self::Documented { .. }
            | Self::Served(None)
            | Self::Listed(_)
            | Self::Viewed(_) => LONGEST_ANSWER_BYTES,
            Self::Keys => KEYS_ANSWER_BYTES,
            Self::Served(Some(range)) => range.len.saturating_add(HEADERS_BYTES).min(LONGEST_ANSWER_BYTES),
            Self::Stages { .. } => STAGES_ANSWER_BYTES,
        }
    }

    /// What is sent is sent by one node; what is read is read by all.
    fn is_replicated(&self) -> bool {
        !matches!(self, Self::Sent(_))
    }

    fn reduce(&self, answer: &HttpAnswer) -> Vec<u8> {
        match self {
            Self::Sent(ecosystem) => {
                let reduced = ReducedAnswer {
                    verdict: registry::classify(*ecosystem, answer),
                    notice: npm::notice(answer).filter(|_| *ecosystem == Ecosystem::Npm),
                };
                serde_json::to_vec(&reduced).unwrap_or_default()
            }
            Self::Shown(read_back) => registry::reduce_reading(read_back, answer),
            Self::Documented { project, filename } => {
                pypi::read_document(answer, project, filename).reduced()
            }
            Self::Keys => signature::read_keys(answer).reduced(),
            Self::Served(range) => bytes::read_file(answer, range.as_ref()).reduced(),
            Self::Stages { name, version, dist_tag, page } => {
                stage::read_stages(answer, name, version, dist_tag, *page).reduced()
            }
            Self::Viewed(view) => effect::reduce(view, answer),
            Self::Listed(question) => question.reduce(answer),
            Self::Probed => serde_json::to_vec(&npm::read_whoami(answer)).unwrap_or_default(),
        }
    }
}

/// The outcall of an inquiry that needs no token.
pub fn open_outcall(custody: Principal, inquiry: Inquiry) -> EncodedOutcall {
    let Inquiry { request, question, reduced_answer_bytes } = inquiry;
    let HttpRequest { method, url, headers, body } = request;
    let headers = headers.into_iter().map(|(name, value)| HttpHeader { name, value }).collect();
    encode(custody, Outcall { url, method, headers, body, question: &question }, reduced_answer_bytes)
}

/// The outcall of an inquiry with its token, which `authorize` puts into the request. Everything that held the token is
/// wiped but the outcall itself.
pub fn authorized_outcall(
    custody: Principal,
    inquiry: Inquiry,
    authorize: impl FnOnce(HttpRequest) -> AuthorizedRequest,
) -> EncodedOutcall {
    let Inquiry { request, question, reduced_answer_bytes } = inquiry;
    let mut request = authorize(request);
    let body = request.take_body();
    let headers = request
        .headers()
        .map(|(name, value)| HttpHeader { name: name.to_owned(), value: value.to_owned() })
        .collect();
    let (url, method) = (request.url().to_owned(), request.method());
    encode(custody, Outcall { url, method, headers, body, question: &question }, reduced_answer_bytes)
}

/// What publishing the largest artifact, and reading one back, are priced by.
pub fn largest(is_replicated: bool) -> EncodedOutcall {
    let size = OutcallSize {
        request_bytes: if is_replicated { MAX_READ_REQUEST_BYTES } else { MAX_REQUEST_BYTES as u64 },
        round_trip_ms: ROUND_TRIP_MS,
        answer_bytes: if is_replicated { LONGEST_ANSWER_BYTES } else { SENDING_ANSWER_BYTES },
        reduced_answer_bytes: REDUCED_ANSWER_BYTES,
        transform_instructions: TRANSFORM_INSTRUCTIONS,
    };
    EncodedOutcall { args: Vec::new(), is_replicated, size }
}

/// What reading a whole document is priced by, on whose bytes the nodes agree.
pub fn largest_document() -> EncodedOutcall {
    let read = largest(true);
    EncodedOutcall { size: OutcallSize { reduced_answer_bytes: LONGEST_ANSWER_BYTES, ..read.size }, ..read }
}

/// An outcall in parts.
struct Outcall<'a> {
    url: String,
    method: Method,
    headers: Vec<HttpHeader>,
    body: Vec<u8>,
    question: &'a Question,
}

fn encode(custody: Principal, outcall: Outcall<'_>, reduced_answer_bytes: u64) -> EncodedOutcall {
    let Outcall { url, method, headers, body, question } = outcall;
    let mut args = HttpRequestArgs {
        url,
        max_response_bytes: Some(question.answer_bytes()),
        method: self::method(method),
        headers,
        body: (!body.is_empty()).then_some(body),
        transform: Some(transform(custody, question)),
        is_replicated: Some(question.is_replicated()),
        pricing_version: Some(PRICING_VERSION),
    };
    let size = OutcallSize {
        request_bytes: request_bytes(&args),
        round_trip_ms: ROUND_TRIP_MS,
        answer_bytes: question.answer_bytes(),
        reduced_answer_bytes,
        transform_instructions: TRANSFORM_INSTRUCTIONS,
    };
    let encoded = candid::encode_one(&args).expect("these types always encode");
    for header in &mut args.headers {
        header.value.zeroize();
    }
    EncodedOutcall { args: encoded, is_replicated: question.is_replicated(), size }
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
    let body = match serde_json::from_slice::<Question>(&args.context) {
        Ok(question) => Question::reduce(&question, &answer),
        Err(_) => Vec::new(),
    };
    // A fixed status, so that only the reduction has to be agreed upon.
    HttpRequestResult { status: 200_u16.into(), headers: Vec::new(), body }
}

/// What the transform makes of the answer to a request that changes something.
#[derive(Serialize, Deserialize)]
struct ReducedAnswer {
    verdict: Verdict,
    notice: Option<Notice>,
}

fn reduced_answer(reduced: &[u8]) -> Option<ReducedAnswer> {
    serde_json::from_slice(reduced).ok()
}

/// The verdict that the transform wrote; an answer that is none tells nothing.
pub fn verdict(reduced: &[u8]) -> Verdict {
    reduced_answer(reduced).map_or(Verdict::Ambiguous, |answer| answer.verdict)
}

/// The notice that npm put beside its answer.
pub fn notice(reduced: &[u8]) -> Option<Notice> {
    reduced_answer(reduced)?.notice
}

/// What the transform wrote of a token's probe; an answer that is none tells nothing.
pub fn token(reduced: &[u8]) -> TokenReading {
    serde_json::from_slice(reduced).unwrap_or(TokenReading::Unclear)
}

/// Whether the subnet rejected an outcall because its answer is too large. Other things are rejected under the same code,
/// such as a transform that failed, and only the text tells them apart. The subnet wrote it: it quotes no registry before
/// these words, so that none can pass for them.
pub fn is_size_rejection(code: u32, message: &str) -> bool {
    const SYS_FATAL: u32 = 1;
    const TEXTS: [&str; 2] = ["Http body exceeds size limit of ", "Transformed http response exceeds limit"];
    code == SYS_FATAL && TEXTS.iter().any(|text| message.starts_with(text))
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
        let question = Question::Sent(Ecosystem::Npm);
        let accepted = transformed(&question, 201, b"{\"success\":true}");
        assert_eq!(verdict(&accepted), Verdict::Accepted);
        let echo = transformed(&question, 401, b"no such token: Bearer npm_secret");
        assert!(matches!(verdict(&echo), Verdict::Refused(_)));
        assert!(!String::from_utf8_lossy(&echo).contains("npm_secret"));
    }

    #[test]
    fn should_pass_on_what_npm_notices_and_no_header_of_an_index() {
        let header =
            HttpHeader { name: "npm-notice".into(), value: "tokens with bypass-2FA are restricted".into() };
        for (ecosystem, is_noticed) in [(Ecosystem::Npm, true), (Ecosystem::Pypi, false)] {
            let response = HttpRequestResult {
                status: 200_u16.into(),
                headers: vec![header.clone()],
                body: b"{}".to_vec(),
            };
            let context = serde_json::to_vec(&Question::Sent(ecosystem)).expect("encodes");
            let reduced = transform_answer(TransformArgs { response, context }).body;
            assert_eq!(notice(&reduced).is_some(), is_noticed, "{ecosystem}");
        }
    }

    #[test]
    fn should_take_a_reduction_of_another_making_for_ambiguous() {
        assert_eq!(verdict(b"200 OK"), Verdict::Ambiguous);
        assert_eq!(verdict(b""), Verdict::Ambiguous);
    }

    #[test]
    fn should_agree_on_equal_facts_whatever_else_differs() {
        let read_back = ReadBack::Npm {
            name: "demo".into(),
            version: "1.0.0".into(),
            voted: npm::InstallFacts::default(),
        };
        let question = Question::Shown(read_back);
        let first = transformed(&question, 404, b"not found at 12:00:01");
        assert_eq!(first, transformed(&question, 404, b"not found at 12:00:02"));
        assert!(!first.is_empty());
    }

    #[test]
    fn should_tell_an_answer_that_is_too_large_from_other_rejections_of_its_code() {
        assert!(is_size_rejection(1, "Http body exceeds size limit of 2000000 bytes."));
        assert!(is_size_rejection(1, "Transformed http response exceeds limit: 2000000"));
        for (code, message) in [
            (1, "Url need to specify https scheme"),
            (1, "Failed to parse headers: Http body exceeds size limit of "),
            (2, "Http body exceeds size limit of 2000000 bytes."),
            (1, ""),
        ] {
            assert!(!is_size_rejection(code, message), "{code} {message}");
        }
    }
}
