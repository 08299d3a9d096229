//! The registries of the tests: they keep what is published and answer as they are told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ic_management_canister_types::{HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult};
use release_types::Sha256Digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::amendable::Amendable;
use crate::runtime::CallError;

/// What the network and the registry do with one publish request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Published, and answered so.
    Publish,
    /// Published, but shown only after this many nanoseconds.
    PublishLate(u64),
    /// Published; the answer is lost.
    DropAnswer,
    /// Not published; the node says it timed out.
    NeverArrive,
    /// Not published; the call fails before it leaves the canister.
    NotPerformed,
    /// Not published; the node invents a 200.
    InventSuccess,
    /// Not published; this status and body.
    Answer(u16, &'static str),
    /// Not published; 429 and this in `Retry-After`.
    AskToWait(&'static str),
    /// Published; this status and body all the same.
    PublishAndAnswer(u16, &'static str),
    /// Published, but shown only after this many nanoseconds; this status and body all the same.
    PublishLateAndAnswer(u64, u16, &'static str),
    /// Published, but shown only after this many nanoseconds; the answer is lost.
    PublishLateAndDropAnswer(u64),
    /// Published, with this in npm's notice.
    PublishWithNotice(&'static str),
    /// Other bytes are published.
    PublishOtherBytes,
}

/// What a read-back finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadBackMode {
    #[default]
    Honest,
    /// The nodes do not agree.
    NoConsensus,
    /// This status, whatever is there.
    Status(u16),
    /// This status with this in `Retry-After`, whatever is there.
    ComeBackLater(u16, &'static str),
}

#[derive(Clone, Debug)]
struct Published {
    bytes: Vec<u8>,
    visible_from_ns: u64,
}

/// A publish request as it arrived.
pub struct Received {
    pub url: String,
    pub authorization: String,
    pub filename: String,
    pub bytes: Vec<u8>,
}

/// A version in npm's staging area.
#[derive(Clone, Debug)]
pub struct Staged {
    pub id: String,
    pub tag: &'static str,
    pub bytes: Vec<u8>,
    pub visible_from_ns: u64,
}

/// What an index's version document shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondView {
    #[default]
    Honest,
    /// Another digest for every file.
    OtherDigests,
    Status(u16),
}

/// How files are served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Serving {
    #[default]
    Honest,
    /// Whole, whatever range is asked for.
    WithoutRanges,
    /// Not at all.
    NotFound,
    Status(u16),
    /// 429 with this in `Retry-After`.
    ComeBackLater(&'static str),
    /// These bytes, whatever was published or staged.
    Other(Vec<u8>),
}

pub struct Registries {
    published: BTreeMap<String, Published>,
    /// For the next publish requests, in order; then [`Behaviour::Publish`].
    pub behaviours: VecDeque<Behaviour>,
    pub read_backs: ReadBackMode,
    /// Addresses that were read with a token.
    pub authorized_reads: Vec<String>,
    /// npm: a dependency that the version document names and the tarball does not.
    pub added_dependency: Option<String>,
    pub received: Vec<Received>,
    pub reads: usize,
    pub staged: Vec<Staged>,
    /// npm: stages of other versions of the package, listed before these.
    pub staged_beside: usize,
    pub serving: Serving,
    /// Whether nothing is shown without a token.
    pub is_private: bool,
    /// What npm's `whoami` answers.
    pub whoami: (u16, &'static str),
    /// Versions that npm's list shows beside what was published here.
    pub listed: BTreeMap<String, Vec<u8>>,
    /// Whether version documents are not to be had, though the version is listed.
    pub hide_documents: bool,
    /// Whether npm's list of versions exceeds what an outcall brings.
    pub list_is_too_long: bool,
    /// Whether an index's page of the project exceeds what an outcall brings.
    pub page_is_too_large: bool,
    /// npm: the document of the keys that the registry signs with, and how it is answered; none: 404.
    pub keys: Option<(u16, Value)>,
    /// How often the keys were read.
    pub key_reads: usize,
    /// npm: the signatures that the version document shows.
    pub signatures: Value,
    /// PyPI: what the version document shows instead of the truth.
    pub second_view: SecondView,
    /// PyPI: the project's status.
    pub project_status: Option<&'static str>,
    /// PyPI: when every file was uploaded.
    pub uploaded_at: Option<&'static str>,
    /// What npm says about the versions of its one package.
    pub amendable: Amendable,
    /// Who was shown something: URL and authorization.
    pub readers: BTreeSet<(String, String)>,
}

impl Default for Registries {
    fn default() -> Self {
        Self {
            published: BTreeMap::new(),
            behaviours: VecDeque::new(),
            read_backs: ReadBackMode::Honest,
            authorized_reads: Vec::new(),
            added_dependency: None,
            received: Vec::new(),
            reads: 0,
            whoami: (200, r#"{"username":"ada"}"#),
            listed: BTreeMap::new(),
            hide_documents: false,
            list_is_too_long: false,
            page_is_too_large: false,
            staged: Vec::new(),
            staged_beside: 0,
            serving: Serving::Honest,
            is_private: false,
            keys: None,
            key_reads: 0,
            signatures: Value::Null,
            second_view: SecondView::Honest,
            project_status: None,
            uploaded_at: None,
            amendable: Amendable::default(),
            readers: BTreeSet::new(),
        }
    }
}

impl Registries {
    pub fn put(&mut self, filename: &str, bytes: &[u8]) {
        let published = Published { bytes: bytes.to_vec(), visible_from_ns: 0 };
        self.published.insert(filename.to_owned(), published);
    }

    /// Takes down what was published.
    pub fn retract(&mut self, filename: &str) {
        self.published.remove(filename);
    }

    pub fn published(&self, filename: &str) -> Option<&[u8]> {
        self.published.get(filename).map(|published| published.bytes.as_slice())
    }

    /// Answers an outcall as the registry does, before any transform.
    pub fn handle(&mut self, args: &HttpRequestArgs, now_ns: u64) -> Result<HttpRequestResult, CallError> {
        match args.method {
            // Where the list is too long, the tags are those of the listed versions.
            HttpMethod::GET if Amendable::shows(&args.url) && !self.list_is_too_long => {
                self.show(args, now_ns)
            }
            HttpMethod::GET => self.read(args, now_ns),
            _ if Amendable::takes(args) => self.amend(args, now_ns),
            _ => self.publish(args, now_ns),
        }
    }

    fn read(&mut self, args: &HttpRequestArgs, now_ns: u64) -> Result<HttpRequestResult, CallError> {
        assert_eq!(args.is_replicated, Some(true), "only a replicated read proves anything");
        self.reads += 1;
        if !header(args, "authorization").is_empty() {
            self.authorized_reads.push(args.url.clone());
        }
        match self.read_backs {
            ReadBackMode::NoConsensus => return Err(CallError::Rejected { code: 2 }),
            ReadBackMode::Status(status) => return Ok(reply(status, b"no")),
            ReadBackMode::ComeBackLater(status, value) => return Ok(come_back_later(status, value)),
            ReadBackMode::Honest => {}
        }
        if args.url.ends_with("/-/whoami") {
            assert!(header(args, "authorization").starts_with("Bearer npm_"), "a probe carries the token");
            return Ok(reply(self.whoami.0, self.whoami.1.as_bytes()));
        }
        if self.is_closed_to(args) {
            return Ok(reply(401, b"{}"));
        }
        self.readers.insert((args.url.clone(), header(args, "authorization")));
        if header(args, "accept") == "application/vnd.npm.install-v1+json" {
            return self.list();
        }
        if args.url.contains("/dist-tags") {
            let tags: BTreeMap<_, _> =
                self.listed.keys().map(|version| (format!("tag-{version}"), version)).collect();
            return Ok(reply(200, json!(tags).to_string().as_bytes()));
        }
        let is_authorized = header(args, "authorization").starts_with("Bearer npm_");
        let is_visible = |filename: &&String| self.published[*filename].visible_from_ns <= now_ns;
        let digest = |filename: &String| &self.published[filename].bytes;
        if let Some((_, staging)) = args.url.split_once("/-/stage") {
            assert!(is_authorized, "the staging area is read with the token");
            let mut visible = self.staged.iter().filter(|staged| staged.visible_from_ns <= now_ns);
            if let Some(id) = staging.strip_suffix("/tarball") {
                let found = visible.find(|staged| id == format!("/{}", staged.id));
                return self.file(args, found.map(|staged| staged.bytes.as_slice()));
            }
            let entry = |id: &str, version: &str, tag: &str| json!({"id": id, "packageName": "@dao/demo", "version": version, "tag": tag});
            let beside = (0..self.staged_beside)
                .map(|number| entry(&format!("1fb3eb3c-9670-40a5-a1aa-{number:012}"), "0.9.0", "latest"));
            let all: Vec<_> =
                beside.chain(visible.map(|staged| entry(&staged.id, "1.0.0", staged.tag))).collect();
            let total = all.len();
            let page = staging
                .split_once("&page=")
                .and_then(|(_, rest)| rest.split('&').next()?.parse::<usize>().ok());
            let items: Vec<_> =
                all.into_iter().skip(100 * page.expect("a page is asked for")).take(100).collect();
            return Ok(reply(200, json!({"items": items, "total": total}).to_string().as_bytes()));
        }
        if args.url.ends_with("/-/npm/v1/keys") {
            self.key_reads += 1;
            let (status, document) = self.keys.clone().unwrap_or((404, json!({})));
            return Ok(reply(status, document.to_string().as_bytes()));
        }
        if args.url.ends_with("@dao/demo/-/demo-1.0.0.tgz") {
            let found = self.published.keys().filter(|name| name.ends_with(".tgz")).find(is_visible);
            return self.file(args, found.map(|name| digest(name).as_slice()));
        }
        if args.url.contains("npm.registry.example") {
            if self.hide_documents {
                return Ok(reply(404, b"{}"));
            }
            let filename = self.published.keys().filter(|name| name.ends_with(".tgz")).find(is_visible);
            return Ok(match filename {
                None => reply(404, b"{}"),
                Some(filename) => {
                    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(digest(filename))));
                    let mut dist = json!({"integrity": integrity});
                    if self.signatures.is_array() {
                        dist["signatures"] = self.signatures.clone();
                    }
                    let mut document = json!({"name": "@dao/demo", "version": "1.0.0", "dist": dist});
                    if let Some(added) = &self.added_dependency {
                        document["dependencies"] = json!({added: "*"});
                    }
                    if let Some(message) = self.amendable.shown(now_ns).deprecated {
                        document["deprecated"] = message.into();
                    }
                    reply(200, document.to_string().as_bytes())
                }
            });
        }
        let files = self.published.keys().filter(is_visible).filter(|name| !name.ends_with(".tgz"));
        if args.url.contains("/pypi/demo/1.0.0/json") {
            if let SecondView::Status(status) = self.second_view {
                return Ok(reply(status, b"{}"));
            }
            let sha256 = |filename: &String| match self.second_view {
                SecondView::OtherDigests => "0".repeat(64),
                _ => Sha256Digest::of(digest(filename)).to_string(),
            };
            let urls: Vec<_> = files
                .map(|filename| json!({"filename": filename, "digests": {"sha256": sha256(filename)}}))
                .collect();
            return Ok(reply(200, json!({"info": {"name": "Demo"}, "urls": urls}).to_string().as_bytes()));
        }
        if self.page_is_too_large {
            return Err(CallError::AnswerTooLarge);
        }
        let files: Vec<_> = files
            .map(|filename| {
                let sha256 = Sha256Digest::of(digest(filename)).to_string();
                json!({"filename": filename, "hashes": {"sha256": sha256}, "upload-time": self.uploaded_at})
            })
            .collect();
        let page = json!({"name": "demo", "files": files, "project-status": {"status": self.project_status}});
        Ok(reply(200, page.to_string().as_bytes()))
    }

    /// Whether a private registry shows nothing to who asks so. A Python index takes its token as a password.
    fn is_closed_to(&self, args: &HttpRequestArgs) -> bool {
        let authorization = header(args, "authorization");
        self.is_private && !authorization.starts_with("Bearer npm_") && !authorization.starts_with("Basic ")
    }

    /// npm's abbreviated packument.
    fn list(&self) -> Result<HttpRequestResult, CallError> {
        if self.list_is_too_long {
            return Err(CallError::AnswerTooLarge);
        }
        let published = self.published.iter().filter(|(name, _)| name.ends_with(".tgz"));
        let published = published.map(|(_, published)| ("1.0.0", &published.bytes));
        let listed = self.listed.iter().map(|(version, bytes)| (version.as_str(), bytes));
        let versions: serde_json::Map<_, _> = listed
            .chain(published)
            .map(|(version, bytes)| {
                let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
                (version.to_owned(), json!({"dist": {"integrity": integrity}}))
            })
            .collect();
        Ok(reply(200, json!({"name": "@dao/demo", "versions": versions}).to_string().as_bytes()))
    }

    /// A file, or a part of it; answers that are larger than asked for are cut off by the network.
    fn file(&self, args: &HttpRequestArgs, found: Option<&[u8]>) -> Result<HttpRequestResult, CallError> {
        let bytes = match (&self.serving, found) {
            (Serving::ComeBackLater(value), _) => return Ok(come_back_later(429, value)),
            (Serving::Status(status), _) => return Ok(reply(*status, b"no")),
            (Serving::NotFound, _) | (_, None) => return Ok(reply(404, b"{}")),
            (Serving::Other(bytes), _) => bytes,
            (Serving::Honest | Serving::WithoutRanges, Some(bytes)) => bytes,
        };
        let range = header(args, "range");
        let answer = match range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) {
            Some((first, last)) if self.serving != Serving::WithoutRanges => {
                let (first, last): (usize, usize) =
                    (first.parse().expect("a number"), last.parse().expect("a number"));
                let part = bytes.get(first..=last.min(bytes.len() - 1)).unwrap_or_default();
                let value = format!("bytes {first}-{}/{}", first + part.len() - 1, bytes.len());
                let headers = vec![HttpHeader { name: "content-range".into(), value }];
                HttpRequestResult { headers, ..reply(206, part) }
            }
            _ => reply(200, bytes),
        };
        let limit = args.max_response_bytes.expect("every answer is bounded");
        if answer.body.len() as u64 > limit { Err(CallError::AnswerTooLarge) } else { Ok(answer) }
    }

    fn show(&mut self, args: &HttpRequestArgs, now_ns: u64) -> Result<HttpRequestResult, CallError> {
        assert_eq!(args.is_replicated, Some(true), "only a replicated read proves anything");
        self.reads += 1;
        match self.read_backs {
            ReadBackMode::NoConsensus => Err(CallError::Rejected { code: 2 }),
            ReadBackMode::Status(status) => Ok(reply(status, b"no")),
            ReadBackMode::ComeBackLater(status, value) => Ok(come_back_later(status, value)),
            ReadBackMode::Honest if self.is_closed_to(args) => Ok(reply(401, b"{}")),
            ReadBackMode::Honest => {
                self.readers.insert((args.url.clone(), header(args, "authorization")));
                self.amendable.answer(&args.url, now_ns)
            }
        }
    }

    /// A change of tags or of a deprecation, with the same misbehaviour as a publish request.
    fn amend(&mut self, args: &HttpRequestArgs, now_ns: u64) -> Result<HttpRequestResult, CallError> {
        assert_eq!(args.is_replicated, Some(false), "a change is sent once");
        let behaviour = self.behaviours.pop_front().unwrap_or(Behaviour::Publish);
        if matches!(behaviour, Behaviour::NotPerformed) {
            return Err(CallError::NotPerformed);
        }
        let authorization = header(args, "authorization");
        let echo = format!("{authorization} is what you sent");
        self.received.push(Received {
            url: args.url.clone(),
            authorization,
            filename: String::new(),
            bytes: args.body.clone().unwrap_or_default(),
        });
        let no_answer = Err(CallError::Rejected { code: 2 });
        let amendable = &mut self.amendable;
        match behaviour {
            Behaviour::Publish => {
                amendable.take(args, now_ns);
                Ok(reply(201, echo.as_bytes()))
            }
            Behaviour::PublishLate(delay_ns) => {
                amendable.take(args, now_ns + delay_ns);
                Ok(reply(201, echo.as_bytes()))
            }
            Behaviour::DropAnswer => {
                amendable.take(args, now_ns);
                no_answer
            }
            Behaviour::InventSuccess => Ok(reply(200, echo.as_bytes())),
            Behaviour::Answer(status, body) => Ok(reply(status, format!("{body} {echo}").as_bytes())),
            Behaviour::AskToWait(seconds) => Ok(come_back_later(429, seconds)),
            Behaviour::PublishAndAnswer(status, body) => {
                amendable.take(args, now_ns);
                Ok(reply(status, format!("{body} {echo}").as_bytes()))
            }
            _ => no_answer,
        }
    }

    fn publish(&mut self, args: &HttpRequestArgs, now_ns: u64) -> Result<HttpRequestResult, CallError> {
        assert_eq!(args.is_replicated, Some(false), "a publish request is sent once");
        let behaviour = self.behaviours.pop_front().unwrap_or(Behaviour::Publish);
        if matches!(behaviour, Behaviour::NotPerformed) {
            return Err(CallError::NotPerformed);
        }
        let authorization = header(args, "authorization");
        let (filename, bytes) = upload(args);
        let received =
            Received { url: args.url.clone(), authorization: authorization.clone(), filename, bytes };
        let (filename, bytes) = (received.filename.clone(), received.bytes.clone());
        // A hostile registry echoes what it was given.
        let echo = format!("{authorization} is what you sent");
        self.received.push(received);
        let is_staging = args.url.ends_with("/-/stage/package/@dao%2fdemo");
        let keep = |bytes: Vec<u8>, visible_from_ns| {
            if is_staging {
                let id = format!("0fb3eb3c-9670-40a5-a1aa-{:012}", self.staged.len());
                self.staged.push(Staged { id, tag: "latest", bytes, visible_from_ns });
                return;
            }
            self.published.entry(filename).or_insert(Published { bytes, visible_from_ns });
        };
        match behaviour {
            Behaviour::Publish => {
                keep(bytes, 0);
                Ok(reply(201, echo.as_bytes()))
            }
            Behaviour::PublishLate(delay_ns) => {
                keep(bytes, now_ns + delay_ns);
                Ok(reply(201, echo.as_bytes()))
            }
            Behaviour::DropAnswer => {
                keep(bytes, 0);
                Err(CallError::Rejected { code: 2 })
            }
            Behaviour::NeverArrive | Behaviour::NotPerformed => Err(CallError::Rejected { code: 2 }),
            Behaviour::InventSuccess => Ok(reply(200, echo.as_bytes())),
            Behaviour::Answer(status, body) => Ok(reply(status, format!("{body} {echo}").as_bytes())),
            Behaviour::AskToWait(seconds) => {
                Ok(HttpRequestResult { body: echo.into_bytes(), ..come_back_later(429, seconds) })
            }
            Behaviour::PublishAndAnswer(status, body) => {
                keep(bytes, 0);
                Ok(reply(status, format!("{body} {echo}").as_bytes()))
            }
            Behaviour::PublishLateAndAnswer(delay_ns, status, body) => {
                keep(bytes, now_ns + delay_ns);
                Ok(reply(status, format!("{body} {echo}").as_bytes()))
            }
            Behaviour::PublishLateAndDropAnswer(delay_ns) => {
                keep(bytes, now_ns + delay_ns);
                Err(CallError::Rejected { code: 2 })
            }
            Behaviour::PublishWithNotice(text) => {
                keep(bytes, 0);
                let headers = vec![HttpHeader { name: "npm-notice".into(), value: text.to_owned() }];
                Ok(HttpRequestResult { headers, ..reply(201, echo.as_bytes()) })
            }
            Behaviour::PublishOtherBytes => {
                keep(b"something else".to_vec(), 0);
                Ok(reply(201, echo.as_bytes()))
            }
        }
    }
}

pub fn reply(status: u16, body: &[u8]) -> HttpRequestResult {
    HttpRequestResult { status: status.into(), headers: Vec::new(), body: body.to_vec() }
}

fn come_back_later(status: u16, retry_after: &str) -> HttpRequestResult {
    let headers = vec![HttpHeader { name: "retry-after".into(), value: retry_after.into() }];
    HttpRequestResult { headers, ..reply(status, b"no") }
}

fn header(args: &HttpRequestArgs, name: &str) -> String {
    args.headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.clone())
        .unwrap_or_default()
}

/// Filename and bytes of an upload of either ecosystem.
fn upload(args: &HttpRequestArgs) -> (String, Vec<u8>) {
    let body = args.body.as_deref().expect("an upload has a body");
    if args.method == HttpMethod::PUT || args.url.contains("/-/stage/") {
        let document: Value = serde_json::from_slice(body).expect("npm's document is JSON");
        let attachments = document["_attachments"].as_object().expect("attachments");
        let (name, attachment) = attachments.iter().next().expect("one attachment");
        let data = attachment["data"].as_str().expect("base64");
        return (name.clone(), STANDARD.decode(data).expect("base64"));
    }
    let text = String::from_utf8_lossy(body);
    let file = text.split("filename=\"").nth(1).expect("a file part");
    let filename = file.split('"').next().expect("a name").to_owned();
    let content = file.split("\r\n\r\n").nth(1).expect("content").split("\r\n--").next().expect("an end");
    (filename, content.as_bytes().to_vec())
}
