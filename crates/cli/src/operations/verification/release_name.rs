//! Names of single releases, `npm:name@version` and `pypi:name==version`, checked before they are handed to a client.

use std::{fmt, str::FromStr};

use registry_protocols::{pypi::normalized_project, receipt::ReleasePredicate};
use release_types::Ecosystem;

/// Longest name or version that is taken, in bytes.
const MAX_PART_BYTES: usize = 214;

/// One version of one package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseName {
    pub ecosystem: Ecosystem,
    /// As receipts have it: the full npm name, or the normalised name of a Python project.
    pub package: String,
    /// One exact version; no range, no tag.
    pub version: String,
}

/// A text that names no release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReleaseName {
    #[error("`{0}`: a release is named npm:NAME@VERSION or pypi:NAME==VERSION")]
    Form(String),
    #[error("`{0}`: not an npm package's name; allowed are NAME and @SCOPE/NAME of a-z A-Z 0-9 - _ . ~")]
    NpmName(String),
    #[error("`{0}`: not one exact npm version such as 1.2.3; ranges and tags name whatever is newest")]
    NpmVersion(String),
    #[error("`{0}`: not a Python project's name")]
    PypiName(String),
    #[error("`{0}`: not one exact Python version such as 1.2.3")]
    PypiVersion(String),
}

impl ReleaseName {
    /// A release on npm.
    ///
    /// # Errors
    /// When name or version is no exact one. Nothing else passes: the parts become arguments of `npm`.
    pub fn npm(package: &str, version: &str) -> Result<Self, InvalidReleaseName> {
        let name = package.strip_prefix('@').unwrap_or(package);
        let parts: Vec<_> = name.split('/').collect();
        let expected_parts = if package.starts_with('@') { 2 } else { 1 };
        let is_part = |part: &&str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
        };
        if parts.len() != expected_parts || !parts.iter().all(is_part) || package.len() > MAX_PART_BYTES {
            return Err(InvalidReleaseName::NpmName(short(package)));
        }
        if semver::Version::parse(version).is_err() || version.len() > MAX_PART_BYTES {
            return Err(InvalidReleaseName::NpmVersion(short(version)));
        }
        Ok(Self { ecosystem: Ecosystem::Npm, package: package.to_string(), version: version.to_string() })
    }

    /// A release on a Python index.
    ///
    /// # Errors
    /// As [`Self::npm`].
    pub fn pypi(project: &str, version: &str) -> Result<Self, InvalidReleaseName> {
        let package =
            normalized_project(project).map_err(|_| InvalidReleaseName::PypiName(short(project)))?;
        let is_version = version.starts_with(|first: char| first.is_ascii_alphanumeric())
            && version.len() <= MAX_PART_BYTES
            && python_version(version).is_some();
        if !is_version {
            return Err(InvalidReleaseName::PypiVersion(short(version)));
        }
        Ok(Self { ecosystem: Ecosystem::Pypi, package, version: version.to_string() })
    }

    /// Whether a receipt's predicate is about this release.
    pub fn is_in(&self, predicate: &ReleasePredicate) -> bool {
        self.ecosystem == predicate.registry.ecosystem
            && self.package == predicate.package
            && self.has_version(&predicate.version)
    }

    /// Whether this is that version. Python's are compared as versions: `1.0` is `1.0.0`.
    pub fn has_version(&self, version: &str) -> bool {
        match self.ecosystem {
            Ecosystem::Npm => self.version == version,
            Ecosystem::Pypi => {
                let own = python_version(&self.version);
                own.is_some() && own == python_version(version)
            }
        }
    }
}

fn python_version(text: &str) -> Option<pep440_rs::Version> {
    text.parse().ok()
}

fn short(text: &str) -> String {
    text.escape_default().take(80).collect()
}

impl FromStr for ReleaseName {
    type Err = InvalidReleaseName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidReleaseName::Form(short(text));
        if let Some(release) = text.strip_prefix("npm:") {
            // A scope begins with `@` too: without a version nothing is left before it.
            let parts = release.rsplit_once('@').filter(|(name, _)| !name.is_empty());
            let (name, version) = parts.ok_or_else(invalid)?;
            Self::npm(name, version)
        } else if let Some(release) = text.strip_prefix("pypi:") {
            let (name, version) = release.split_once("==").ok_or_else(invalid)?;
            Self::pypi(name.trim(), version.trim())
        } else {
            Err(invalid())
        }
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ecosystem {
            Ecosystem::Npm => write!(f, "npm:{}@{}", self.package, self.version),
            Ecosystem::Pypi => write!(f, "pypi:{}=={}", self.package, self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_read_releases_of_both_ecosystems() {
        for (text, shown) in [
            ("npm:demo@1.2.3", "npm:demo@1.2.3"),
            ("npm:@five/demo@1.0.0-rc.1", "npm:@five/demo@1.0.0-rc.1"),
            ("pypi:My_Demo==1.0rc1", "pypi:my-demo==1.0rc1"),
        ] {
            assert_eq!(text.parse::<ReleaseName>().expect("a release").to_string(), shown);
        }
    }

    #[test]
    fn should_refuse_whatever_a_client_could_take_for_something_else() {
        let wrong = [
            "demo@1.0.0",
            "npm:demo",
            "npm:demo@latest",
            "npm:demo@^1.0.0",
            "npm:--registry=https://evil.example@1.0.0",
            "npm:../demo@1.0.0",
            "npm:-g@1.0.0",
            "npm:@five/.hidden@1.0.0",
            "npm:@five@1.0.0",
            "npm:git+ssh://git.example/demo@1.0.0",
            "npm:alias@npm:demo@1.0.0",
            "pypi:demo",
            "pypi:demo==1.*",
            "pypi:-r==1.0",
            "pypi:demo==--pre",
            "pypi:demo==1.0 ; evil",
        ];
        for text in wrong {
            assert!(text.parse::<ReleaseName>().is_err(), "{text}");
        }
    }

    #[test]
    fn should_say_how_a_release_is_named_when_its_version_is_missing() {
        for text in ["npm:@five/demo", "npm:demo", "pypi:demo"] {
            let error = text.parse::<ReleaseName>().expect_err("has no version").to_string();
            assert!(error.contains(text) && error.contains("npm:NAME@VERSION"), "{error}");
        }
    }
}
