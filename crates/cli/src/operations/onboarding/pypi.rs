//! What a Python index's documents say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Publisher, Seen, SeenVersion};

/// Reads a project's page of the simple API and, where there is one, a version document with
/// the project's roles.
pub fn read_project(page: &Value, version_document: Option<&Value>, recent: usize) -> Seen {
    let mut by_version: BTreeMap<String, SeenVersion> = BTreeMap::new();
    for file in page["files"].as_array().into_iter().flatten() {
        let Some(version) = file["filename"].as_str().and_then(version_of) else { continue };
        let seen = by_version
            .entry(version.clone())
            .or_insert_with(|| SeenVersion { version, ..SeenVersion::default() });
        // A version is as old as its first file.
        let uploaded = file["upload-time"].as_str().map(str::to_owned);
        seen.published_at = [seen.published_at.take(), uploaded].into_iter().flatten().min();
        // An index that knows nothing of provenance has no such field; PyPI has it, as null or an address.
        if let Some(provenance) = file.get("provenance") {
            let is_there = !provenance.is_null();
            seen.has_provenance = Some(seen.has_provenance.unwrap_or(false) || is_there);
        }
    }
    let versions = page["versions"].as_array().map_or(by_version.len(), Vec::len);
    let mut seen: Vec<_> = by_version.into_values().collect();
    seen.sort_by(|one, other| other.published_at.cmp(&one.published_at));
    seen.truncate(recent);
    Seen {
        publishers: version_document.and_then(|document| publishers(&document["ownership"])),
        recent: seen,
        versions,
        tags: BTreeMap::new(),
        status: page["project-status"]["status"].as_str().map(str::to_owned),
    }
}

fn publishers(ownership: &Value) -> Option<Vec<Publisher>> {
    let roles = ownership["roles"].as_array()?;
    let person = |role: &Value| {
        let name = role["user"].as_str()?.to_string();
        Some(Publisher { name, role: role["role"].as_str().map(str::to_owned) })
    };
    let organization = ownership["organization"].as_str();
    let organization =
        organization.map(|name| Publisher { name: name.to_string(), role: Some("organisation".to_string()) });
    Some(roles.iter().filter_map(person).chain(organization).collect())
}

/// The version in a distribution's filename.
fn version_of(filename: &str) -> Option<String> {
    let version = match filename.strip_suffix(".whl") {
        Some(stem) => stem.split('-').nth(1)?,
        None => filename.strip_suffix(".tar.gz")?.rsplit_once('-')?.1,
    };
    Some(version.to_string())
}
