//! People: `Name <mail> (url)` becomes an object.

use serde_json::{Map, Value};

use super::javascript::{as_text, is_truthy, trim, truthy};
use crate::report::Report;

/// The author, and each of the maintainers and contributors.
pub(super) fn fix_people(data: &mut Map<String, Value>, report: &mut Report) {
    if let Some(author) = truthy(data, "author") {
        let author = person(author);
        data.insert("author".to_owned(), author);
    }
    for field in ["maintainers", "contributors"] {
        if let Some(Value::Array(people)) = data.get_mut(field) {
            if people.contains(&Value::Null) {
                let hint = "npm stops with an error here: remove the entry";
                report.add(format!("package.json: {field}"), "null", "people", hint);
            }
            for entry in people {
                *entry = person(entry);
            }
        }
    }
}

fn person(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        other => {
            let field = |names: [&str; 2]| {
                let mut found = names.iter().filter_map(|name| other.get(name));
                found.find(|value| is_truthy(value)).map(as_text)
            };
            let name = other.get("name").filter(|name| is_truthy(name)).map(as_text).unwrap_or_default();
            let mail = field(["email", "mail"]).map(|mail| format!(" <{mail}>")).unwrap_or_default();
            let url = field(["url", "web"]).map(|url| format!(" ({url})")).unwrap_or_default();
            format!("{name}{mail}{url}")
        }
    };
    let mut parsed = Map::new();
    let name = trim(text.split(['(', '<']).next().unwrap_or_default());
    if !name.is_empty() {
        parsed.insert("name".to_owned(), name.into());
    }
    if let Some(email) = enclosed(&text, '<', '>') {
        parsed.insert("email".to_owned(), email.into());
    }
    if let Some(url) = enclosed(&text, '(', ')') {
        parsed.insert("url".to_owned(), url.into());
    }
    Value::Object(parsed)
}

/// The first non-empty text between a pair of brackets with no bracket inside.
fn enclosed(text: &str, open: char, close: char) -> Option<&str> {
    text.match_indices(open).find_map(|(position, _)| {
        let inner = &text[position + open.len_utf8()..];
        let end = inner.find([open, close])?;
        (end > 0 && inner[end..].starts_with(close)).then(|| &inner[..end])
    })
}
