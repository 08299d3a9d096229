//! An npm registry double: stores what is put, refuses a version twice, takes one bearer token.

mod amendments;
mod signatures;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    npm_staging::{StagingArea, file},
    registry_server::{Answer, RegistryDouble, SeenRequest},
};

pub use signatures::DocumentSigner;

/// The registry's content.
#[derive(Clone)]
pub struct NpmDouble {
    pub token: String,
    /// The token without which it shows nothing, if there is one.
    pub read_token: Option<String>,
    /// Version documents and tarballs by `name@version`.
    pub published: BTreeMap<String, (Value, Vec<u8>)>,
    /// Dist-tags by package.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// How many reads a new version stays invisible for.
    pub hidden_reads: usize,
    /// What waits for a person.
    pub staging: StagingArea,
    /// Signs version documents, where there is one.
    pub signer: Option<DocumentSigner>,
}

impl NpmDouble {
    pub fn new(token: &str) -> Self {
        Self {
            token: token.into(),
            read_token: None,
            published: BTreeMap::new(),
            tags: BTreeMap::new(),
            hidden_reads: 0,
            staging: StagingArea::default(),
            signer: None,
        }
    }

    fn put(&mut self, request: &SeenRequest) -> Answer {
        if !self.is_authorized(request) {
            return Answer::json(401, &json!({"error": "Unauthorized"}));
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return Answer::json(400, &json!({"error": "bad JSON"}));
        };
        if let Some(answer) = self.amend(request, &body) {
            return answer;
        }
        let Some((version, document)) =
            body["versions"].as_object().and_then(|versions| versions.iter().next())
        else {
            return Answer::json(400, &json!({"error": "no version"}));
        };
        let name = body["name"].as_str().unwrap_or_default();
        let Some(tarball) = body["_attachments"]
            .as_object()
            .and_then(|attachments| attachments.values().next())
            .and_then(|attachment| STANDARD.decode(attachment["data"].as_str()?).ok())
        else {
            return Answer::json(400, &json!({"error": "no attachment"}));
        };
        let key = format!("{name}@{version}");
        if self.published.contains_key(&key) {
            let text = format!("You cannot publish over the previously published versions: {version}.");
            return Answer::json(403, &json!({"error": text}));
        }
        if request.method == "POST" {
            let tag = body["dist-tags"].as_object().and_then(|tags| tags.keys().next());
            let tag = tag.map_or("latest", String::as_str);
            return self.staging.stage(name, version, tag, document.clone(), tarball);
        }
        self.published.insert(key, (document.clone(), tarball));
        for (tag, version) in body["dist-tags"].as_object().into_iter().flatten() {
            let version = version.as_str().unwrap_or_default().to_owned();
            self.tags.entry(name.to_owned()).or_default().insert(tag.clone(), version);
        }
        Answer::json(201, &json!({"ok": true, "success": true}))
    }

    /// `{name}/-/{basename}-{version}.tgz`, whole or in part.
    fn tarball(&self, request: &SeenRequest, name: &str, filename: &str) -> Answer {
        let basename = name.rsplit('/').next().unwrap_or(name);
        let version = filename
            .strip_prefix(basename)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(".tgz"));
        match version.and_then(|version| self.published.get(&format!("{name}@{version}"))) {
            Some((_, tarball)) => file(request, tarball),
            None => Answer::json(404, &json!({"error": "Not found"})),
        }
    }

    /// Publishes what waits, as a person does by approving it.
    pub fn approve(&mut self, stage: &str) {
        let staged = self.staging.take(stage);
        let key = format!("{}@{}", staged.name, staged.version);
        self.published.insert(key, (staged.document, staged.tarball));
    }

    /// The document as it is shown: with the registry's signature, where it signs.
    pub fn signed(&self, document: Value) -> Value {
        match &self.signer {
            Some(signer) => signer.signed(document),
            None => document,
        }
    }

    fn is_authorized(&self, request: &SeenRequest) -> bool {
        has_token(request, &self.token)
    }

    /// Whether it shows its content to whoever asks so.
    fn is_open_to(&self, request: &SeenRequest) -> bool {
        self.read_token.as_ref().is_none_or(|token| has_token(request, token))
    }

    fn get(&mut self, request: &SeenRequest) -> Answer {
        if let Some(path) = request.path.strip_prefix("/-/stage") {
            return if self.is_authorized(request) {
                self.staging.answer(request, path)
            } else {
                Answer::json(401, &json!({"error": "Unauthorized"}))
            };
        }
        let path = request.path.split('?').next().unwrap_or_default().trim_start_matches('/');
        let path = path.replace("%2f", "/").replace("%2F", "/");
        if let (signatures::KEYS_PATH, Some(signer)) = (path.as_str(), &self.signer) {
            return Answer::json(200, &signer.keys());
        }
        if let Some((name, filename)) = path.split_once("/-/") {
            return self.tarball(request, name, filename);
        }
        let Some((name, version)) = path.rsplit_once('/') else {
            return Answer::json(404, &json!({"error": "Not found"}));
        };
        match self.published.get(&format!("{name}@{version}")) {
            Some(_) if self.hidden_reads > 0 => {
                self.hidden_reads -= 1;
                Answer::json(404, &json!({"error": "Not found"}))
            }
            Some((document, _)) => Answer::json(200, &self.signed(document.clone())),
            None => Answer::json(404, &json!({"error": "Not found"})),
        }
    }
}

impl NpmDouble {
    fn whoami(&self, request: &SeenRequest) -> Answer {
        match self.is_authorized(request) {
            true => Answer::json(200, &json!({"username": "ada"})),
            false => Answer::json(401, &json!({"error": "Unauthorized"})),
        }
    }

    /// The abbreviated packument: every version, also those that are not shown yet.
    fn list(&self, path: &str) -> Answer {
        let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
        let name = path.replace("%2f", "/").replace("%2F", "/");
        let versions: serde_json::Map<_, _> = self
            .published
            .iter()
            .filter_map(|(key, (document, _))| {
                let version = key.strip_prefix(&name)?.strip_prefix('@')?;
                Some((version.to_owned(), json!({"dist": document["dist"]})))
            })
            .collect();
        if versions.is_empty() {
            return Answer::json(404, &json!({"error": "Not found"}));
        }
        Answer::json(200, &json!({"name": name, "versions": versions}))
    }
}

impl RegistryDouble for NpmDouble {
    fn is_write(&self, request: &SeenRequest) -> bool {
        request.method == "PUT" || request.method == "POST"
    }

    fn answer(&mut self, request: &SeenRequest) -> Answer {
        match request.method.as_str() {
            "PUT" => self.put(request),
            "GET" if request.path.ends_with("/-/whoami") => self.whoami(request),
            "GET" if !self.is_open_to(request) => Answer::json(401, &json!({"error": "Unauthorized"})),
            "GET" if request.header("accept") == Some("application/vnd.npm.install-v1+json") => {
                self.list(&request.path)
            }
            "POST" if request.path.starts_with("/-/stage/package/") => self.put(request),
            "GET" => self.show(&request.path).unwrap_or_else(|| self.get(request)),
            _ => Answer::json(405, &json!({"error": "method not allowed"})),
        }
    }
}

fn has_token(request: &SeenRequest, token: &str) -> bool {
    request.header("authorization") == Some(&format!("Bearer {token}"))
}
