//! The artifacts of a release, opened on this machine before anything is sent.

use std::{fs, path::Path};

use package_formats::{Limits, Package, review};
use registry_protocols::pypi::normalized_project;
use release_types::{Ecosystem, proposal::ArtifactReview};

use crate::failure::{Failure, Outcome};

/// An artifact and what its bytes say.
pub struct Artifact {
    /// The name under which it is published.
    pub filename: String,
    pub bytes: Vec<u8>,
    pub package: Package,
}

/// All artifacts of one version of one package.
pub struct Artifacts {
    pub ecosystem: Ecosystem,
    pub name: String,
    pub version: String,
    pub artifacts: Vec<Artifact>,
}

impl std::fmt::Debug for Artifacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files: Vec<_> = self.artifacts.iter().map(|artifact| &artifact.filename).collect();
        write!(f, "{} {} {}: {files:?}", self.ecosystem, self.name, self.version)
    }
}

/// Which ecosystem a file is for, by its name: `.tgz` is npm's, `.whl` and `.tar.gz` are Python's.
pub fn ecosystem_of(filename: &str) -> Option<Ecosystem> {
    if filename.ends_with(".tgz") {
        Some(Ecosystem::Npm)
    } else if filename.ends_with(".whl") || filename.ends_with(".tar.gz") {
        Some(Ecosystem::Pypi)
    } else {
        None
    }
}

/// The name that registries and credentials know a package by.
///
/// # Errors
/// When it is no project name.
pub fn registered_name(ecosystem: Ecosystem, name: &str) -> Outcome<String> {
    match ecosystem {
        Ecosystem::Npm => Ok(name.to_string()),
        Ecosystem::Pypi => normalized_project(name).map_err(|error| Failure::usage(error.to_string())),
    }
}

/// Reads and opens files that are one release together.
///
/// # Errors
/// When a file cannot be read, is no package (every defect is listed), or they are not one release.
pub fn open_all(paths: &[impl AsRef<Path>]) -> Outcome<Artifacts> {
    let mut opened = Vec::new();
    for path in paths {
        opened.push(open(path.as_ref())?);
    }
    together(opened)
}

fn open(path: &Path) -> Outcome<(Ecosystem, Artifact)> {
    let filename = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ecosystem = ecosystem_of(&filename).ok_or_else(|| {
        Failure::usage(format!("{}: not a package by its name", path.display())).hint(
            "allowed: .tgz (npm, made by `npm pack`), .whl and .tar.gz (Python, made by `python -m build`)",
        )
    })?;
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, error))?;
    let package = open_bytes(ecosystem, &filename, &bytes)?;
    Ok((ecosystem, Artifact { filename: package.filename(), bytes, package }))
}

/// Opens an artifact.
///
/// # Errors
/// Every defect found.
pub fn open_bytes(ecosystem: Ecosystem, filename: &str, bytes: &[u8]) -> Outcome<Package> {
    Package::open(ecosystem, filename, bytes, &Limits::default()).map_err(|defects| {
        Failure::refused(format!("{filename} cannot be published as it is")).with_defects(defects)
    })
}

fn together(opened: Vec<(Ecosystem, Artifact)>) -> Outcome<Artifacts> {
    let Some((ecosystem, first)) = opened.first() else {
        return Err(Failure::usage("no artifact was given"));
    };
    let ecosystem = *ecosystem;
    let (name, version) = (first.package.name().to_string(), first.package.version().to_string());
    let registered = registered_name(ecosystem, &name)?;
    for (other_ecosystem, other) in &opened {
        let same = *other_ecosystem == ecosystem
            && registered_name(ecosystem, other.package.name())? == registered
            && other.package.version() == version;
        if !same {
            return Err(Failure::usage(format!(
                "{} is {} {} {}, and {} is {ecosystem} {name} {version}: these are two releases",
                other.filename,
                other_ecosystem,
                other.package.name(),
                other.package.version(),
                first.filename
            ))
            .hint("propose each release by itself"));
        }
    }
    if ecosystem == Ecosystem::Npm && opened.len() > 1 {
        return Err(Failure::usage(format!(
            "{} npm tarballs were given; a version has exactly one",
            opened.len()
        )));
    }
    let artifacts = opened.into_iter().map(|(_, artifact)| artifact).collect();
    Ok(Artifacts { ecosystem, name, version, artifacts })
}

/// What differs between two reviews of the same bytes: the canister's, and the one made on this machine. Empty when
/// they agree.
pub fn disagreements(own: &ArtifactReview, reported: &ArtifactReview) -> Vec<&'static str> {
    let mut fields = Vec::new();
    let mut compare = |field, same: bool| {
        if !same {
            fields.push(field);
        }
    };
    compare("sha256", own.sha256 == reported.sha256);
    compare("size", own.size_bytes == reported.size_bytes);
    compare("what is published", own.publication_json == reported.publication_json);
    compare("scripts", own.scripts == reported.scripts);
    compare("whether installing runs code", own.runs_code_on_install == reported.runs_code_on_install);
    compare("dependencies", own.dependencies == reported.dependencies);
    compare("commands", own.commands == reported.commands);
    compare("files", own.files == reported.files);
    fields
}

/// What voters read about an artifact, made from its bytes, under the name that the proposal gives it.
///
/// # Errors
/// When the bytes are no such package: then they would not be published either.
pub fn review_bytes(ecosystem: Ecosystem, filename: &str, bytes: &[u8]) -> Outcome<ArtifactReview> {
    let review = review(&open_bytes(ecosystem, filename, bytes)?);
    Ok(ArtifactReview { filename: filename.to_string(), ..review })
}

#[cfg(test)]
mod tests;
