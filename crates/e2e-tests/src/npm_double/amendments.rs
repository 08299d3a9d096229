//! What an npm registry says about versions that it has, and how that is changed: tags and deprecations.

use serde_json::{Map, Value, json};

use super::NpmDouble;
use crate::registry_server::{Answer, SeenRequest};

impl NpmDouble {
    /// The answer to a request for tags or for a whole package; none if it asks for something else.
    pub(super) fn show(&self, path: &str) -> Option<Answer> {
        let path = unescaped(path);
        if let Some(rest) = path.strip_prefix("/-/package/") {
            let name = rest.split("/dist-tags").next().unwrap_or_default();
            let tags = self.tags.get(name);
            return Some(tags.map_or_else(not_found, |tags| Answer::json(200, &json!(tags))));
        }
        let name = path.strip_prefix('/')?.strip_suffix("?write=true")?;
        Some(self.packument(name).map_or_else(not_found, |packument| Answer::json(200, &packument)))
    }

    /// Changes a tag, or takes a whole package with another deprecation; none if the request publishes.
    pub(super) fn amend(&mut self, request: &SeenRequest, body: &Value) -> Option<Answer> {
        let path = unescaped(&request.path);
        if let Some((name, tag)) =
            path.strip_prefix("/-/package/").and_then(|rest| rest.split_once("/dist-tags/"))
        {
            let version = body.as_str().unwrap_or_default();
            if !self.published.contains_key(&format!("{name}@{version}")) {
                return Some(not_found());
            }
            self.tags.entry(name.to_owned()).or_default().insert(tag.to_owned(), version.to_owned());
            return Some(Answer::json(201, &json!({"ok": "package tagged"})));
        }
        if body.get("_attachments").is_some() {
            return None;
        }
        let name = path.trim_start_matches('/');
        if self.packument(name).is_none_or(|packument| packument["_rev"] != body["_rev"]) {
            return Some(Answer::json(409, &json!({"error": "Document update conflict."})));
        }
        for (version, document) in body["versions"].as_object().into_iter().flatten() {
            if let Some((kept, _)) = self.published.get_mut(&format!("{name}@{version}")) {
                kept.clone_from(document);
            }
        }
        Some(Answer::json(201, &json!({"ok": "package changed"})))
    }

    /// The whole document of a package; its revision is made of what can be changed.
    pub fn packument(&self, name: &str) -> Option<Value> {
        let versions: Map<String, Value> = self
            .published
            .iter()
            .filter_map(|(key, (document, _))| {
                Some((key.strip_prefix(name)?.strip_prefix('@')?.to_owned(), document.clone()))
            })
            .collect();
        let deprecated = versions.values().filter(|version| version.get("deprecated").is_some()).count();
        (!versions.is_empty()).then(|| {
            json!({
                "_id": name,
                "_rev": format!("{}-{deprecated}", versions.len()),
                "name": name,
                "dist-tags": self.tags.get(name),
                "versions": versions,
                "readme": "# kept as it is",
            })
        })
    }
}

fn unescaped(path: &str) -> String {
    let path = path.replace("%2f", "/").replace("%2F", "/");
    match path.split_once("?t=") {
        Some((path, _)) => path.to_owned(),
        None => path,
    }
}

fn not_found() -> Answer {
    Answer::json(404, &json!({"error": "Not found"}))
}
