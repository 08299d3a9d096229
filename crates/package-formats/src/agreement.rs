//! Compares what somebody declares about an artifact with what its bytes say.

use std::str::FromStr as _;

use pep440_rs::Version;
use release_types::{Defect, Ecosystem, Sha256Digest};

use crate::{Package, python::normalised_project_name, report::Report};

/// What a proposal says about one artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<'a> {
    pub ecosystem: Ecosystem,
    pub name: &'a str,
    pub version: &'a str,
    pub filename: &'a str,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
}

/// Every difference between the declaration and the artifact; none if they agree.
///
/// npm names and versions must be equal to the letter. Python's are compared in normal form, as indexes do.
pub fn agree(declared: &Declared<'_>, package: &Package) -> Vec<Defect> {
    let mut report = Report::default();
    let mut compare = |field: &str, found: String, expected: String, same: bool| {
        if !same {
            let allowed = format!("{expected}, as the artifact has it");
            report.add(field, found, allowed, "correct the proposal, or upload the artifact that was meant");
        }
    };
    let (is_name, is_version, is_filename) = match package {
        Package::Npm(package) => (
            declared.name == package.name,
            declared.version == package.version,
            declared.filename == package.filename() || declared.filename == npm_registry_filename(package),
        ),
        Package::Python(package) => (
            normalised_project_name(declared.name) == normalised_project_name(&package.name),
            Version::from_str(declared.version).is_ok_and(|version| version.to_string() == package.version),
            declared.filename == package.filename,
        ),
    };
    let ecosystem = package.ecosystem();
    compare(
        "ecosystem",
        declared.ecosystem.to_string(),
        ecosystem.to_string(),
        declared.ecosystem == ecosystem,
    );
    compare("name", declared.name.to_owned(), package.name().to_owned(), is_name);
    compare("version", declared.version.to_owned(), package.version().to_owned(), is_version);
    compare("filename", declared.filename.to_owned(), package.filename(), is_filename);
    let sha256 = package.sha256();
    compare("sha256", declared.sha256.to_string(), sha256.to_string(), declared.sha256 == sha256);
    let size_bytes = package.size_bytes();
    compare(
        "size_bytes",
        declared.size_bytes.to_string(),
        size_bytes.to_string(),
        declared.size_bytes == size_bytes,
    );
    report.into_defects()
}

/// The last part of the address under which registries serve the tarball: without the scope.
fn npm_registry_filename(package: &crate::NpmPackage) -> String {
    let unscoped = package.name.rsplit('/').next().unwrap_or_default();
    format!("{unscoped}-{}.tgz", package.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, samples};

    fn opened() -> (Package, Vec<u8>) {
        let tarball = samples::npm_tarball(r#"{"name":"@dao/demo","version":"1.0.0"}"#, &[]);
        let package = Package::open(Ecosystem::Npm, "dao-demo-1.0.0.tgz", &tarball, &Limits::default());
        (package.expect("opens"), tarball)
    }

    fn declared(tarball: &[u8]) -> Declared<'static> {
        Declared {
            ecosystem: Ecosystem::Npm,
            name: "@dao/demo",
            version: "1.0.0",
            filename: "dao-demo-1.0.0.tgz",
            sha256: Sha256Digest::of(tarball),
            size_bytes: tarball.len() as u64,
        }
    }

    #[test]
    fn should_agree_when_everything_is_as_declared() {
        let (package, tarball) = opened();
        assert_eq!(agree(&declared(&tarball), &package), []);
        let as_served = Declared { filename: "demo-1.0.0.tgz", ..declared(&tarball) };
        assert_eq!(agree(&as_served, &package), []);
    }

    #[test]
    fn should_name_every_difference_at_once_when_all_is_misdeclared() {
        let (package, tarball) = opened();
        let wrong = Declared {
            ecosystem: Ecosystem::Pypi,
            name: "demo",
            version: "1.0.1",
            filename: "other-1.0.0.tgz",
            sha256: Sha256Digest::of(b"other"),
            size_bytes: tarball.len() as u64 + 1,
        };
        let fields: Vec<_> = agree(&wrong, &package).into_iter().map(|defect| defect.field).collect();
        assert_eq!(fields, ["ecosystem", "name", "version", "filename", "sha256", "size_bytes"]);
    }

    #[test]
    fn should_compare_python_names_and_versions_in_normal_form() {
        let wheel = samples::wheel("demo_pkg", "1.0", &[]);
        let filename = "demo_pkg-1.0-py3-none-any.whl";
        let package = Package::open(Ecosystem::Pypi, filename, &wheel, &Limits::default()).expect("opens");
        let declared = Declared {
            ecosystem: Ecosystem::Pypi,
            name: "Demo.Pkg",
            version: "v1.0",
            filename,
            sha256: Sha256Digest::of(&wheel),
            size_bytes: wheel.len() as u64,
        };
        assert_eq!(agree(&declared, &package), []);
        let other = Declared { version: "1.1", name: "demo", ..declared };
        assert_eq!(agree(&other, &package).len(), 2);
    }
}
