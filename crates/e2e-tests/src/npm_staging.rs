//! The npm double's staging area: versions that wait for a person, who is the test.

use serde_json::{Value, json};

use crate::registry_server::{Answer, SeenRequest};

/// A version that waits.
#[derive(Clone, Debug)]
pub struct StagedVersion {
    pub id: String,
    pub name: String,
    pub version: String,
    pub tag: String,
    /// The version document.
    pub document: Value,
    pub tarball: Vec<u8>,
}

/// Everything that waits, oldest first.
#[derive(Clone, Debug, Default)]
pub struct StagingArea {
    pub staged: Vec<StagedVersion>,
    taken: u64,
}

impl StagingArea {
    /// Takes a version, unless it waits already; answers as npm does.
    pub fn stage(
        &mut self,
        name: &str,
        version: &str,
        tag: &str,
        document: Value,
        tarball: Vec<u8>,
    ) -> Answer {
        if self.staged.iter().any(|staged| staged.name == name && staged.version == version) {
            let text = format!("Cannot stage previously published version \"{version}\".");
            return Answer::json(409, &json!({"error": text}));
        }
        self.taken += 1;
        let id = format!("5ab9c0de-0000-4000-8000-{:012x}", self.taken);
        let (name, version, tag) = (name.to_owned(), version.to_owned(), tag.to_owned());
        self.staged.push(StagedVersion { id: id.clone(), name, version, tag, document, tarball });
        Answer::json(201, &json!({"message": "staged", "stageId": id}))
    }

    /// Takes out what a person approved or rejected.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn take(&mut self, id: &str) -> StagedVersion {
        let at = self.staged.iter().position(|staged| staged.id == id).expect("a stage that waits");
        self.staged.remove(at)
    }

    /// Answers a request for a path below `/-/stage`.
    pub fn answer(&self, request: &SeenRequest, path: &str) -> Answer {
        let path = path.trim_start_matches('/');
        if let Some(id) = path.strip_suffix("/tarball") {
            let found = self.staged.iter().find(|staged| staged.id == id);
            return found.map_or_else(not_found, |staged| file(request, &staged.tarball));
        }
        if path.starts_with('?') {
            let is_first = path.contains("page=0&");
            let items: Vec<_> = self.staged.iter().filter(|_| is_first).map(item).collect();
            let total = self.staged.len();
            return Answer::json(200, &json!({"items": items, "page": 0, "perPage": 100, "total": total}));
        }
        self.staged
            .iter()
            .find(|staged| staged.id == path)
            .map_or_else(not_found, |staged| Answer::json(200, &item(staged)))
    }
}

fn item(staged: &StagedVersion) -> Value {
    json!({
        "id": staged.id,
        "packageName": staged.name,
        "version": staged.version,
        "tag": staged.tag,
        "createdAt": "2027-01-01T00:00:00.000Z",
        "actor": "dao",
        "actorType": "user",
        "access": "public",
    })
}

fn not_found() -> Answer {
    Answer::json(404, &json!({"error": "Not found"}))
}

/// A file, or the range of it that is asked for.
pub fn file(request: &SeenRequest, bytes: &[u8]) -> Answer {
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return Answer::bytes(200, bytes.to_vec());
    };
    let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else {
        return Answer::bytes(200, bytes.to_vec());
    };
    let Some(part) = bytes.get(first..bytes.len().min(last.saturating_add(1))) else {
        return Answer::text(416, "");
    };
    let mut answer = Answer::bytes(206, part.to_vec());
    let value = format!("bytes {first}-{}/{}", first + part.len() - 1, bytes.len());
    answer.headers.push(("content-range".into(), value));
    answer
}
