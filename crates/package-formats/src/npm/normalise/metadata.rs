//! Steps on descriptive fields: description, files, bugs, keywords, homepage, README.

use serde_json::{Map, Value};
use url::Url;

use super::{
    from_files::NO_README,
    hosted_git::HostedRepository,
    javascript::{is_space, trim, truthy},
};
use crate::report::Report;

/// The host of the repository's address, if it is a well-known one.
fn hosted_repository(data: &Map<String, Value>) -> Option<HostedRepository> {
    HostedRepository::parse(data.get("repository")?.get("url")?.as_str()?)
}

/// Without a description, the README's first paragraph is one.
pub(super) fn fix_description(data: &mut Map<String, Value>, report: &mut Report) {
    if truthy(data, "description").is_some_and(|description| !description.is_string()) {
        data.shift_remove("description");
    }
    let has_description = truthy(data, "description").is_some();
    match truthy(data, "readme") {
        Some(Value::String(readme)) if !has_description && readme != NO_README => {
            let description = first_paragraph(readme);
            data.insert("description".to_owned(), description.into());
        }
        Some(other) if !has_description && !other.is_string() => {
            let hint = "npm stops with an error here: leave the field out";
            report.add("package.json: readme", other, "a text", hint);
        }
        _ => {}
    }
}

/// The first block of text that is no heading, on one line.
fn first_paragraph(readme: &str) -> String {
    let lines = trim(readme).split('\n');
    let body = lines.skip_while(|line| trim(line).is_empty() || trim(line).starts_with('#'));
    let paragraph: Vec<_> = body.take_while(|line| !trim(line).is_empty()).collect();
    trim(&paragraph.join(" ")).to_owned()
}

pub(super) fn remove_modules(data: &mut Map<String, Value>) {
    if truthy(data, "modules").is_some() {
        data.shift_remove("modules");
    }
}

pub(super) fn fix_files(data: &mut Map<String, Value>) {
    keep_texts_of_list(data, "files");
}

/// `bugs` is an object of a well-formed address and an e-mail address; the repository's host supplies one.
pub(super) fn fix_bugs(data: &mut Map<String, Value>) {
    let Some(bugs) = truthy(data, "bugs") else {
        if let Some(url) = hosted_repository(data).and_then(|hosted| hosted.bugs()) {
            data.insert("bugs".to_owned(), Value::Object(Map::from_iter([("url".to_owned(), url.into())])));
        }
        return;
    };
    let mut fixed = Map::new();
    match bugs {
        Value::String(text) if is_email(text) => {
            fixed.insert("email".to_owned(), text.clone().into());
        }
        Value::String(text) if Url::parse(text).is_ok() => {
            fixed.insert("url".to_owned(), text.clone().into());
        }
        Value::Object(old) => {
            let renamed = old.iter().rfind(|(key, _)| matches!(key.as_str(), "web" | "name"));
            let url = renamed.map(|(_, value)| value).or_else(|| old.get("url"));
            if let Some(Value::String(url)) =
                url.filter(|url| url.as_str().is_some_and(|u| Url::parse(u).is_ok()))
            {
                fixed.insert("url".to_owned(), url.clone().into());
            }
            if let Some(Value::String(email)) = old.get("email").filter(|e| e.as_str().is_some_and(is_email))
            {
                fixed.insert("email".to_owned(), email.clone().into());
            }
        }
        _ => {}
    }
    if fixed.is_empty() {
        data.shift_remove("bugs");
    } else {
        data.insert("bugs".to_owned(), Value::Object(fixed));
    }
}

fn is_email(text: &str) -> bool {
    matches!((text.find('@'), text.rfind('.')), (Some(at), Some(dot)) if at < dot)
}

/// A list of texts; a text is split where a comma is followed by space.
pub(super) fn fix_keywords(data: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = data.get("keywords") {
        let words: Value = split_keywords(text).into();
        data.insert("keywords".to_owned(), words);
    }
    keep_texts_of_list(data, "keywords");
}

fn split_keywords(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == ',' && characters.peek().copied().is_some_and(is_space) {
            while characters.next_if(|next| is_space(*next)).is_some() {}
            words.push(std::mem::take(&mut word));
        } else {
            word.push(character);
        }
    }
    words.push(word);
    words
}

/// Removes a field that is no list, and what is no text from one that is.
fn keep_texts_of_list(data: &mut Map<String, Value>, field: &str) {
    match truthy(data, field) {
        None => {}
        Some(Value::Array(items)) => {
            let texts = items.iter().filter(|item| item.as_str().is_some_and(|text| !text.is_empty()));
            let texts: Value = texts.cloned().collect();
            data.insert(field.to_owned(), texts);
        }
        Some(_) => {
            data.shift_remove(field);
        }
    }
}

/// What is bundled is also a dependency.
pub(super) fn fix_bundle_dependencies(data: &mut Map<String, Value>) {
    keep_texts_of_list(data, "bundleDependencies");
    let bundled: Vec<String> = match data.get("bundleDependencies") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return,
    };
    for name in bundled {
        let dependencies = data.entry("dependencies").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(dependencies) = dependencies {
            dependencies.entry(name).or_insert_with(|| "*".into());
        }
    }
}

/// The repository's host supplies a homepage; one without a scheme gets `http://`.
pub(super) fn fix_homepage(data: &mut Map<String, Value>) {
    if truthy(data, "homepage").is_none()
        && let Some(hosted) = hosted_repository(data)
    {
        data.insert("homepage".to_owned(), hosted.docs().into());
    }
    match truthy(data, "homepage") {
        None => {}
        Some(Value::String(homepage)) if Url::parse(homepage).is_ok() => {}
        Some(Value::String(homepage)) => {
            let with_scheme = format!("http://{homepage}");
            data.insert("homepage".to_owned(), with_scheme.into());
        }
        Some(_) => {
            data.shift_remove("homepage");
        }
    }
}

pub(super) fn fix_readme(data: &mut Map<String, Value>) {
    if truthy(data, "readme").is_none() {
        data.insert("readme".to_owned(), NO_README.into());
    }
}
