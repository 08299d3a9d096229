//! Python distributions: what a wheel or a source distribution holds and says about itself.

mod entry_points;
mod filename;
mod form;
mod metadata;
mod metadata_rules;
mod record;
mod sdist;
#[cfg(test)]
mod tests;
mod wheel;

use blake2::{Blake2b, Digest as _, digest::consts::U32};
use release_types::{Defect, FileEntry, Sha256Digest};

use crate::{limits::Limits, report::Report};

pub use entry_points::EntryPoint;
pub use filename::{DistributionFilename, WheelTags, normalised_project_name};
pub use form::upload_form;
pub use metadata::CoreMetadata;

/// A Python distribution as its bytes have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonPackage {
    pub filename: String,
    /// What the file name says; it agrees with the metadata.
    pub distribution: DistributionFilename,
    /// The project's name as the metadata write it.
    pub name: String,
    /// The version in its normal form (PEP 440).
    pub version: String,
    pub metadata: CoreMetadata,
    /// Commands and plug-ins that a wheel declares; none for a source distribution, whose build makes them.
    pub entry_points: Vec<EntryPoint>,
    /// Whether installing it, or starting Python afterwards, runs code of its own: the build of a source
    /// distribution, or a wheel's `.pth`, `sitecustomize` or `usercustomize` file.
    pub runs_code_on_install: bool,
    /// Files in archive order; for a source distribution without the archive's top directory.
    pub files: Vec<FileEntry>,
    pub sha256: Sha256Digest,
    /// BLAKE2b with 32 bytes of output, in hexadecimal.
    pub blake2b_256: String,
    pub size_bytes: u64,
}

/// What was read from inside a distribution.
struct Opened {
    metadata: CoreMetadata,
    entry_points: Vec<EntryPoint>,
    runs_code_on_install: bool,
    files: Vec<FileEntry>,
}

impl PythonPackage {
    /// Opens a wheel or a source distribution, told apart by `filename`.
    ///
    /// # Errors
    /// Every defect found: of the file name, of the archive, of the metadata, or between them.
    pub fn open(filename: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Vec<Defect>> {
        let mut report = Report::default();
        let Some(distribution) = DistributionFilename::parse(filename, &mut report) else {
            return Err(report.into_defects());
        };
        let opened = match &distribution {
            DistributionFilename::Wheel { .. } => wheel::open(&distribution, bytes, limits, &mut report),
            DistributionFilename::Sdist { .. } => sdist::open(bytes, limits, &mut report),
        };
        let Some(opened) = opened else {
            return Err(report.into_defects());
        };
        metadata_rules::check(&opened.metadata, &mut report);
        distribution.check_agrees(&opened.metadata, &mut report);
        let package = Self {
            filename: filename.to_owned(),
            name: opened.metadata.first("Name").unwrap_or_default().to_owned(),
            version: distribution.version().to_owned(),
            distribution,
            metadata: opened.metadata,
            entry_points: opened.entry_points,
            runs_code_on_install: opened.runs_code_on_install,
            files: opened.files,
            sha256: Sha256Digest::of(bytes),
            blake2b_256: hex::encode(Blake2b::<U32>::digest(bytes)),
            size_bytes: bytes.len() as u64,
        };
        report.finish(package)
    }
}
