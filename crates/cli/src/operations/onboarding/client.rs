//! Asking a registry through the user's own npm and pip.

use std::process::Command;

use registry_protocols::pypi::normalized_project;
use release_types::{Ecosystem, Registry};
use serde_json::Value;

use super::{Seen, npm, pypi};
use crate::{
    failure::{Failure, Outcome},
    operations::user_client::{end_of, failed, python, run},
};

const PIP_PROJECT: &str = include_str!("pip_project.py");

/// A package, and where to look for it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub ecosystem: Ecosystem,
    pub package: &'a str,
    /// The voted registry; without one, the client's own configuration counts.
    pub registry: Option<&'a Registry>,
    /// How many versions are looked at closely.
    pub recent: usize,
}

/// What the registry shows of a package; nothing if it does not know the name.
///
/// # Errors
/// When the client is not installed or gets no answer.
pub fn look(wanted: Wanted<'_>) -> Outcome<Option<Seen>> {
    match wanted.ecosystem {
        Ecosystem::Npm => look_with_npm(wanted),
        Ecosystem::Pypi => look_with_pip(wanted),
    }
}

fn look_with_npm(wanted: Wanted<'_>) -> Outcome<Option<Seen>> {
    let Some(document) = npm_view(wanted, wanted.package)? else { return Ok(None) };
    let mut seen = npm::read_package(&document, wanted.recent);
    for version in &mut seen.recent {
        let one = format!("{}@{}", wanted.package, version.version);
        if let Some(document) = npm_view(wanted, &one)? {
            npm::read_version(&document, version);
        }
    }
    Ok(Some(seen))
}

/// `npm view WHAT --json`; nothing if there is no such thing.
fn npm_view(wanted: Wanted<'_>, what: &str) -> Outcome<Option<Value>> {
    let mut command = Command::new("npm");
    command.args(npm_arguments(wanted, what));
    let doing = format!("show {what}");
    let output = end_of(&mut command, &doing)?;
    if !output.status.success() {
        let is_unknown = String::from_utf8_lossy(&output.stderr).contains("E404");
        return if is_unknown { Ok(None) } else { Err(failed(&command, &output, &doing)) };
    }
    let document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::usage(format!("npm did not show {what} as JSON: {error}")))?;
    Ok(Some(match document {
        Value::Array(mut matches) if !matches.is_empty() => matches.swap_remove(0),
        document => document,
    }))
}

/// Of a voted registry, also the scope's own registry is set: npm would prefer the user's for it.
fn npm_arguments(wanted: Wanted<'_>, what: &str) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["view", "--json", "--loglevel=error", "--prefer-online"].map(str::to_owned).into();
    if let Some(registry) = wanted.registry {
        arguments.push(format!("--registry={}", registry.read_url));
        if let Some((scope, _)) = wanted.package.split_once('/') {
            arguments.push(format!("--{scope}:registry={}", registry.read_url));
        }
    }
    arguments.extend(["--".to_string(), what.to_string()]);
    arguments
}

fn look_with_pip(wanted: Wanted<'_>) -> Outcome<Option<Seen>> {
    let project = normalized_project(wanted.package).map_err(|error| Failure::usage(error.to_string()))?;
    let version_url = wanted.registry.and_then(|registry| registry.version_url.as_deref());
    let mut command = python(PIP_PROJECT);
    command.args([&project, version_url.unwrap_or_default()]);
    if let Some(registry) = wanted.registry {
        command.env("PIP_INDEX_URL", &registry.read_url);
    }
    let output = run(&mut command, &format!("show {project}"))?;
    let shown: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::usage(format!("pip did not show {project} as JSON: {error}")))?;
    let page = &shown["page"];
    let version_document = shown.get("version_document").filter(|document| document.is_object());
    Ok(page.is_object().then(|| pypi::read_project(page, version_document, wanted.recent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_ask_the_voted_registry_whatever_the_users_npm_is_set_up_for() {
        let url = "https://npm.registry.example/";
        let voted = Registry::new(Ecosystem::Npm, url, url);
        let asked = |package, registry| {
            let wanted = Wanted { ecosystem: Ecosystem::Npm, package, registry, recent: 1 };
            npm_arguments(wanted, package).join(" ")
        };
        assert_eq!(
            asked("@five/demo", Some(&voted)),
            format!(
                "view --json --loglevel=error --prefer-online --registry={url} --@five:registry={url} -- @five/demo"
            )
        );
        assert_eq!(asked("@five/demo", None), "view --json --loglevel=error --prefer-online -- @five/demo");
    }
}
