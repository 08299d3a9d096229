//! Steps that look at the package's files: native builds, scripts, authors, README, manual pages, commands, types.

use serde_json::{Map, Value};

use super::{
    javascript::{as_javascript_orders, is_truthy, trim, truthy},
    posix_path::{basename, confined, dirname, join, normalise, stem},
};
use crate::{npm::tree::Tree, report::Report};

pub(super) const NO_README: &str = "ERROR: No README data found!";

/// A `*.gyp` file means a native build on installation, unless the package says otherwise.
pub(super) fn add_gyp_install_script(data: &mut Map<String, Value>, tree: &Tree) {
    let opted_out = data.get("gypfile") == Some(&Value::Bool(false));
    if !has_script(data, "install") && !has_script(data, "preinstall") && !opted_out && tree.has_gyp_file() {
        set_script(data, "install", "node-gyp rebuild");
        data.insert("gypfile".to_owned(), Value::Bool(true));
    }
}

/// A `server.js` is what `npm start` runs.
pub(super) fn add_server_start_script(data: &mut Map<String, Value>, tree: &Tree) {
    if !has_script(data, "start") && tree.exists("server.js") {
        set_script(data, "start", "node server.js");
    }
}

fn has_script(data: &Map<String, Value>, name: &str) -> bool {
    data.get("scripts").and_then(|scripts| scripts.get(name)).is_some_and(is_truthy)
}

fn set_script(data: &mut Map<String, Value>, name: &str, command: &str) {
    if truthy(data, "scripts").is_none() {
        data.insert("scripts".to_owned(), Value::Object(Map::new()));
    }
    if let Some(Value::Object(scripts)) = data.get_mut("scripts") {
        scripts.insert(name.to_owned(), command.into());
    }
}

/// The lines of an `AUTHORS` file are contributors.
pub(super) fn add_contributors_from_authors(data: &mut Map<String, Value>, tree: &Tree) {
    if truthy(data, "contributors").is_some() {
        return;
    }
    if let Some(bytes) = tree.text("AUTHORS") {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.split('\n').map(trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        data.insert("contributors".to_owned(), lines.collect());
    }
}

/// The README's text travels in the document.
pub(super) fn add_readme(data: &mut Map<String, Value>, tree: &Tree) {
    if truthy(data, "readme").is_some() {
        return;
    }
    if let Some((filename, text)) = tree.readme() {
        data.insert("readme".to_owned(), text.into());
        data.insert("readmeFilename".to_owned(), filename.into());
    }
    if truthy(data, "readme").is_none() {
        data.insert("readme".to_owned(), NO_README.into());
    }
}

/// `directories.man` stands for the manual pages below it; listed ones are confined to the package.
pub(super) fn expand_man_directory(data: &mut Map<String, Value>, tree: &Tree, report: &mut Report) {
    if truthy(data, "man").is_none()
        && let Some(directory) = directory(data, "man", report)
    {
        let directory = confined(&directory);
        let pages = tree.visible_below(&directory).into_iter().filter(|path| is_manual_page(path));
        let pages: Value = pages.map(|page| join(&directory, page)).collect();
        data.insert("man".to_owned(), pages);
    }
    let pages: Vec<Value> = match truthy(data, "man") {
        Some(Value::Array(pages)) => pages.iter().filter_map(Value::as_str).map(confined_value).collect(),
        Some(Value::String(page)) => vec![confined_value(page)],
        _ => Vec::new(),
    };
    if pages.is_empty() {
        data.shift_remove("man");
    } else {
        data.insert("man".to_owned(), pages.into());
    }
}

fn confined_value(path: &str) -> Value {
    confined(path).into()
}

/// `name.5` and the like.
fn is_manual_page(path: &str) -> bool {
    matches!(basename(path).as_bytes(), [.., b'.', digit] if digit.is_ascii_digit())
}

/// A truthy `directories.KIND`, or nothing after reporting one that npm chokes on.
fn directory(data: &Map<String, Value>, kind: &str, report: &mut Report) -> Option<String> {
    match data.get("directories")?.get(kind).filter(|value| is_truthy(value))? {
        Value::String(directory) => Some(directory.clone()),
        other => {
            let field = format!("package.json: directories.{kind}");
            report.add(field, other, "a path", "npm stops with an error here: correct the field");
            None
        }
    }
}

/// `directories.bin` stands for the files below it; a `bin` is made a map of confined paths.
pub(super) fn expand_bin_directory_or_normalise_bin(
    data: &mut Map<String, Value>,
    tree: &Tree,
    report: &mut Report,
) {
    if truthy(data, "bin").is_none()
        && let Some(directory) = directory(data, "bin", report)
    {
        let directory = confined(&directory);
        let mut bin = Map::new();
        for file in tree.visible_below(&directory) {
            bin.insert(basename(file).to_owned(), format!("{directory}/{}", confined(file)).into());
        }
        data.insert("bin".to_owned(), Value::Object(bin));
    } else {
        normalise_bin(data, report);
    }
}

fn normalise_bin(data: &mut Map<String, Value>, report: &mut Report) {
    let bin = match (truthy(data, "bin"), truthy(data, "name")) {
        (Some(Value::String(path)), Some(Value::String(name))) => {
            Map::from_iter([(name.clone(), Value::from(path.clone()))])
        }
        (Some(Value::Array(paths)), _) => {
            let mut bin = Map::new();
            for path in paths {
                match path {
                    Value::String(path) => {
                        bin.insert(basename(path).to_owned(), path.clone().into());
                    }
                    other => report.add(
                        "package.json: bin",
                        other,
                        "a path",
                        "npm stops with an error here: correct the field",
                    ),
                }
            }
            bin
        }
        (Some(Value::Object(bin)), _) => bin.clone(),
        _ => Map::new(),
    };
    let bin = confined_bin(bin);
    if bin.is_empty() {
        data.shift_remove("bin");
    } else {
        data.insert("bin".to_owned(), Value::Object(as_javascript_orders(bin)));
    }
}

/// Each command named by a base name and leading to a path inside the package; what is neither is dropped.
fn confined_bin(mut bin: Map<String, Value>) -> Map<String, Value> {
    let names: Vec<_> = bin.keys().cloned().collect();
    for name in names {
        let safe_name = basename(&confined(&name)).to_owned();
        let target = bin.get(&name).and_then(Value::as_str).map(confined).unwrap_or_default();
        if safe_name != name || target.is_empty() {
            bin.shift_remove(&name);
        }
        if !safe_name.is_empty() && !target.is_empty() {
            bin.insert(safe_name, target.into());
        }
    }
    bin
}

/// Type declarations that lie next to the main file are announced.
pub(super) fn add_types(data: &mut Map<String, Value>, tree: &Tree, report: &mut Report) {
    let main = match truthy(data, "main") {
        None => "index.js",
        Some(Value::String(main)) => main,
        Some(other) => {
            report.add(
                "package.json: main",
                other,
                "a path",
                "npm stops with an error here: correct the field",
            );
            return;
        }
    };
    let types = format!("./{}.d.ts", join(dirname(main), stem(main)));
    let announced = data.contains_key("types") || data.contains_key("typings");
    if !announced && tree.exists(normalise(&types).trim_start_matches('/')) {
        data.insert("types".to_owned(), types.into());
    }
}
