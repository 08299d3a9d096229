//! An opened artifact of either ecosystem.

use release_types::{Defect, Ecosystem, FileEntry, Sha256Digest};

use crate::{Limits, NpmPackage, PythonPackage};

/// An opened artifact.
#[derive(Clone, Debug, PartialEq)]
pub enum Package {
    Npm(Box<NpmPackage>),
    Python(Box<PythonPackage>),
}

impl Package {
    /// Opens an artifact. The file name tells Python's kinds apart; npm's says nothing about the content.
    ///
    /// # Errors
    /// Every defect found.
    pub fn open(
        ecosystem: Ecosystem,
        filename: &str,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Self, Vec<Defect>> {
        match ecosystem {
            Ecosystem::Npm => NpmPackage::open(bytes, limits).map(|package| Self::Npm(Box::new(package))),
            Ecosystem::Pypi => {
                PythonPackage::open(filename, bytes, limits).map(|package| Self::Python(Box::new(package)))
            }
        }
    }

    pub fn ecosystem(&self) -> Ecosystem {
        match self {
            Self::Npm(_) => Ecosystem::Npm,
            Self::Python(_) => Ecosystem::Pypi,
        }
    }

    /// The package's name as its own metadata write it.
    pub fn name(&self) -> &str {
        match self {
            Self::Npm(package) => &package.name,
            Self::Python(package) => &package.name,
        }
    }

    /// The version in the ecosystem's normal form.
    pub fn version(&self) -> &str {
        match self {
            Self::Npm(package) => &package.version,
            Self::Python(package) => &package.version,
        }
    }

    /// The file name under which the artifact is usually passed on.
    pub fn filename(&self) -> String {
        match self {
            Self::Npm(package) => package.filename(),
            Self::Python(package) => package.filename.clone(),
        }
    }

    pub fn files(&self) -> &[FileEntry] {
        match self {
            Self::Npm(package) => &package.files,
            Self::Python(package) => &package.files,
        }
    }

    pub fn sha256(&self) -> Sha256Digest {
        match self {
            Self::Npm(package) => package.sha256,
            Self::Python(package) => package.sha256,
        }
    }

    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Npm(package) => package.size_bytes,
            Self::Python(package) => package.size_bytes,
        }
    }
}
