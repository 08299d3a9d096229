//! One face for both ecosystems: which request publishes an artifact, which reads it back, what answers mean.

use registry_protocols::{
    bytes::{self, ByteRange},
    endpoint::{EndpointUrl, RegistryEndpoints},
    http::{AuthorizationScheme, HttpAnswer, HttpRequest},
    npm::{
        self, InstallFacts,
        signature::{self, RegistryKeys, SignatureCheck},
        stage::{self, StageId},
    },
    pypi::{self, ShownProject},
    reading::{Comparison, Reading},
    verdict::Verdict,
};
use release_types::{
    Defect, Ecosystem, PublishOrder, PublishingMode, Sha256Digest,
    order::{OrderedArtifact, Publication},
};
use serde::{Deserialize, Serialize};

use crate::{
    outcall::{Inquiry, Question},
    state::event::{RefusedReason, RegistryDigests},
};

/// What one artifact is to be read back as. Also the context of the transform that reduces the nodes' answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadBack {
    Npm { name: String, version: String, voted: InstallFacts },
    Pypi { project: String, filename: String },
}

/// A read-back that agrees or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub comparison: Comparison,
    /// The digest that the registry shows, in its own form, if it shows one.
    pub shown: Option<String>,
    /// PyPI: what the index shows of the project.
    project: Option<ShownProject>,
}

/// What an npm registry shows whose document adds to the voted one.
const MORE_TO_INSTALL: &str =
    "the voted bytes under a document by which npm fetches, runs or links more than was voted";
/// How long an index takes further files for a release, in seconds.
const RELEASE_OPEN_FOR_S: u64 = 14 * 24 * 60 * 60;

impl Finding {
    /// Why nothing may be sent at `now_s`, seconds since 1970, though nothing is there.
    pub fn obstacle(&self, now_s: u64) -> Option<RefusedReason> {
        let ShownProject { status, release_since_s, .. } = self.project?;
        if !status.takes_files() {
            return Some(RefusedReason::ProjectClosed);
        }
        let is_closed = |since_s: u64| now_s.saturating_sub(since_s) >= RELEASE_OPEN_FOR_S;
        release_since_s.is_some_and(is_closed).then_some(RefusedReason::ReleaseClosed)
    }
}

/// The registry's URLs, checked.
fn endpoints(order: &PublishOrder) -> Result<RegistryEndpoints, RefusedReason> {
    RegistryEndpoints::check(&order.registry).map_err(|_| RefusedReason::NotPublishable)
}

/// How the ecosystem wants its token.
pub fn authorization_scheme(ecosystem: Ecosystem) -> AuthorizationScheme {
    match ecosystem {
        Ecosystem::Npm => AuthorizationScheme::Bearer,
        Ecosystem::Pypi => AuthorizationScheme::BasicToken,
    }
}

/// The largest artifact that fits one outcall with its metadata, or what is wrong with these.
pub fn largest_artifact_bytes(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    field: &str,
) -> Result<u64, Vec<Defect>> {
    let defect = |error: String| {
        vec![Defect::new(field, error, "what makes a valid request", "Propose the corrected release.")]
    };
    let bytes = match &artifact.publication {
        Publication::Npm { manifest_json, options } => {
            let endpoints = RegistryEndpoints::check(&order.registry)?;
            let publication =
                npm::NpmPublication { name: &order.package, version: &order.version, manifest_json, options };
            npm::largest_tarball_bytes(&endpoints.upload, &publication)
                .map_err(|error| defect(error.to_string()))?
        }
        Publication::Pypi { form } => {
            pypi::largest_file_bytes(form, &artifact.filename).map_err(|error| defect(error.to_string()))?
        }
    };
    Ok(bytes as u64)
}

/// What publishes or stages an artifact, still without its token.
pub fn sending_inquiry(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    bytes: &[u8],
) -> Result<Inquiry, RefusedReason> {
    let request = sending_request(order, artifact, bytes)?;
    Ok(Inquiry::new(request, Question::Sent(order.registry.ecosystem)))
}

fn sending_request(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    bytes: &[u8],
) -> Result<HttpRequest, RefusedReason> {
    let endpoints = endpoints(order)?;
    match &artifact.publication {
        Publication::Npm { manifest_json, options } => {
            let publication =
                npm::NpmPublication { name: &order.package, version: &order.version, manifest_json, options };
            let build = match order.mode {
                PublishingMode::Staged => stage::stage_request,
                _ => npm::publish_request,
            };
            build(&endpoints.upload, &publication, bytes).map_err(|error| match error {
                npm::NpmPublishError::Oversize(_) => RefusedReason::TooLarge,
                _ => RefusedReason::NotPublishable,
            })
        }
        Publication::Pypi { form } => {
            pypi::upload_request(&endpoints.upload, form, &artifact.filename, bytes).map_err(|error| {
                match error {
                    pypi::PypiUploadError::Oversize(_) => RefusedReason::TooLarge,
                    _ => RefusedReason::NotPublishable,
                }
            })
        }
    }
}

/// What an artifact is to be read back as.
fn read_back(order: &PublishOrder, artifact: &OrderedArtifact) -> ReadBack {
    match &artifact.publication {
        Publication::Npm { manifest_json, .. } => {
            let (name, version) = (order.package.clone(), order.version.clone());
            // Of a document that is none, npm may do nothing.
            let voted = InstallFacts::of(&name, manifest_json.as_bytes()).unwrap_or_default();
            ReadBack::Npm { name, version, voted }
        }
        Publication::Pypi { .. } => {
            ReadBack::Pypi { project: order.package.clone(), filename: artifact.filename.clone() }
        }
    }
}

/// What reads an artifact back. `nonce` keeps caches from answering for the registry.
pub fn read_inquiry(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    nonce: u64,
) -> Result<Inquiry, RefusedReason> {
    let endpoints = endpoints(order)?;
    let read_back = read_back(order, artifact);
    let request = match &read_back {
        ReadBack::Npm { name, version, .. } => {
            npm::version_request(&endpoints.read, name, version, nonce).ok()
        }
        ReadBack::Pypi { project, .. } => pypi::project_request(&endpoints.read, project).ok(),
    };
    let request = request.ok_or(RefusedReason::NotPublishable)?;
    Ok(Inquiry::new(request, Question::Shown(read_back)))
}

/// What reads the keys that an npm registry signs with.
pub fn keys_inquiry(order: &PublishOrder) -> Result<Inquiry, RefusedReason> {
    let request = signature::keys_request(&endpoints(order)?.read);
    Ok(Inquiry::new(request, Question::Keys))
}

/// What reads an index's second view of a file; none where the index has none.
pub fn second_view_inquiry(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    nonce: u64,
) -> Result<Option<Inquiry>, RefusedReason> {
    let Some(base) = endpoints(order)?.version else { return Ok(None) };
    let request = pypi::version_request(&base, &order.package, &order.version, nonce)
        .map_err(|_| RefusedReason::NotPublishable)?;
    let (project, filename) = (order.package.clone(), artifact.filename.clone());
    Ok(Some(Inquiry::new(request, Question::Documented { project, filename })))
}

/// What reads a page of the staging list.
pub fn stages_inquiry(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    page: u64,
) -> Result<Inquiry, RefusedReason> {
    let Publication::Npm { options, .. } = &artifact.publication else {
        return Err(RefusedReason::NotPublishable);
    };
    let request = stage::stages_request(&endpoints(order)?.upload, &order.package, page)
        .map_err(|_| RefusedReason::NotPublishable)?;
    let (name, version) = (order.package.clone(), order.version.clone());
    let question = Question::Stages { name, version, dist_tag: options.dist_tag.clone(), page };
    Ok(Inquiry::new(request, question))
}

/// Where a file lies; asked for whole, or in parts.
pub struct FileAddress(Address);

enum Address {
    Tarball { read: EndpointUrl, name: String, version: String },
    Python { files: EndpointUrl, blake2b_256: [u8; 32], filename: String },
    Staged { upload: EndpointUrl, stage: StageId },
}

/// Where the registry serves what was published; none for an index of which that is not known.
pub fn file_address(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    digests: &RegistryDigests,
) -> Result<Option<FileAddress>, RefusedReason> {
    let endpoints = endpoints(order)?;
    let address = match digests {
        RegistryDigests::Npm { .. } => {
            let (name, version) = (order.package.clone(), order.version.clone());
            Address::Tarball { read: endpoints.read, name, version }
        }
        RegistryDigests::Pypi { blake2b_256 } => {
            let Some(files) = endpoints.files else { return Ok(None) };
            let blake2b_256 = blake2b_256.as_slice().try_into().map_err(|_| RefusedReason::NotPublishable)?;
            Address::Python { files, blake2b_256, filename: artifact.filename.clone() }
        }
    };
    address.request(None)?;
    Ok(Some(FileAddress(address)))
}

/// Where the registry serves what is staged.
pub fn stage_address(order: &PublishOrder, stage: &StageId) -> Result<FileAddress, RefusedReason> {
    let upload = endpoints(order)?.upload;
    Ok(FileAddress(Address::Staged { upload, stage: stage.clone() }))
}

impl Address {
    fn request(&self, range: Option<&ByteRange>) -> Result<HttpRequest, RefusedReason> {
        match self {
            Self::Tarball { read, name, version } => {
                bytes::tarball_request(read, name, version, range).map_err(|_| RefusedReason::NotPublishable)
            }
            Self::Python { files, blake2b_256, filename } => {
                bytes::pypi_file_request(files, blake2b_256, filename, range)
                    .map_err(|_| RefusedReason::NotPublishable)
            }
            Self::Staged { upload, stage } => Ok(stage::stage_tarball_request(upload, stage, range)),
        }
    }
}

impl FileAddress {
    /// What reads the file, or a part of it.
    pub fn inquiry(&self, range: Option<ByteRange>) -> Inquiry {
        let request = self.0.request(range.as_ref()).expect("the address was checked when it was made");
        Inquiry::new(request, Question::Served(range))
    }
}

/// Reduces an answer to a read-back to the few bytes on which all nodes can agree.
pub fn reduce_reading(read_back: &ReadBack, answer: &HttpAnswer) -> Vec<u8> {
    match read_back {
        ReadBack::Npm { name, version, voted } => npm::read_version(answer, name, version, voted).reduced(),
        ReadBack::Pypi { project, filename } => pypi::read_file(answer, project, filename).reduced(),
    }
}

/// Compares a reduced answer with the artifact; none if the bytes are no reduction.
pub fn compare(digests: &RegistryDigests, sha256: &Sha256Digest, reduced: &[u8]) -> Option<Finding> {
    match digests {
        RegistryDigests::Npm { sha512 } => {
            let reading = npm::NpmReading::parse_reduced(reduced).ok()?;
            let sha512: &[u8; 64] = sha512.as_slice().try_into().ok()?;
            let shown = present(&reading).map(|published| match published.sha512 == *sha512 {
                // Of the voted bytes only this can differ.
                true if published.installs_more => MORE_TO_INSTALL.to_owned(),
                _ => format!("sha512 {}", hex::encode(published.sha512)),
            });
            Some(Finding { comparison: npm::compare(&reading, sha512), shown, project: None })
        }
        RegistryDigests::Pypi { .. } => {
            let reading = pypi::PypiReading::parse_reduced(reduced).ok()?;
            let project = present(&reading).copied();
            let shown = project.and_then(|shown| shown.sha256).map(|sha256| format!("sha256 {sha256}"));
            Some(Finding { comparison: pypi::compare(&reading, sha256), shown, project })
        }
    }
}

/// Compares a reduced version document with the artifact; none if the bytes are no reduction.
pub fn compare_second_view(sha256: &Sha256Digest, reduced: &[u8]) -> Option<Finding> {
    let reading = pypi::DocumentReading::parse_reduced(reduced).ok()?;
    let shown = present(&reading).map(|shown| format!("sha256 {}", shown.sha256));
    Some(Finding { comparison: pypi::compare_document(&reading, sha256), shown, project: None })
}

fn present<D>(reading: &Reading<D>) -> Option<&D> {
    match reading {
        Reading::Present(shown) => Some(shown),
        Reading::Absent | Reading::Unreadable { .. } => None,
    }
}

/// What the signatures in a reduced version document prove at `now_s`, seconds since 1970; none if it shows nothing.
pub fn check_signature(
    order: &PublishOrder,
    digests: &RegistryDigests,
    reduced: &[u8],
    keys: &RegistryKeys,
    now_s: u64,
) -> Option<SignatureCheck> {
    let RegistryDigests::Npm { sha512 } = digests else { return None };
    let reading = npm::NpmReading::parse_reduced(reduced).ok()?;
    let sha512: &[u8; 64] = sha512.as_slice().try_into().ok()?;
    Some(keys.check(&present(&reading)?.signatures, &order.package, &order.version, sha512, now_s))
}

/// What the answer to a publish request means for what happens next.
pub fn classify(ecosystem: Ecosystem, answer: &HttpAnswer) -> Verdict {
    match ecosystem {
        Ecosystem::Npm => npm::classify_npm(answer),
        Ecosystem::Pypi => pypi::classify_pypi(answer),
    }
}
