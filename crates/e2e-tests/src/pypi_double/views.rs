//! What the double shows of its files: a project's page in the JSON simple API, a version's document, and the bytes.

use blake2::{Blake2b, digest::consts::U32};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::PypiDouble;
use crate::registry_server::Answer;

impl PypiDouble {
    pub(super) fn get(&mut self, path: &str) -> Answer {
        let path = path.split('?').next().unwrap_or_default();
        if let Some(place) = path.strip_prefix("/packages/") {
            return self.file(place);
        }
        if self.hidden_reads > 0 {
            self.hidden_reads -= 1;
            return not_found();
        }
        let document = path.strip_prefix("/pypi/").and_then(|path| path.strip_suffix("/json"));
        match document.and_then(|path| path.split_once('/')) {
            Some((project, version)) => self.version(project, version),
            None => self.project(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()),
        }
    }

    fn project(&self, project: &str) -> Answer {
        let files: Vec<_> = self
            .files
            .iter()
            .filter(|((owner, _), _)| owner == project)
            .map(|((_, filename), bytes)| {
                json!({"filename": filename, "url": filename, "size": bytes.len(),
                       "hashes": {"sha256": hex::encode(Sha256::digest(bytes))}})
            })
            .collect();
        if files.is_empty() {
            return not_found();
        }
        let mut answer = Answer::json(
            200,
            &json!({"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": files}),
        );
        answer.headers = vec![("content-type".into(), "application/vnd.pypi.simple.v1+json".into())];
        answer
    }

    /// The document of a version, whose files have it in their names.
    fn version(&self, project: &str, version: &str) -> Answer {
        let of_version = [format!("-{version}-"), format!("-{version}.tar.gz")];
        let urls: Vec<_> = self
            .files
            .iter()
            .filter(|((owner, filename), _)| {
                owner == project && of_version.iter().any(|part| filename.contains(part))
            })
            .map(|((_, filename), bytes)| {
                let digests = json!({"sha256": hex::encode(Sha256::digest(bytes)),
                                     "blake2b_256": hex::encode(blake2b_256(bytes))});
                json!({"filename": filename, "size": bytes.len(), "digests": digests})
            })
            .collect();
        if urls.is_empty() {
            return not_found();
        }
        Answer::json(200, &json!({"info": {"name": project, "version": version}, "urls": urls}))
    }

    /// The file at `{2 hex}/{2 hex}/{60 hex}/{filename}`, if that is its digest.
    fn file(&self, place: &str) -> Answer {
        let (digest, filename) = place.rsplit_once('/').unwrap_or_default();
        let digest = digest.replace('/', "");
        let stored = self
            .files
            .iter()
            .find(|((_, known), bytes)| known == filename && hex::encode(blake2b_256(bytes)) == digest);
        let served = stored.map(|(_, bytes)| self.served_instead.get(filename).unwrap_or(bytes));
        served.map_or_else(not_found, |bytes| Answer::bytes(200, bytes.clone()))
    }
}

fn blake2b_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}

fn not_found() -> Answer {
    Answer::text(404, "404 Not Found")
}
