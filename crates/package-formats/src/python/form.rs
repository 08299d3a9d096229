//! The fields of the upload form, derived from the distribution's own metadata.
//!
//! An index shows what the form says, not what the file holds, so the form is computed from the voted bytes.

use super::{DistributionFilename, PythonPackage, metadata_rules::project_url};

/// The form's fields in a fixed order, without `:action`, `protocol_version` and the content itself. Fields that
/// may be given several times are repeated.
pub fn upload_form(package: &PythonPackage) -> Vec<(String, String)> {
    let (file_type, python_version) = match &package.distribution {
        DistributionFilename::Wheel { tags, .. } => ("bdist_wheel", tags.python.as_str()),
        DistributionFilename::Sdist { .. } => ("sdist", "source"),
    };
    let mut form = vec![
        ("filetype".to_owned(), file_type.to_owned()),
        ("pyversion".to_owned(), python_version.to_owned()),
        ("sha256_digest".to_owned(), package.sha256.to_string()),
        ("blake2_256_digest".to_owned(), package.blake2b_256.clone()),
    ];
    for (field, values) in package.metadata.fields() {
        for value in values.iter().filter(|value| !value.is_empty()) {
            form.push((field.form_name.to_owned(), form_value(field.form_name, value)));
        }
    }
    form
}

fn form_value(form_name: &str, value: &str) -> String {
    match form_name {
        "name" => safe_name(value),
        "keywords" => value.split(',').map(str::trim).collect::<Vec<_>>().join(", "),
        "project_urls" => {
            let (label, address) = project_url(value);
            format!("{label}, {address}")
        }
        _ => value.to_owned(),
    }
}

/// The name as upload tools write it: `-` for each run of what is neither letter, digit nor dot.
fn safe_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() || character == '.' {
            safe.push(character);
        } else if !safe.ends_with('-') {
            safe.push('-');
        }
    }
    safe
}
