//! What a package index accepts as metadata. It refuses the whole upload otherwise, after the vote.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};

use super::{
    filename::is_project_name,
    metadata::{CoreMetadata, FIELDS, METADATA_VERSIONS, age},
};
use crate::report::Report;

const MAX_SUMMARY_CHARS: usize = 512;
const MAX_LABEL_CHARS: usize = 32;
const CONTENT_TYPES: [&str; 3] = ["text/plain", "text/x-rst", "text/markdown"];
const CORRECT: &str = "correct it in the project's own configuration and build again";

/// Reports every field that an index would refuse.
pub(super) fn check(metadata: &CoreMetadata, report: &mut Report) {
    check_identity(metadata, report);
    check_ages(metadata, report);
    check_texts(metadata, report);
    check_license(metadata, report);
    check_requirements(metadata, report);
    check_project_urls(metadata, report);
    check_dynamic(metadata, report);
    for classifier in metadata.all("Classifier").iter().filter(|text| text.starts_with("Private ::")) {
        report.add(
            "Classifier",
            classifier,
            "classifiers of public projects",
            "this one exists to keep a project from being published; remove it if that is over",
        );
    }
}

fn check_identity(metadata: &CoreMetadata, report: &mut Report) {
    let metadata_version = metadata.first("Metadata-Version").unwrap_or_default();
    if !METADATA_VERSIONS.contains(&metadata_version) {
        report.add("Metadata-Version", metadata_version, METADATA_VERSIONS.join(", "), CORRECT);
    }
    let name = metadata.first("Name").unwrap_or_default();
    if !is_project_name(name) {
        report.add("Name", name, "letters, digits and . - _ between them", CORRECT);
    }
    let version = metadata.first("Version").unwrap_or_default();
    match Version::from_str(version) {
        Ok(version) if version.is_local() => {
            report.add("Version", version, "a version without a local part (`+…`)", CORRECT);
        }
        Ok(_) => {}
        Err(_) => report.add("Version", version, "a version after PEP 440", CORRECT),
    }
}

fn check_ages(metadata: &CoreMetadata, report: &mut Report) {
    if report.names("Metadata-Version") {
        return;
    }
    for (field, _) in metadata.fields() {
        if age(field.since) > metadata.age() {
            report.add(
                field.header,
                format!(
                    "the field, with Metadata-Version {}",
                    metadata.first("Metadata-Version").unwrap_or_default()
                ),
                format!("from Metadata-Version {} on", field.since),
                "build again with a tool that declares the version it writes",
            );
        }
    }
}

fn check_texts(metadata: &CoreMetadata, report: &mut Report) {
    if let Some(summary) = metadata.first("Summary")
        && (summary.chars().count() > MAX_SUMMARY_CHARS || summary.contains(['\n', '\r']))
    {
        report.add(
            "Summary",
            summary,
            format!("one line of at most {MAX_SUMMARY_CHARS} characters"),
            CORRECT,
        );
    }
    if let Some(content_type) = metadata.first("Description-Content-Type") {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !CONTENT_TYPES.contains(&kind.as_str()) {
            report.add("Description-Content-Type", content_type, CONTENT_TYPES.join(", "), CORRECT);
        }
    }
}

fn check_license(metadata: &CoreMetadata, report: &mut Report) {
    if metadata.first("License").is_some() && metadata.first("License-Expression").is_some() {
        report.add("License", "License and License-Expression", "one of them", CORRECT);
    }
}

/// Each declared licence file must be in the archive, below `directory`.
pub(super) fn check_license_files(
    metadata: &CoreMetadata,
    directory: &str,
    exists: impl Fn(&str) -> bool,
    report: &mut Report,
) {
    for file in metadata.all("License-File") {
        let path = format!("{directory}{file}");
        if !exists(&path) {
            report.add("License-File", file, format!("a file of the archive, at {path}"), CORRECT);
        }
    }
}

fn check_requirements(metadata: &CoreMetadata, report: &mut Report) {
    if let Some(requirement) = metadata.first("Requires-Python")
        && VersionSpecifiers::from_str(requirement).is_err()
    {
        report.add("Requires-Python", requirement, "version specifiers such as >=3.10", CORRECT);
    }
    for field in ["Requires-Dist", "Provides-Dist", "Obsoletes-Dist"] {
        for requirement in metadata.all(field).iter().filter(|text| is_direct_reference(text)) {
            report.add(
                field,
                requirement,
                "projects of the index, with version specifiers",
                "depend on a published version instead of an address",
            );
        }
    }
}

/// `name[extras] @ address`.
fn is_direct_reference(requirement: &str) -> bool {
    let before_marker = requirement.split(';').next().unwrap_or_default();
    before_marker.contains('@')
}

fn check_project_urls(metadata: &CoreMetadata, report: &mut Report) {
    let mut labels = Vec::new();
    for text in metadata.all("Project-URL") {
        let (label, address) = project_url(text);
        let is_web = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme));
        if label.is_empty() || label.chars().count() > MAX_LABEL_CHARS || !is_web {
            let allowed = format!("`label, https://…` with a label of 1 to {MAX_LABEL_CHARS} characters");
            report.add("Project-URL", text, allowed, CORRECT);
        } else if labels.contains(&label) {
            report.add("Project-URL", text, "each label once", CORRECT);
        }
        labels.push(label);
    }
}

/// Label and address of a project URL.
pub(super) fn project_url(text: &str) -> (&str, &str) {
    let (label, address) = text.split_once(',').unwrap_or((text, ""));
    (label.trim(), address.trim())
}

fn check_dynamic(metadata: &CoreMetadata, report: &mut Report) {
    for name in metadata.all("Dynamic") {
        let is_field = FIELDS.iter().any(|field| field.header.eq_ignore_ascii_case(name));
        let is_fixed = ["name", "version", "metadata-version"].contains(&name.to_ascii_lowercase().as_str());
        if !is_field || is_fixed {
            report.add("Dynamic", name, "fields other than Name, Version and Metadata-Version", CORRECT);
        }
    }
}
