//! What npm's documents say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Publisher, Seen, SeenVersion};

/// Reads `npm view NAME --json`; recent versions have no details yet.
pub fn read_package(document: &Value, recent: usize) -> Seen {
    let times = document["time"].as_object();
    let mut versions: Vec<SeenVersion> = list(&document["versions"])
        .into_iter()
        .map(|version| {
            let published_at = times.and_then(|times| times.get(&version)).and_then(Value::as_str);
            SeenVersion { version, published_at: published_at.map(str::to_owned), ..SeenVersion::default() }
        })
        .collect();
    // npm lists versions by number; what was published last counts. Times are of one form and sort as text.
    versions.sort_by(|one, other| other.published_at.cmp(&one.published_at));
    let count = versions.len();
    versions.truncate(recent);
    let tags = document["dist-tags"].as_object().into_iter().flatten();
    let tags = tags.filter_map(|(tag, version)| Some((tag.clone(), version.as_str()?.to_string())));
    Seen {
        publishers: document.get("maintainers").map(publishers),
        recent: versions,
        versions: count,
        tags: tags.collect::<BTreeMap<_, _>>(),
        status: None,
    }
}

/// Reads `npm view NAME@VERSION --json` into what is known of that version.
pub fn read_version(document: &Value, seen: &mut SeenVersion) {
    let user = &document["_npmUser"];
    seen.published_by = person(user);
    seen.trusted_publisher = user["trustedPublisher"]["id"].as_str().map(str::to_owned);
    let dist = &document["dist"];
    if dist.is_object() {
        seen.has_provenance = Some(dist["attestations"].is_object());
        seen.is_signed = Some(dist["signatures"].as_array().is_some_and(|signatures| !signatures.is_empty()));
    }
}

/// npm prints a list of one as its only element.
fn list(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}

fn publishers(value: &Value) -> Vec<Publisher> {
    let items: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    };
    items.into_iter().filter_map(person).map(|name| Publisher { name, role: None }).collect()
}

/// A name from `name <mail>` or `{"name": …}`.
fn person(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value["name"].as_str())?;
    Some(text.split(" <").next().unwrap_or(text).to_string())
}
