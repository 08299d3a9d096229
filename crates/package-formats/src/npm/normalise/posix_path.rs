//! Node's POSIX paths, which keep what Rust's paths fold away (trailing slashes, `//`), and npm's confined form.

/// `path.posix.normalize`.
pub(super) fn normalise(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.last().is_some_and(|last| *last != "..") {
                    parts.pop();
                } else if !is_absolute {
                    parts.push("..");
                }
            }
            name => parts.push(name),
        }
    }
    let mut normal = parts.join("/");
    if normal.is_empty() && !is_absolute {
        normal.push('.');
    }
    if path.ends_with('/') && !(is_absolute && normal.is_empty()) {
        normal.push('/');
    }
    if is_absolute { format!("/{normal}") } else { normal }
}

/// `path.posix.join` of two parts.
pub(super) fn join(left: &str, right: &str) -> String {
    let parts: Vec<_> = [left, right].into_iter().filter(|part| !part.is_empty()).collect();
    normalise(&parts.join("/"))
}

/// `path.posix.basename`.
pub(super) fn basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    trimmed.rsplit_once('/').map_or(trimmed, |(_, name)| name)
}

/// `path.posix.dirname`.
pub(super) fn dirname(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some((directory, _)) => match directory.trim_end_matches('/') {
            "" => "/",
            trimmed => trimmed,
        },
        None if path.starts_with('/') => "/",
        None => ".",
    }
}

/// The base name without its extension, as `basename(path, extname(path))` gives it.
pub(super) fn stem(path: &str) -> &str {
    let name = basename(path);
    match name.rfind('.') {
        Some(position) if position > 0 && name != ".." => &name[..position],
        _ => name,
    }
}

/// npm's `secureAndUnixifyPath`: slashes only, and `..` cannot leave the package. Empty if nothing is left.
pub(super) fn confined(path: &str) -> String {
    let unix = path.replace(['\\', ':'], "/");
    let inside = join(".", &join("/", &unix));
    if inside.starts_with("./") { String::new() } else { inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_confine_paths_to_the_package() {
        for (path, expected) in [
            ("./cli.js", "cli.js"),
            ("../../etc/passwd", "etc/passwd"),
            ("..\\..\\a.js", "a.js"),
            ("C:\\x", "C/x"),
            ("bin/", "bin/"),
            ("/", ""),
            ("", ""),
            ("a//b/./c", "a/b/c"),
        ] {
            assert_eq!(confined(path), expected, "{path}");
        }
    }

    #[test]
    fn should_take_paths_apart_as_node_does() {
        for (path, directory, name, expected_stem) in [
            ("lib/index.js", "lib", "index.js", "index"),
            ("index.js", ".", "index.js", "index"),
            ("./lib", ".", "lib", "lib"),
            ("/a", "/", "a", "a"),
            ("a/b.c/", "a", "b.c", "b"),
            (".hidden", ".", ".hidden", ".hidden"),
            ("a.", ".", "a.", "a"),
        ] {
            assert_eq!(
                (dirname(path), basename(path), stem(path)),
                (directory, name, expected_stem),
                "{path}"
            );
        }
    }
}
