//! npm tarballs: what is inside, and the version document that `npm publish` would send for it.

mod name;
mod normalise;
#[cfg(test)]
mod tests;
mod tree;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use release_types::{Defect, FileEntry, Sha256Digest, proposal::NpmAccess};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

use crate::{
    archive::{self, Contents, Keep},
    limits::{Limits, MAX_MANIFEST_BYTES, MAX_README_BYTES, MAX_SMALL_TEXT_BYTES},
    report::Report,
};

pub use name::{dist_tag_defects, package_name_defects, prerelease_defects, version_defects};
pub use normalise::is_hosted_repository;
use tree::Tree;

/// Scripts that npm runs when somebody installs the package from a registry.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// An npm package as its tarball has it.
#[derive(Clone, Debug, PartialEq)]
pub struct NpmPackage {
    pub name: String,
    pub version: String,
    /// The version document as `npm publish FILE.tgz` would send it, in npm's key order, without `dist` and without
    /// what describes the publishing machine (`_nodeVersion`, `_npmVersion`, `_from`, `_resolved`, `_integrity`).
    pub manifest: Map<String, Value>,
    /// Scripts after normalisation, so with npm's own additions.
    pub scripts: Vec<(String, String)>,
    /// Whether installing the package runs a script of its own or builds native code.
    pub runs_code_on_install: bool,
    pub dependencies: Vec<NpmDependency>,
    /// Commands it installs: name and file.
    pub bin: Vec<(String, String)>,
    /// The dist-tag that the package's own manifest asks for (`tag`, else `publishConfig.tag`).
    pub requested_dist_tag: Option<String>,
    /// The access that the package's own manifest asks for (`publishConfig.access`).
    pub requested_access: Option<NpmAccess>,
    /// Files in archive order; paths without the archive's top directory.
    pub files: Vec<FileEntry>,
    /// SHA-512 as a subresource integrity string, `sha512-…`.
    pub integrity: String,
    /// SHA-1 in hexadecimal.
    pub shasum: String,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
}

/// One dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpmDependency {
    /// The manifest's field: `dependencies`, `optionalDependencies`, `peerDependencies` or `bundleDependencies`.
    pub kind: &'static str,
    pub name: String,
    /// Version range or address; empty for a bundled one.
    pub requirement: String,
}

impl NpmPackage {
    /// Opens a tarball.
    ///
    /// # Errors
    /// Every defect found: of the archive, of `package.json`, or of what npm would make of it.
    pub fn open(tarball: &[u8], limits: &Limits) -> Result<Self, Vec<Defect>> {
        let mut report = Report::default();
        let contents = archive::read_tar_gz(tarball, limits, &what_to_keep, &mut report);
        let package = match contents {
            Ok(contents) => read_package(tarball, contents, &mut report),
            Err(unreadable) => {
                unreadable.add_to(&mut report);
                None
            }
        };
        match package {
            Some(package) if report.is_empty() => Ok(package),
            _ => Err(report.into_defects()),
        }
    }

    /// The tarball's file name as `npm pack` chooses it: `@dao/demo` 1.0.0 is `dao-demo-1.0.0.tgz`.
    pub fn filename(&self) -> String {
        format!("{}-{}.tgz", self.name.trim_start_matches('@').replace('/', "-"), self.version)
    }
}

/// The path without the archive's top directory, as npm unpacks it.
fn inner_path(path: &str) -> Option<&str> {
    path.split_once('/').map(|(_, inner)| inner)
}

fn what_to_keep(path: &str) -> Keep {
    match inner_path(path) {
        Some("package.json") => Keep::Whole { max_bytes: MAX_MANIFEST_BYTES },
        Some("AUTHORS") => Keep::Whole { max_bytes: MAX_SMALL_TEXT_BYTES },
        Some(inner) if tree::is_readme(inner) => Keep::Start { max_bytes: MAX_README_BYTES },
        _ => Keep::Nothing,
    }
}

fn read_package(tarball: &[u8], contents: Contents, report: &mut Report) -> Option<NpmPackage> {
    let tree = Tree::new(contents, report);
    let content = read_manifest(&tree, report)?;
    check_publishable(&content, report);
    let manifest = normalise::version_document(content, &tree, report);
    let name = name::checked_name(&manifest, report);
    let version = name::checked_version(&manifest, report);
    let scripts = string_pairs(&manifest, "scripts");
    let runs_code_on_install = scripts.iter().any(|(script, _)| INSTALL_SCRIPTS.contains(&script.as_str()));
    Some(NpmPackage {
        name: name?,
        version: version?,
        runs_code_on_install,
        scripts,
        dependencies: dependencies(&manifest),
        bin: string_pairs(&manifest, "bin"),
        requested_dist_tag: requested_dist_tag(&manifest),
        requested_access: requested_access(&manifest),
        manifest,
        files: tree.into_files(),
        integrity: format!("sha512-{}", STANDARD.encode(Sha512::digest(tarball))),
        shasum: hex::encode(Sha1::digest(tarball)),
        sha256: Sha256Digest::of(tarball),
        size_bytes: tarball.len() as u64,
    })
}

fn read_manifest(tree: &Tree, report: &mut Report) -> Option<Map<String, Value>> {
    let Some(bytes) = tree.text("package.json") else {
        report.add(
            "package.json",
            "no such file in the archive's top directory",
            "one package.json",
            "pack with `npm pack`",
        );
        return None;
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(content)) => Some(content),
        Ok(_) => {
            report.add("package.json", "another JSON value", "a JSON object", "see npm's documentation");
            None
        }
        Err(error) => {
            report.add("package.json", error, "JSON, nested at most 127 levels", "correct the file");
            None
        }
    }
}

/// What npm's own client refuses to publish.
fn check_publishable(content: &Map<String, Value>, report: &mut Report) {
    if content.get("private").is_some_and(normalise::is_truthy) {
        report.add(
            "package.json: private",
            "true",
            "absent or false",
            "remove `private` if the package is meant to be published",
        );
    }
    let scoped = content.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with('@'));
    let access = content.get("publishConfig").and_then(|config| config.get("access"));
    if !scoped && access.is_some_and(|access| access == "restricted") {
        report.add(
            "package.json: publishConfig.access",
            "restricted",
            "public, for a package without a scope",
            "give the package a scope or make it public",
        );
    }
}

fn requested_dist_tag(manifest: &Map<String, Value>) -> Option<String> {
    let own = manifest.get("tag").and_then(Value::as_str);
    let configured = || manifest.get("publishConfig")?.get("tag")?.as_str();
    own.or_else(configured).map(str::to_owned)
}

fn requested_access(manifest: &Map<String, Value>) -> Option<NpmAccess> {
    match manifest.get("publishConfig")?.get("access")?.as_str()? {
        "public" => Some(NpmAccess::Public),
        "restricted" => Some(NpmAccess::Restricted),
        _ => None,
    }
}

fn string_pairs(manifest: &Map<String, Value>, field: &str) -> Vec<(String, String)> {
    let entries = manifest.get(field).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn dependencies(manifest: &Map<String, Value>) -> Vec<NpmDependency> {
    let mut found = Vec::new();
    for kind in ["dependencies", "optionalDependencies", "peerDependencies"] {
        let pairs = string_pairs(manifest, kind).into_iter();
        found.extend(pairs.map(|(name, requirement)| NpmDependency { kind, name, requirement }));
    }
    let bundled = manifest.get("bundleDependencies").and_then(Value::as_array).into_iter().flatten();
    found.extend(bundled.filter_map(Value::as_str).map(|name| NpmDependency {
        kind: "bundleDependencies",
        name: name.to_owned(),
        requirement: String::new(),
    }));
    found
}
