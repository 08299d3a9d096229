//! What a voter reads of a release's artifacts.

use std::fmt::Write as _;

use release_types::proposal::ArtifactReview;
use serde_json::Value;

use crate::{
    operations::review::{ReviewedArtifact, ReviewedRelease},
    output::{BAD, FAINT, GOOD, HEADING, WARNING, printable, styled},
};

/// Scripts that run on the machine of whoever installs the package.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];
/// Fields of what is published that have a line of their own or would fill the screen.
const UNLISTED_FIELDS: [&str; 11] = [
    "readme",
    "scripts",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "requires_dist",
    "bin",
    "_id",
    "readmeFilename",
    "sha256_digest",
    "blake2_256_digest",
];

/// Longest value shown in full.
const MAX_VALUE_CHARS: usize = 200;

/// What a release contains and changes; of each artifact's files only the first `files_shown`.
pub fn review(reviewed: &ReviewedRelease, files_shown: usize) -> String {
    let mut text = String::new();
    if let Some(why) = &reviewed.unseen {
        let _ = writeln!(
            text,
            "\n{} {}; what follows is the canister's word, not computed here",
            styled(WARNING, "note:"),
            printable(why)
        );
    }
    for artifact in &reviewed.artifacts {
        text.push_str(&describe_artifact(artifact, files_shown));
        if let Some(lines) = &artifact.changes {
            let (proposal, version) =
                reviewed.previous.as_ref().map_or((0, ""), |(id, version)| (id.0, version));
            let _ = writeln!(
                text,
                "{}",
                styled(HEADING, format!("changes since {} (proposal {proposal})", printable(version)))
            );
            for line in lines {
                let _ = writeln!(text, "  {}", change(line));
            }
        } else {
            let _ = writeln!(
                text,
                "changes     nothing to compare with: no earlier version of it was approved here"
            );
        }
    }
    text
}

fn change(line: &str) -> String {
    let style = match line.as_bytes().first() {
        Some(b'!') => WARNING,
        Some(b'+') => GOOD,
        Some(b'-') => BAD,
        _ => HEADING,
    };
    styled(style, printable(line))
}

fn describe_artifact(artifact: &ReviewedArtifact, files_shown: usize) -> String {
    let review = &artifact.review;
    let mut text = format!("\n{}\n", styled(HEADING, printable(&review.filename)));
    let _ = writeln!(text, "sha256      {} ({} bytes)", review.sha256, review.size_bytes);
    if !artifact.disagreements.is_empty() {
        let _ = writeln!(
            text,
            "{} the canister's review differs from these bytes in: {}",
            styled(BAD, "vote no:"),
            artifact.disagreements.join(", ")
        );
    } else if artifact.computed_here {
        let _ = writeln!(
            text,
            "checked     {}",
            styled(GOOD, "hashed and opened here; the canister says the same")
        );
    }
    if review.runs_code_on_install {
        let _ = writeln!(text, "install     {}", styled(WARNING, "installing it runs code of its own"));
    }
    for (name, command) in &review.scripts {
        let shown = if INSTALL_SCRIPTS.contains(&name.as_str()) {
            styled(WARNING, format!("{}: {}", printable(name), printable(command)))
        } else {
            format!("{}: {}", printable(name), printable(command))
        };
        let _ = writeln!(text, "script      {shown}");
    }
    for (name, requirement) in &review.dependencies {
        let _ = writeln!(text, "depends on  {} {}", printable(name), printable(requirement));
    }
    for (name, file) in &review.commands {
        let _ = writeln!(text, "command     {} ({})", printable(name), printable(file));
    }
    text.push_str(&publication(review));
    text.push_str(&files(review, files_shown));
    text
}

/// What the registry is told, without what is shown elsewhere.
fn publication(review: &ArtifactReview) -> String {
    let published: Value = serde_json::from_str(&review.publication_json).unwrap_or_default();
    let fields: Vec<(String, String)> = match &published {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), brief(value))).collect(),
        Value::Array(pairs) => {
            let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_string(), brief(pair.get(1)?)));
            pairs.iter().filter_map(pair).collect()
        }
        _ => Vec::new(),
    };
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(name, _)| !UNLISTED_FIELDS.contains(&name.as_str())) {
        let _ = writeln!(text, "publishes   {} = {}", printable(name), printable(value));
    }
    text
}

/// A value on one line, cut off where it would fill the screen.
fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

fn files(review: &ArtifactReview, shown: usize) -> String {
    let mut text = String::new();
    for file in review.files.iter().take(shown) {
        let executable = if file.executable { styled(WARNING, " executable") } else { String::new() };
        let digest = styled(FAINT, &file.sha256.to_string()[..12]);
        let _ = writeln!(
            text,
            "file        {digest} {:>9} {}{executable}",
            file.size_bytes,
            printable(&file.path)
        );
    }
    if review.files.len() > shown {
        let _ = writeln!(text, "            … {} files in all; list them with --files", review.files.len());
    }
    text
}

#[cfg(test)]
mod tests;
