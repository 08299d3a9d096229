//! File names of wheels and source distributions, which indexes and installers trust.

use std::str::FromStr as _;

use pep440_rs::Version;

use super::CoreMetadata;
use crate::report::Report;

const FIELD: &str = "filename";
/// No file system takes a longer name.
const MAX_FILENAME_BYTES: usize = 255;

/// What a distribution's file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionFilename {
    /// `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl`
    Wheel { name: String, version: String, tags: WheelTags },
    /// `{name}-{version}.tar.gz`
    Sdist { name: String, version: String },
}

/// On what a wheel runs; each tag may be several joined by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelTags {
    pub build: Option<String>,
    pub python: String,
    pub abi: String,
    pub platform: String,
}

/// A project's name in the form under which indexes compare names: lower case, runs of `-`, `_`, `.` as one `-`.
pub fn normalised_project_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut in_separator = false;
    for character in name.chars() {
        let is_separator = matches!(character, '-' | '_' | '.');
        if is_separator && !in_separator {
            normal.push('-');
        } else if !is_separator {
            normal.extend(character.to_lowercase());
        }
        in_separator = is_separator;
    }
    normal
}

/// Whether it is a project name: letters, digits and `.`, `-`, `_` between them.
pub(super) fn is_project_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.bytes().all(is_inner)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric())
}

impl DistributionFilename {
    /// Takes a file name apart, or reports why it is none.
    pub(super) fn parse(filename: &str, report: &mut Report) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+!".contains(&byte);
        if !filename.bytes().all(is_plain) || filename.len() > MAX_FILENAME_BYTES {
            report.add(
                FIELD,
                filename,
                "up to 255 letters, digits and any of -_.+!",
                "keep the name that the build tool gave",
            );
            None
        } else if let Some(stem) = filename.strip_suffix(".whl") {
            Self::parse_wheel(stem, filename, report)
        } else if let Some(stem) = filename.strip_suffix(".tar.gz") {
            Self::parse_sdist(stem, filename, report)
        } else {
            report.add(
                FIELD,
                filename,
                "a wheel (.whl) or a source distribution (.tar.gz)",
                "build with a current tool, for example `python -m build`",
            );
            None
        }
    }

    fn parse_wheel(stem: &str, filename: &str, report: &mut Report) -> Option<Self> {
        let parts: Vec<&str> = stem.split('-').collect();
        let (name, version, build, [python, abi, platform]) = match parts[..] {
            [name, version, python, abi, platform] => (name, version, None, [python, abi, platform]),
            [name, version, build, python, abi, platform]
                if build.starts_with(|first: char| first.is_ascii_digit()) =>
            {
                (name, version, Some(build), [python, abi, platform])
            }
            _ => {
                report.add(
                    FIELD,
                    filename,
                    "{name}-{version}(-{build})-{python}-{abi}-{platform}.whl",
                    "keep the name that the build tool gave",
                );
                return None;
            }
        };
        if [python, abi, platform].iter().any(|tag| tag.split('.').any(str::is_empty)) {
            report.add(FIELD, filename, "tags that are not empty", "keep the name that the build tool gave");
        }
        for tag in platform.split('.').filter(|tag| tag.starts_with("linux_")) {
            report.add(
                FIELD,
                format!("{filename} for {tag}"),
                "a manylinux or musllinux platform",
                "repair the wheel, for example with `auditwheel repair`: indexes refuse bare linux wheels",
            );
        }
        let tags = WheelTags {
            build: build.map(str::to_owned),
            python: python.to_owned(),
            abi: abi.to_owned(),
            platform: platform.to_owned(),
        };
        let (name, version) = checked(name, version, filename, report)?;
        Some(Self::Wheel { name, version, tags })
    }

    fn parse_sdist(stem: &str, filename: &str, report: &mut Report) -> Option<Self> {
        let Some((name, version)) = stem.rsplit_once('-') else {
            report.add(FIELD, filename, "{name}-{version}.tar.gz", "keep the name that the build tool gave");
            return None;
        };
        let (name, version) = checked(name, version, filename, report)?;
        Some(Self::Sdist { name, version })
    }

    /// The project as the file name has it: normal form with `_` for `-`.
    pub fn name(&self) -> &str {
        match self {
            Self::Wheel { name, .. } | Self::Sdist { name, .. } => name,
        }
    }

    /// The version in normal form.
    pub fn version(&self) -> &str {
        match self {
            Self::Wheel { version, .. } | Self::Sdist { version, .. } => version,
        }
    }

    /// The metadata inside must name the same project and version.
    pub(super) fn check_agrees(&self, metadata: &CoreMetadata, report: &mut Report) {
        let name = metadata.first("Name").unwrap_or_default();
        if file_name_form(name) != self.name() {
            report.add(
                "Name",
                name,
                format!("the file name's {}", self.name()),
                "build the file again; its name is made from its metadata",
            );
        }
        let version = metadata.first("Version").unwrap_or_default();
        if Version::from_str(version).is_ok_and(|version| version.to_string() != self.version()) {
            report.add(
                "Version",
                version,
                format!("the file name's {}", self.version()),
                "build the file again; its name is made from its metadata",
            );
        }
    }
}

fn file_name_form(name: &str) -> String {
    normalised_project_name(name).replace('-', "_")
}

/// Name and version, which file names carry in normal form only.
fn checked(name: &str, version: &str, filename: &str, report: &mut Report) -> Option<(String, String)> {
    if !is_project_name(name) || file_name_form(name) != name {
        report.add(
            FIELD,
            filename,
            format!("a name that starts with {}-", file_name_form(name)),
            "build with a current tool; older ones did not normalise the name",
        );
        return None;
    }
    let normal = Version::from_str(version).ok().map(|version| version.to_string());
    if normal.as_deref() != Some(version) {
        report.add(
            FIELD,
            filename,
            match normal {
                Some(normal) => format!("the version's normal form {normal}"),
                None => "a version after PEP 440".to_owned(),
            },
            "build with a current tool; older ones did not normalise the version",
        );
        return None;
    }
    Some((name.to_owned(), version.to_owned()))
}
