//! The npm registry protocol: publish with PUT or stage with POST, read version documents and stages back.

mod answer;
mod deprecated;
mod installing;
mod notice;
mod packument;
mod publish;
mod read;
pub mod signature;
pub mod stage;
mod tags;
mod whoami;

#[cfg(test)]
mod tests;

pub use answer::classify_npm;
pub use deprecated::{DeprecationReading, ShownDeprecation, read_deprecation};
pub use installing::InstallFacts;
pub use notice::notice;
pub use packument::{
    DeprecationError, deprecation_request, full_packument_request, read_versions, versions_request,
};
pub use publish::{NpmPublication, NpmPublishError, largest_tarball_bytes, npm_body_bytes, publish_request};
pub use read::{NpmReading, PublishedNpm, compare, read_version, version_request};
pub use tags::{
    InvalidTag, TagReading, TaggedVersion, move_tag_request, read_tag, read_tagged_versions, tags_request,
};
pub use whoami::{TokenReading, read_whoami, whoami_request};

use thiserror::Error;

/// Longest package name that npm registries take, in bytes, scope included.
const MAX_NAME_BYTES: usize = 214;
/// Longest version, in bytes, as in the semver library that npm uses.
const MAX_VERSION_BYTES: usize = 256;

/// A name or version that cannot stand in a URL.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidNpmId {
    /// Not a package name.
    #[error(
        "package name: found `{found}`; allowed are up to 214 characters of A-Z a-z 0-9 - _ . ! ~ * ' ( ), not starting with a dot, optionally as @scope/name"
    )]
    Name {
        /// Start of what was found.
        found: String,
    },
    /// Not a version.
    #[error("version: found `{found}`; allowed are up to 256 characters of A-Z a-z 0-9 . - +")]
    Version {
        /// Start of what was found.
        found: String,
    },
}

/// The start of an outside text, printable, for an error message.
fn excerpt(text: &str) -> String {
    text.escape_default().take(60).collect()
}

/// The name as it stands in a URL's path: `demo`, `@scope%2fdemo`.
pub fn escaped_name(name: &str) -> Result<String, InvalidNpmId> {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte))
    };
    let escaped = match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .filter(|(scope, name)| is_part(scope) && is_part(name))
            .map(|(scope, name)| format!("@{scope}%2f{name}")),
        None => is_part(name).then(|| name.to_owned()),
    };
    escaped
        .filter(|_| name.len() <= MAX_NAME_BYTES)
        .ok_or_else(|| InvalidNpmId::Name { found: excerpt(name) })
}

pub(crate) fn checked_version(version: &str) -> Result<&str, InvalidNpmId> {
    let is_version_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    let valid = version.starts_with(|first: char| first.is_ascii_digit())
        && version.len() <= MAX_VERSION_BYTES
        && version.bytes().all(is_version_byte);
    valid.then_some(version).ok_or_else(|| InvalidNpmId::Version { found: excerpt(version) })
}

/// Whether a text is a SHA-1 in lower-case hexadecimal; anything else that a registry writes there is dropped.
fn is_sha1(shasum: &str) -> bool {
    shasum.len() == 40 && shasum.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a text that a registry wrote is a version, and no other text that merely looks like one.
fn is_semver(version: &str) -> bool {
    version.len() <= MAX_VERSION_BYTES && semver::Version::parse(version).is_ok()
}
