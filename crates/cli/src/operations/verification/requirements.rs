//! Which releases a pip requirements file pins, as `pip-compile --generate-hashes` and `uv export` write it:
//! `name==version --hash=sha256:…`. What names its bytes in another way is refused, not skipped, and so is what pip
//! would read otherwise than it looks: other encodings, and the line breaks that only Python knows.

use super::{FileDigest, Pin, ReleaseName};
use crate::failure::{Failure, Outcome};

/// The releases that a requirements file pins.
///
/// # Errors
/// Names the first line that pins nothing exactly: what it would install cannot be known from the file.
pub fn pins(text: &str) -> Outcome<Vec<Pin>> {
    let read = || -> Result<Vec<Pin>, (usize, String)> {
        check_characters(text)?;
        logical_lines(text)
            .filter_map(|(number, line)| {
                pin(&line).transpose().map(|pin| pin.map_err(|reason| (number, reason)))
            })
            .collect()
    };
    read().map_err(|(number, reason)| {
        Failure::usage(format!("line {number}: {reason}"))
            .hint("write the file with `pip-compile --generate-hashes` or `uv export`")
    })
}

/// Refuses whatever makes pip see other lines than there are: it decodes by the machine's locale, or as a comment on
/// top demands (UTF-7 hides a line break in plain letters), and breaks lines at more characters than others do.
fn check_characters(text: &str) -> Result<(), (usize, String)> {
    for (index, line) in text.lines().enumerate() {
        let strange = line.chars().find(|character| !matches!(character, '\t' | ' '..='~'));
        if let Some(character) = strange {
            let reason = format!("the character U+{:04X} is not ASCII text", u32::from(character));
            return Err((index + 1, reason));
        }
        if index < 2 && line.starts_with('#') && (line.contains("coding:") || line.contains("coding=")) {
            return Err((index + 1, "the comment declares an encoding; remove it".into()));
        }
    }
    Ok(())
}

/// Lines without comments, those continued with `\` joined, each with the number of its first.
fn logical_lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        // A comment ends a continued line too.
        let comment = line.starts_with('#').then_some(0).or_else(|| line.find(" #"));
        let content = comment.map_or(line, |at| &line[..at]).trim_end();
        let (content, more) = match content.strip_suffix('\\') {
            Some(content) => (content, true),
            None => (content, false),
        };
        match joined.last_mut() {
            Some((_, last)) if continues => {
                last.push(' ');
                last.push_str(content);
            }
            _ => joined.push((index + 1, content.to_string())),
        }
        continues = more;
    }
    joined.into_iter().filter(|(_, line)| !line.trim().is_empty())
}

/// The pin of a line; `None` for options that choose no file.
fn pin(line: &str) -> Result<Option<Pin>, String> {
    if line.trim_start().starts_with('-') {
        return match chooses_no_file(line) {
            true => Ok(None),
            false => Err(format!("`{}` is not followed; verify its file by itself", shown(line))),
        };
    }
    let requirement_end = line.find(" --").unwrap_or(line.len());
    let (requirement, options) = line.split_at(requirement_end);
    let requirement = requirement.split(';').next().unwrap_or_default();
    let (name, version) = requirement
        .split_once("==")
        .ok_or_else(|| format!("`{}` is not pinned with `==`", shown(requirement)))?;
    let name = name.split('[').next().unwrap_or_default();
    let version = version.trim_start_matches('=');
    let release = ReleaseName::pypi(name.trim(), version.trim()).map_err(|error| error.to_string())?;
    let mut digests = Vec::new();
    for option in options.split_whitespace() {
        let digest = option
            .strip_prefix("--hash=sha256:")
            .and_then(|digest| digest.parse().ok())
            .ok_or_else(|| format!("`{}` is no --hash=sha256:…", shown(option)))?;
        digests.push(FileDigest::Sha256(digest));
    }
    Ok(Some(Pin { release, digests }))
}

/// Whether a line of options, all of it, names nothing that pip would read or install.
fn chooses_no_file(line: &str) -> bool {
    let words: Vec<_> = line.split_whitespace().collect();
    match words[..] {
        ["--require-hashes" | "--prefer-binary" | "--pre"] => true,
        ["--only-binary" | "--no-binary", which] => !which.starts_with('-'),
        [one] => ["--only-binary=", "--no-binary="].iter().any(|option| one.starts_with(option)),
        _ => false,
    }
}

fn shown(text: &str) -> String {
    text.trim().escape_default().take(80).collect()
}

#[cfg(test)]
mod tests {
    use release_types::Sha256Digest;

    use super::*;

    #[test]
    fn should_read_pins_with_all_their_hashes() {
        let [one, two] = [b"one", b"two"].map(|bytes| Sha256Digest::of(bytes));
        let text = format!(
            "# made by pip-compile\n--require-hashes\n--only-binary :all:\n\nMy_Demo[extra]==1.0 ; python_version >= \"3.9\" \\\n    \
             --hash=sha256:{one} \\\n    --hash=sha256:{two}\n    # via -r requirements.in\nother==2.0  # no hash\n"
        );
        let pins = pins(&text).expect("simple");
        assert_eq!(pins.len(), 2);
        assert_eq!(pins[0].release.to_string(), "pypi:my-demo==1.0");
        assert_eq!(pins[0].digests, [FileDigest::Sha256(one), FileDigest::Sha256(two)]);
        assert_eq!((pins[1].release.to_string().as_str(), pins[1].digests.len()), ("pypi:other==2.0", 0));
    }

    #[test]
    fn should_name_the_line_that_does_not_say_which_bytes_it_installs() {
        let wrong = [
            "demo>=1.0",
            "demo",
            "demo==1.*",
            "-r other.txt",
            "-e .",
            "--extra-index-url https://evil.example/simple",
            "demo @ https://files.registry.example/demo.whl",
            "demo==1.0 --hash=md5:00",
            "demo==1.0 --hash=sha256:00",
            "--pre -r other.txt",
            "--only-binary=:all: -e ./evil",
            "--only-binary -r",
            "--no-binary :all: --extra-index-url https://evil.example/simple",
            "# a comment \u{2028}evil==1.0",
            "# a comment \u{85}evil==1.0",
            "# a comment \u{b}evil==1.0",
            "# a comment \revil==1.0",
            "# -*- coding: utf-7 -*- +AAo-evil==1.0",
        ];
        for line in wrong {
            let failure = pins(&format!("fine==1.0\n{line}\n")).expect_err(line);
            assert!(failure.message.starts_with("line 2: "), "{line}: {}", failure.message);
        }
    }
}
