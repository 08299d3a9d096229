//! Steps on single fields: name, version, ids, scripts, repository, dependencies.

use serde_json::{Map, Value};

use super::{
    hosted_git::HostedRepository,
    javascript::{is_space, object_keys, trim, truthy},
};
use crate::{npm::name, report::Report};

pub(super) fn trim_name(data: &mut Map<String, Value>) {
    if let Some(Value::String(name)) = data.get_mut("name") {
        *name = trim(name).to_owned();
    }
}

/// Drops build metadata. A version that is none stays as it is and is refused afterwards.
pub(super) fn clean_version(data: &mut Map<String, Value>) {
    if let Some(Value::String(version)) = data.get_mut("version")
        && let Some(clean) = name::clean_version(version)
    {
        *version = clean;
    }
}

/// Keys with an underscore are the registry's own.
pub(super) fn remove_underscore_keys(data: &mut Map<String, Value>) {
    data.retain(|key, _| !key.starts_with('_'));
}

pub(super) fn set_id(data: &mut Map<String, Value>) {
    if let (Some(Value::String(name)), Some(Value::String(version))) = (data.get("name"), data.get("version"))
    {
        let id = format!("{name}@{version}");
        data.insert("_id".to_owned(), id.into());
    }
}

pub(super) fn rename_bundled_dependencies(data: &mut Map<String, Value>) {
    if let Some(bundled) = data.shift_remove("bundledDependencies")
        && !data.contains_key("bundleDependencies")
    {
        data.insert("bundleDependencies".to_owned(), bundled);
    }
}

/// `true` means all dependencies, an object means its keys, and what is no list then goes.
pub(super) fn normalise_bundle_dependencies(data: &mut Map<String, Value>) {
    let list: Value = match data.get("bundleDependencies") {
        None | Some(Value::Array(_)) => return,
        Some(Value::Bool(true)) => data.get("dependencies").map(object_keys).unwrap_or_default().into(),
        Some(object @ Value::Object(_)) => object_keys(object).into(),
        Some(_) => {
            data.shift_remove("bundleDependencies");
            return;
        }
    };
    data.insert("bundleDependencies".to_owned(), list);
}

/// Only texts, without a path to `node_modules/.bin` in front.
pub(super) fn normalise_scripts(data: &mut Map<String, Value>, report: &mut Report) {
    match data.get_mut("scripts") {
        None | Some(Value::Null) => {}
        Some(Value::Object(scripts)) => {
            scripts.retain(|_, command| command.is_string());
            for command in scripts.values_mut() {
                if let Value::String(command) = command {
                    *command = without_bin_directory(command).to_owned();
                }
            }
        }
        Some(Value::Array(_)) => report.add(
            "package.json: scripts",
            "a list",
            "an object of commands by name",
            "npm would publish something else than is written there: correct the field",
        ),
        Some(_) => {
            data.shift_remove("scripts");
        }
    }
}

fn without_bin_directory(command: &str) -> &str {
    let is_slash = |character| matches!(character, '/' | '\\');
    let start = command.strip_prefix('.').and_then(|rest| rest.strip_prefix(is_slash)).unwrap_or(command);
    let rest = start
        .strip_prefix("node_modules")
        .and_then(|rest| rest.strip_prefix(is_slash))
        // npm's pattern leaves the dot unescaped, so any character stands for it.
        .and_then(|rest| rest.strip_prefix(|any| any != '\n' && any != '\r'))
        .and_then(|rest| rest.strip_prefix("bin"))
        .and_then(|rest| rest.strip_prefix(is_slash));
    rest.unwrap_or(command)
}

/// An object with a full address instead of a shortcut such as `owner/name`.
pub(super) fn normalise_repository(data: &mut Map<String, Value>) {
    if let Some(repositories) = truthy(data, "repositories") {
        match repositories.get(0).cloned() {
            Some(first) => data.insert("repository".to_owned(), first),
            None => data.shift_remove("repository"),
        };
    }
    if let Some(Value::String(url)) = truthy(data, "repository") {
        let repository =
            Map::from_iter([("type".to_owned(), "git".into()), ("url".to_owned(), url.clone().into())]);
        data.insert("repository".to_owned(), Value::Object(repository));
    }
    if let Some(Value::String(url)) =
        data.get_mut("repository").and_then(|repository| repository.get_mut("url"))
        && let Some(hosted) = HostedRepository::parse(url)
    {
        *url = hosted.repository_url();
    }
}

/// Dependencies are objects of texts; addresses of well-known hosts are written one way.
pub(super) fn normalise_dependencies(data: &mut Map<String, Value>) {
    for kind in ["dependencies", "devDependencies", "optionalDependencies"] {
        let list = match truthy(data, kind) {
            Some(Value::String(text)) => split_list(text),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => continue,
        };
        data.insert(kind.to_owned(), Value::Object(list.iter().map(|item| split_dependency(item)).collect()));
    }
    for kind in ["dependencies", "devDependencies"] {
        match data.get_mut(kind) {
            None => {}
            Some(Value::Object(dependencies)) => {
                dependencies.retain(|_, requirement| requirement.is_string());
                for requirement in dependencies.values_mut() {
                    if let Value::String(text) = requirement
                        && let Some(hosted) = HostedRepository::parse(text)
                    {
                        *text = hosted.dependency();
                    }
                }
            }
            // Lists were turned into objects above, so this is a scalar.
            Some(_) => {
                data.shift_remove(kind);
            }
        }
    }
}

/// Items between runs of spaces and commas.
fn split_list(text: &str) -> Vec<String> {
    let is_separator = |character: char| character == ',' || is_space(character);
    let mut items = vec![String::new()];
    let mut in_separator = false;
    for character in trim(text).chars() {
        if is_separator(character) {
            if !in_separator {
                items.push(String::new());
            }
            in_separator = true;
        } else {
            in_separator = false;
            items.last_mut().expect("starts with one item").push(character);
        }
    }
    items
}

/// `name@range`, `name>=range` and the like.
fn split_dependency(item: &str) -> (String, Value) {
    let item = trim(item);
    let is_operator = |character: char| matches!(character, '@' | '>' | '<' | '=') || is_space(character);
    let operator = item.find(is_operator).unwrap_or(item.len());
    let split = match item[..operator].strip_suffix(':') {
        Some(name) if operator < item.len() => name.len(),
        _ => operator,
    };
    let (name, rest) = item.split_at(split);
    (name.to_owned(), trim(rest.strip_prefix('@').unwrap_or(rest)).into())
}
