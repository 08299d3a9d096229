//! What the npm registry of the tests says about versions: tags and a deprecation, which requests change.

use std::collections::BTreeMap;

use ic_management_canister_types::{HttpMethod, HttpRequestArgs, HttpRequestResult};
use serde_json::{Value, json};

use super::registries::reply;
use crate::runtime::CallError;

/// Tags and deprecation at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub tags: BTreeMap<String, String>,
    /// The message of version 1.0.0.
    pub deprecated: Option<String>,
}

#[derive(Default)]
pub struct Amendable {
    /// What is shown from which time on.
    history: Vec<(u64, Shown)>,
    /// Whether the whole document is too large for an answer.
    pub is_large: bool,
    /// How the whole document is asked for in vain.
    pub document_answer: Option<(u16, &'static str)>,
    /// Whether the whole document shows no revision.
    pub is_without_revision: bool,
}

impl Amendable {
    /// Whether a request asks for what is kept here.
    pub fn shows(url: &str) -> bool {
        url.contains("/-/package/") || url.ends_with("?write=true")
    }

    /// Whether a request changes what is kept here.
    pub fn takes(args: &HttpRequestArgs) -> bool {
        let is_publish =
            args.body.as_deref().unwrap_or_default().windows(14).any(|text| text == b"\"_attachments\"");
        args.method == HttpMethod::PUT && !is_publish
    }

    /// What is shown now.
    pub fn shown(&self, now_ns: u64) -> Shown {
        let visible = self.history.iter().rev().find(|(from_ns, _)| *from_ns <= now_ns);
        visible.map(|(_, shown)| shown.clone()).unwrap_or_default()
    }

    /// Shows this from now on.
    pub fn set(&mut self, now_ns: u64, shown: Shown) {
        self.history.push((now_ns, shown));
    }

    pub fn answer(&self, url: &str, now_ns: u64) -> Result<HttpRequestResult, CallError> {
        let shown = self.shown(now_ns);
        if url.contains("/-/package/") {
            return Ok(reply(200, json!(shown.tags).to_string().as_bytes()));
        }
        if let Some((status, body)) = self.document_answer {
            return Ok(reply(status, body.as_bytes()));
        }
        if self.is_large {
            return Err(CallError::AnswerTooLarge);
        }
        let mut document = packument(&shown);
        if self.is_without_revision {
            document["_rev"] = Value::Null;
        }
        Ok(reply(200, document.to_string().as_bytes()))
    }

    /// Carries a change out, to be seen from `from_ns` on.
    pub fn take(&mut self, args: &HttpRequestArgs, from_ns: u64) {
        let mut shown = self.history.last().map(|(_, shown)| shown.clone()).unwrap_or_default();
        let body: Value = serde_json::from_slice(args.body.as_deref().expect("a body")).expect("JSON");
        if let Some((_, tag)) = args.url.split_once("/dist-tags/") {
            shown.tags.insert(tag.to_owned(), body.as_str().expect("a version").to_owned());
        } else {
            let message = body["versions"]["1.0.0"]["deprecated"].as_str().expect("a message").to_owned();
            let mut expected = packument(&shown);
            expected["versions"]["1.0.0"]["deprecated"] = json!(message);
            assert_eq!(body, expected, "one field is changed and nothing else");
            shown.deprecated = (!message.is_empty()).then_some(message);
        }
        self.history.push((from_ns, shown));
    }
}

fn packument(shown: &Shown) -> Value {
    let mut document = json!({
        "_id": "@dao/demo", "_rev": "3-abc", "name": "@dao/demo", "dist-tags": shown.tags,
        "versions": { "1.0.0": { "name": "@dao/demo", "version": "1.0.0" } },
        "readme": "kept as it is",
    });
    if let Some(message) = &shown.deprecated {
        document["versions"]["1.0.0"]["deprecated"] = json!(message);
    }
    document
}
