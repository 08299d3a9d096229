//! One face for both ecosystems: which request publishes an artifact, which reads it back, what answers mean.

use registry_protocols::{
    endpoint::RegistryEndpoints,
    http::{AuthorizationScheme, HttpAnswer, HttpRequest},
    npm, pypi,
    reading::Comparison,
    verdict::Verdict,
};
use release_types::{
    Defect, Ecosystem, PublishOrder, Sha256Digest,
    order::{OrderedArtifact, Publication},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha512};

use crate::state::event::{RefusedReason, RegistryDigests};

/// What one artifact is to be read back as. Also the context of the transform that reduces the nodes' answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadBack {
    Npm { name: String, version: String },
    Pypi { project: String, filename: String },
}

/// A read-back that agrees or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub comparison: Comparison,
    /// The digest that the registry shows, in its own form, if it shows one.
    pub shown: Option<String>,
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

/// The request that publishes an artifact, still without its token.
pub fn publish_request(
    order: &PublishOrder,
    artifact: &OrderedArtifact,
    bytes: &[u8],
) -> Result<HttpRequest, RefusedReason> {
    let endpoints = endpoints(order)?;
    match &artifact.publication {
        Publication::Npm { manifest_json, options } => {
            let publication =
                npm::NpmPublication { name: &order.package, version: &order.version, manifest_json, options };
            npm::publish_request(&endpoints.upload, &publication, bytes).map_err(|error| match error {
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

/// The digests by which the registry will name these bytes.
pub fn registry_digests(ecosystem: Ecosystem, bytes: &[u8]) -> RegistryDigests {
    match ecosystem {
        Ecosystem::Npm => RegistryDigests::Npm { sha512: ByteBuf::from(Sha512::digest(bytes).to_vec()) },
        Ecosystem::Pypi => RegistryDigests::Pypi,
    }
}

/// What an artifact is to be read back as.
pub fn read_back(order: &PublishOrder, artifact: &OrderedArtifact) -> ReadBack {
    match order.registry.ecosystem {
        Ecosystem::Npm => ReadBack::Npm { name: order.package.clone(), version: order.version.clone() },
        Ecosystem::Pypi => {
            ReadBack::Pypi { project: order.package.clone(), filename: artifact.filename.clone() }
        }
    }
}

/// The request that reads an artifact back. `nonce` keeps caches from answering for the registry.
pub fn read_request(
    order: &PublishOrder,
    read_back: &ReadBack,
    nonce: u64,
) -> Result<HttpRequest, RefusedReason> {
    let endpoints = endpoints(order)?;
    match read_back {
        ReadBack::Npm { name, version } => npm::version_request(&endpoints.read, name, version, nonce)
            .map_err(|_| RefusedReason::NotPublishable),
        ReadBack::Pypi { project, .. } => {
            pypi::project_request(&endpoints.read, project).map_err(|_| RefusedReason::NotPublishable)
        }
    }
}

/// Reduces an answer to a read-back to the few bytes on which all nodes can agree.
pub fn reduce_reading(read_back: &ReadBack, answer: &HttpAnswer) -> Vec<u8> {
    match read_back {
        ReadBack::Npm { name, version } => npm::read_version(answer, name, version).reduced(),
        ReadBack::Pypi { project, filename } => pypi::read_file(answer, project, filename).reduced(),
    }
}

/// Compares a reduced answer with the artifact; none if the bytes are no reduction.
pub fn compare(digests: &RegistryDigests, sha256: &Sha256Digest, reduced: &[u8]) -> Option<Finding> {
    match digests {
        RegistryDigests::Npm { sha512 } => {
            let reading = npm::NpmReading::parse_reduced(reduced).ok()?;
            let sha512: &[u8; 64] = sha512.as_slice().try_into().ok()?;
            let shown = match &reading {
                npm::NpmReading::Present(published) => {
                    Some(format!("sha512 {}", hex::encode(published.sha512)))
                }
                _ => None,
            };
            Some(Finding { comparison: npm::compare(&reading, sha512), shown })
        }
        RegistryDigests::Pypi => {
            let reading = pypi::PypiReading::parse_reduced(reduced).ok()?;
            let shown = match &reading {
                pypi::PypiReading::Present(pypi::ShownProject { sha256: Some(sha256), .. }) => {
                    Some(format!("sha256 {sha256}"))
                }
                _ => None,
            };
            Some(Finding { comparison: pypi::compare(&reading, sha256), shown })
        }
    }
}

/// What the answer to a publish request means for what happens next.
pub fn classify(ecosystem: Ecosystem, answer: &HttpAnswer) -> Verdict {
    match ecosystem {
        Ecosystem::Npm => npm::classify_npm(answer),
        Ecosystem::Pypi => pypi::classify_pypi(answer),
    }
}
