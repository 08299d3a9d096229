//! The registry's side of a case: what it has and shows, what reached it, and what other people do there.

use base64::{Engine, engine::general_purpose::STANDARD};
use e2e_tests::{
    npm_double::DocumentSigner,
    publishing, pypi_double,
    registry_server::{Misbehaviour, SeenRequest},
    world::{NPM_TOKEN, PYPI_TOKEN},
};
use release_types::{Ecosystem, ProposalId, PublicationState, Sha256Digest};
use serde_json::{Value, json};

use crate::{
    calls::{Call, Kind},
    desk::{Desk, NODES},
    mode::Mode,
    outcalls::OTHER_BYTES,
};

/// The dist-tag that amendments move.
pub const TAG: &str = "latest";
/// The version that amendments deprecate.
pub const DEPRECATED_VERSION: &str = "1.0.1";

/// Something that reached the registry and would change it.
#[derive(Clone, Debug)]
pub struct Write {
    pub filename: String,
    pub bytes: Vec<u8>,
    /// Whether it came with the token that it should have.
    pub is_authorized: bool,
}

impl Desk {
    /// Somebody else stages the latest release.
    pub fn stage_behind_our_back(&self) {
        let release = self.release();
        let bytes = release.files[0].1.clone();
        let document = self.document(0, &bytes);
        self.world.npm.with(|double| {
            double.staging.stage(self.mode.package(), &release.version, "latest", document, bytes);
        });
    }

    /// Whether a stage waits for a person.
    pub fn is_staged(&self, stage: &str) -> bool {
        self.world.npm.with(|double| double.staging.staged.iter().any(|staged| staged.id == stage))
    }

    /// What people do meanwhile: at the registry they approve what custody has proven to be what was voted.
    pub fn let_people_act(&mut self, proposal: ProposalId) {
        if !self.mode.publishing().uses_staging_area() {
            return;
        }
        let Some(order) = self.world.order(proposal) else { return };
        for artifact in order.artifacts {
            let PublicationState::Staged { stage, .. } = artifact.state else { continue };
            if self.is_staged(&stage) {
                self.world.npm.with(|double| double.approve(&stage));
            }
        }
    }

    /// The document by which the registry would show these bytes as a file of the latest release, or this text as what
    /// was amended.
    pub fn document(&self, file: usize, bytes: &[u8]) -> Value {
        let release = self.release();
        let text = || String::from_utf8_lossy(bytes);
        match self.mode {
            Mode::NpmDistTag => json!({TAG: text()}),
            Mode::NpmDeprecation => {
                let mut document = self.deprecated_document();
                document["deprecated"] = json!(text());
                document
            }
            _ => {
                let filename = &release.files[file].0;
                publishing::document(self.mode.ecosystem(), &release.version, filename, bytes)
            }
        }
    }

    /// A document other than the one that a call asks for: of these bytes, or of whatever else there is one for each bytes.
    pub fn other_document(&self, call: &Call, bytes: &[u8]) -> Value {
        let package = self.mode.package();
        match call.kind {
            Kind::SecondView => json!({
                "info": {"name": package},
                "urls": [{
                    "filename": self.release().files[call.progress.file].0,
                    "digests": {"sha256": Sha256Digest::of(bytes).to_string()},
                }],
            }),
            Kind::ReadKeys => other_signer_of(Sha256Digest::of(bytes)).keys(),
            Kind::ReadDocument => json!({
                "_id": "another", "_rev": Sha256Digest::of(bytes).to_string(), "name": "another", "versions": {},
            }),
            _ => self.document(call.progress.file, bytes),
        }
    }

    fn deprecated_document(&self) -> Value {
        let key = format!("{}@{DEPRECATED_VERSION}", self.mode.package());
        self.world.npm.with(|double| double.published[&key].0.clone())
    }

    /// Lets somebody else publish a file of the latest release, or amend, as voted if no other bytes are given.
    pub fn publish_behind_our_back(&self, file: usize, bytes: Option<&[u8]>) {
        let release = self.release();
        let (filename, voted) = &release.files[file];
        let bytes = bytes.unwrap_or(voted).to_vec();
        let document = self.document(file, &bytes);
        let package = self.mode.package().to_owned();
        match self.mode {
            Mode::NpmDistTag => {
                let version = String::from_utf8_lossy(&bytes).into_owned();
                self.world.npm.with(|double| {
                    double.tags.entry(package).or_default().insert(TAG.into(), version);
                });
            }
            Mode::NpmDeprecation => {
                let key = format!("{package}@{DEPRECATED_VERSION}");
                self.world.npm.with(|double| double.published.get_mut(&key).expect("is there").0 = document);
            }
            Mode::Pypi => {
                let key = (package, filename.clone());
                self.world.pypi.with(|double| double.files.insert(key, bytes));
            }
            _ => {
                let key = format!("{package}@{}", release.version);
                self.world.npm.with(|double| double.published.insert(key, (document, bytes)));
            }
        }
    }

    /// Lets the registry serve other bytes of the latest release under the digests that it shows.
    pub fn serve_others(&self) {
        if self.mode.ecosystem() == Ecosystem::Pypi {
            let names = self.release().files.iter().map(|(filename, _)| filename.clone());
            let others = names.map(|filename| (filename, OTHER_BYTES.to_vec())).collect();
            self.world.pypi.with(|double| double.served_instead = others);
            return;
        }
        let key = format!("{}@{}", self.mode.package(), self.release().version);
        self.world.npm.with(|double| {
            let published = double.published.get_mut(&key).map(|(_, tarball)| tarball);
            let staged = double.staging.staged.iter_mut().map(|staged| &mut staged.tarball);
            staged.chain(published).for_each(|tarball| *tarball = OTHER_BYTES.to_vec());
        });
    }

    /// What the registry has under a name of a release.
    pub fn stored(&self, version: &str, filename: &str) -> Option<Vec<u8>> {
        let package = self.mode.package().to_owned();
        match self.mode {
            Mode::NpmDistTag => self
                .world
                .npm
                .with(|double| Some(double.tags.get(&package)?.get(filename)?.clone().into_bytes())),
            Mode::NpmDeprecation => {
                Some(self.deprecated_document()["deprecated"].as_str()?.as_bytes().to_vec())
            }
            Mode::Pypi => {
                let key = (package, filename.to_owned());
                self.world.pypi.with(|double| double.files.get(&key).cloned())
            }
            _ => {
                let key = format!("{package}@{version}");
                self.world.npm.with(|double| double.published.get(&key).map(|(_, bytes)| bytes.clone()))
            }
        }
    }

    /// What reached the registry since the desk was put back and would change it.
    pub fn new_writes(&self) -> Vec<Write> {
        let seen = match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm.writes(),
            Ecosystem::Pypi => self.world.pypi.writes(),
        };
        let write = match self.mode {
            Mode::NpmDistTag => tag_write,
            Mode::NpmDeprecation => deprecation_write,
            Mode::Pypi => pypi_write,
            _ => npm_write,
        };
        seen.iter().map(write).collect()
    }

    /// Lets the registry say "not found" to so many looks of all nodes at what it has.
    pub fn hide(&self, looks: usize) {
        let reads = looks.saturating_mul(NODES as usize);
        match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm.with(|double| double.hidden_reads = reads),
            Ecosystem::Pypi => self.world.pypi.with(|double| double.hidden_reads = reads),
        }
    }

    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm.misbehave(misbehaviour),
            Ecosystem::Pypi => self.world.pypi.misbehave(misbehaviour),
        }
    }
}

/// Signs what the npm registry shows.
pub fn signer() -> DocumentSigner {
    DocumentSigner::new(1)
}

/// Signs with a key that is not the registry's.
pub fn other_signer() -> DocumentSigner {
    DocumentSigner::new(2)
}

/// A key that is not the registry's, for each digest mostly another.
fn other_signer_of(digest: Sha256Digest) -> DocumentSigner {
    DocumentSigner::new(digest.0[0].clamp(2, 0xfe))
}

fn has_npm_token(request: &SeenRequest) -> bool {
    request.header("authorization") == Some(&format!("Bearer {NPM_TOKEN}"))
}

fn npm_write(request: &SeenRequest) -> Write {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let attachment = body["_attachments"].as_object().and_then(|attachments| attachments.iter().next());
    let (name, data) = attachment.map(|(name, file)| (name.as_str(), &file["data"])).unwrap_or_default();
    Write {
        filename: name.rsplit('/').next().unwrap_or_default().to_owned(),
        bytes: data.as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default(),
        is_authorized: has_npm_token(request),
    }
}

fn tag_write(request: &SeenRequest) -> Write {
    let version: String = serde_json::from_slice(&request.body).unwrap_or_default();
    Write {
        filename: request.path.rsplit('/').next().unwrap_or_default().to_owned(),
        bytes: version.into_bytes(),
        is_authorized: has_npm_token(request),
    }
}

fn deprecation_write(request: &SeenRequest) -> Write {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let message = body["versions"][DEPRECATED_VERSION]["deprecated"].as_str().unwrap_or_default();
    Write {
        filename: DEPRECATED_VERSION.into(),
        bytes: message.as_bytes().to_vec(),
        is_authorized: has_npm_token(request),
    }
}

/// The token must be a narrowed one, not the one that was sealed.
fn pypi_write(request: &SeenRequest) -> Write {
    let (filename, bytes) = pypi_double::content(request).unwrap_or_default();
    let sealed = format!("Basic {}", STANDARD.encode(format!("__token__:{PYPI_TOKEN}")));
    let is_authorized = request
        .header("authorization")
        .is_some_and(|header| header.starts_with("Basic ") && header.len() > sealed.len());
    Write { filename, bytes, is_authorized }
}
