//! What voters read about an artifact, taken from its bytes.

use release_types::proposal::ArtifactReview;
use serde_json::Value;

use crate::{NpmPackage, Package, PythonPackage, upload_form};

/// The facts that voters are shown.
pub fn review(package: &Package) -> ArtifactReview {
    let (publication_json, scripts, runs_code_on_install, dependencies, commands) = match package {
        Package::Npm(npm) => (
            Value::Object(npm.manifest.clone()).to_string(),
            npm.scripts.clone(),
            npm.runs_code_on_install,
            npm_dependencies(npm),
            npm.bin.clone(),
        ),
        Package::Python(python) => (
            form_json(python),
            Vec::new(),
            python.runs_code_on_install,
            python.metadata.all("Requires-Dist").iter().map(|text| split_requirement(text)).collect(),
            python_commands(python),
        ),
    };
    ArtifactReview {
        filename: package.filename(),
        sha256: package.sha256(),
        size_bytes: package.size_bytes(),
        publication_json,
        scripts,
        runs_code_on_install,
        dependencies,
        commands,
        files: package.files().to_vec(),
    }
}

fn npm_dependencies(npm: &NpmPackage) -> Vec<(String, String)> {
    let labelled = npm.dependencies.iter().map(|dependency| {
        let requirement = match dependency.kind {
            "dependencies" => dependency.requirement.clone(),
            "optionalDependencies" => format!("{} (optional)", dependency.requirement),
            "peerDependencies" => format!("{} (peer)", dependency.requirement),
            _ => "bundled".to_owned(),
        };
        (dependency.name.clone(), requirement)
    });
    labelled.collect()
}

fn form_json(python: &PythonPackage) -> String {
    let fields = upload_form(python).into_iter();
    let fields: Value = fields.map(|(name, value)| Value::from(vec![name, value])).collect();
    fields.to_string()
}

fn python_commands(python: &PythonPackage) -> Vec<(String, String)> {
    let commands = python.entry_points.iter().filter(|entry_point| entry_point.is_command());
    commands.map(|command| (command.name.clone(), command.object.clone())).collect()
}

/// A requirement's project and the rest of it.
fn split_requirement(text: &str) -> (String, String) {
    let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let end = text.find(|character| !is_name(character)).unwrap_or(text.len());
    (text[..end].to_owned(), text[end..].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ecosystem, Limits, samples};

    #[test]
    fn should_show_what_an_npm_package_runs_and_needs() {
        let manifest = r#"{"name":"demo","version":"1.0.0","bin":"./cli.js",
            "scripts":{"postinstall":"node evil.js"},
            "dependencies":{"a":"^1"},"optionalDependencies":{"b":"2"},"peerDependencies":{"c":"3"}}"#;
        let tarball = samples::npm_tarball(manifest, &[("cli.js", b"x")]);
        let package = Package::open(Ecosystem::Npm, "", &tarball, &Limits::default()).expect("opens");
        let review = review(&package);
        assert!(review.runs_code_on_install);
        assert_eq!(review.scripts, [("postinstall".into(), "node evil.js".into())]);
        let requirements: Vec<_> = review.dependencies.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(requirements, ["^1", "2 (optional)", "3 (peer)"]);
        assert_eq!(review.commands, [("demo".into(), "cli.js".into())]);
        assert_eq!(review.files.len(), 2);
        assert!(review.publication_json.contains(r#""_id":"demo@1.0.0""#));
    }

    #[test]
    fn should_tell_a_requirement_from_its_project() {
        assert_eq!(
            split_requirement("a.b_c[x]>=1; extra == 'y'"),
            ("a.b_c".into(), "[x]>=1; extra == 'y'".into())
        );
        assert_eq!(split_requirement("plain"), ("plain".into(), String::new()));
    }
}
