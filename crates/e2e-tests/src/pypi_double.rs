//! A Python index double: takes uploads by the legacy API, and shows them in several views.
//!
//! It checks that a token is there; what the token allows it verifies where a test gives it a judge.

mod views;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::{
    macaroon_judge::MacaroonJudge,
    registry_server::{Answer, RegistryDouble, SeenRequest},
};

/// The index's content.
#[derive(Clone, Default)]
pub struct PypiDouble {
    /// Files by project and file name.
    pub files: BTreeMap<(String, String), Vec<u8>>,
    /// Tokens that uploads came with, in order; those of refused forms and tokens not.
    pub tokens: Vec<String>,
    /// The text fields of every form that was stored, in order.
    pub forms: Vec<Vec<(String, String)>>,
    /// Verifies tokens, if there is one; else it only checks that there is a token.
    pub judge: Option<MacaroonJudge>,
    /// How many reads new files stay invisible for.
    pub hidden_reads: usize,
    /// Bytes that are served in the place of a file's, by its name.
    pub served_instead: BTreeMap<String, Vec<u8>>,
}

impl PypiDouble {
    fn post(&mut self, request: &SeenRequest) -> Answer {
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|value| STANDARD.decode(value).ok())
            .and_then(|value| String::from_utf8(value).ok())
            .and_then(|value| value.strip_prefix("__token__:").map(str::to_owned));
        let Some(token) = token else {
            return Answer::text(403, "403 Invalid or non-existent authentication information.");
        };
        let Some(parts) = parts(request) else { return Answer::text(400, "400 not a form") };
        let field = |name: &str| parts.iter().find(|part| part.name == name);
        let (Some(project), Some(content)) = (field("name"), field("content")) else {
            return Answer::text(400, "400 name or content is missing");
        };
        let project = String::from_utf8_lossy(&project.body).to_lowercase().replace(['_', '.'], "-");
        if let Some(Err(reason)) = self.judge.map(|judge| judge.judge(&token, &project)) {
            return Answer::text(403, &format!("403 {reason}"));
        }
        self.tokens.push(token);
        let digest = field("sha256_digest").map(|part| String::from_utf8_lossy(&part.body).into_owned());
        if digest != Some(hex::encode(Sha256::digest(&content.body))) {
            return Answer::text(
                400,
                "400 The digest supplied does not match a digest calculated from the file.",
            );
        }
        let key = (project, content.filename.clone().unwrap_or_default());
        match self.files.get(&key) {
            Some(stored) if *stored == content.body => Answer::text(200, ""),
            Some(_) => Answer::text(400, &format!("400 File already exists ('{}')", key.1)),
            None => {
                self.files.insert(key, content.body.clone());
                let text = |part: &Part| String::from_utf8_lossy(&part.body).into_owned();
                let fields = parts.iter().filter(|part| part.filename.is_none());
                self.forms.push(fields.map(|part| (part.name.clone(), text(part))).collect());
                Answer::text(200, "")
            }
        }
    }
}

impl RegistryDouble for PypiDouble {
    fn is_write(&self, request: &SeenRequest) -> bool {
        request.method == "POST"
    }

    fn answer(&mut self, request: &SeenRequest) -> Answer {
        match request.method.as_str() {
            "POST" => self.post(request),
            "GET" => self.get(&request.path),
            _ => Answer::text(405, "405 Method Not Allowed"),
        }
    }
}

/// The file that an upload carries: its name and its bytes.
pub fn content(request: &SeenRequest) -> Option<(String, Vec<u8>)> {
    let content = parts(request)?.into_iter().find(|part| part.name == "content")?;
    Some((content.filename?, content.body))
}

struct Part {
    name: String,
    filename: Option<String>,
    body: Vec<u8>,
}

/// The parts of a multipart form, strictly: exactly the framing of RFC 7578.
fn parts(request: &SeenRequest) -> Option<Vec<Part>> {
    let boundary = request.header("content-type")?.split_once("boundary=")?.1.trim_matches('"');
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let body = [b"\r\n", request.body.as_slice()].concat();
    let mut rest = body.strip_prefix(delimiter.as_slice())?;
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &delimiter)?;
        let (head, content) = part[..end].split_at(find(&part[..end], b"\r\n\r\n")? + 4);
        let head = String::from_utf8(head.to_vec()).ok()?;
        let parameter = |name: &str| {
            let start = head.find(&format!("; {name}=\""))? + name.len() + 4;
            Some(head[start..].split('"').next()?.to_owned())
        };
        parts.push(Part {
            name: parameter("name")?,
            filename: parameter("filename"),
            body: content.to_vec(),
        });
        rest = &part[end + delimiter.len()..];
    }
    rest.starts_with(b"--").then_some(parts)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
