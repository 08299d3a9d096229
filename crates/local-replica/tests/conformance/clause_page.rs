//! The page of all clauses: generated from the tests' own sentences, so that it cannot say what
//! nobody checks.
//!
//! `UPDATE_CLAUSES=1 cargo test -p local-replica --test conformance clause_page` rewrites it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- clauses: generated -->\n";
const END: &str = "<!-- end of clauses -->\n";

/// A sentence about the specification, and the tests that check it.
#[derive(Debug, PartialEq, Eq)]
struct Clause {
    sentence: String,
    tests: Vec<String>,
}

/// By section of the specification.
type Clauses = BTreeMap<String, Vec<Clause>>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the tests' folder can be read") {
        let path = entry.expect("the tests' folder can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The text of a line of documentation, `None` for other lines.
fn documentation<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.trim_start().strip_prefix(mark).map(str::trim)
}

/// Finds `#[test]` functions, and lists of names in a macro whose name ends with `_clauses!`: every
/// name of such a list is a test, and the documentation before the names speaks of all of them.
fn read_clauses(module: &str, source: &str, clauses: &mut Clauses) {
    let section = source.lines().next().and_then(|line| documentation(line, "//!")).unwrap_or_default();
    let mut sentence = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = documentation(line, "///") {
            sentence.push(text);
            continue;
        }
        let is_test = matches!(line.trim(), "#[test]" | "#[tokio::test]");
        let is_list = line.ends_with("_clauses! {");
        if is_list {
            sentence.clear();
        }
        if is_test || is_list {
            let mut tests = Vec::new();
            for line in lines.by_ref() {
                if is_test {
                    let line = line.trim().trim_start_matches("async ");
                    let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
                    tests.push(name.unwrap_or_else(|| panic!("{module}: no function after #[test]")));
                    break;
                } else if let Some(text) = documentation(line, "///") {
                    sentence.push(text);
                } else if line.trim() == "}" {
                    break;
                } else {
                    tests.extend(line.split_whitespace());
                }
            }
            assert!(!sentence.is_empty(), "{module}: {} says not which clause it checks (`///`)", tests[0]);
            assert!(
                section.contains('›'),
                "{module}: the module's documentation must begin with the section of the specification, \
                 for instance `//! Canister interface › Cycles`; found {section:?}"
            );
            clauses.entry(section.to_owned()).or_default().push(Clause {
                sentence: sentence.join(" "),
                tests: tests.into_iter().map(|test| format!("{module}::{test}")).collect(),
            });
        }
        if !line.trim_start().starts_with("#[") {
            sentence.clear();
        }
    }
}

fn read(source: &Path) -> String {
    std::fs::read_to_string(source).expect("the source can be read")
}

fn page(clauses: &Clauses) -> String {
    let total: usize = clauses.values().flatten().map(|clause| clause.tests.len()).sum();
    // Rounded, so that not every new clause changes this line.
    let hundreds = total / 100 * 100;
    let mut page = format!("More than {hundreds} clauses, each a test; its name says where it is.\n");
    for (section, clauses) in clauses {
        write!(page, "\n### {section}\n\n").expect("a string takes it");
        for clause in clauses {
            let tests: Vec<String> = clause.tests.iter().map(|test| format!("`{test}`")).collect();
            writeln!(page, "- {} — {}", clause.sentence, tests.join(", ")).expect("a string takes it");
        }
    }
    page
}

#[test]
fn clause_page_should_list_every_clause() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folder = tests.join("conformance");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    sources(&tests.join("outcalls"), &mut files);
    let is_about_a_page = |path: &Path| path.ends_with("clause_page.rs") || path.ends_with("fault_page.rs");
    files.retain(|path| !is_about_a_page(path));
    // Beside the clauses of the HTTP interface stand tests of other things, which need a server too.
    let mut served = Vec::new();
    sources(&tests.join("http"), &mut served);
    files.extend(
        served.into_iter().filter(|path| read(path).lines().next().is_some_and(|line| line.contains('›'))),
    );
    let mut clauses = Clauses::new();
    for path in &files {
        let module = path.strip_prefix(&folder).or_else(|_| path.strip_prefix(&tests));
        let module = module.expect("found in one of them").with_extension("");
        read_clauses(&module.to_string_lossy().replace('/', "::"), &read(path), &mut clauses);
    }
    let readme = folder.join("README.md");
    let text = std::fs::read_to_string(&readme).expect("the page can be read");
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark where the clauses begin");
    let (found, after) = rest.split_once(END).expect("the page has the mark where the clauses end");
    let expected = page(&clauses);
    if std::env::var_os("UPDATE_CLAUSES").is_some() {
        let text = format!("{before}{BEGIN}{expected}{END}{after}");
        std::fs::write(&readme, text).expect("the page can be written");
    } else {
        assert!(
            found == expected,
            "tests/conformance/README.md is out of date; rewrite it with \
             `UPDATE_CLAUSES=1 cargo test -p local-replica --test conformance clause_page`"
        );
    }
}

#[test]
fn clause_page_should_read_tests_and_lists_of_names() {
    let source = "//! A › B\n/// It does\n/// this.\n#[test]\nfn one() {\n}\nsome_clauses! {\n    /// All that.\n    two three\n    four\n}\n";
    let mut clauses = Clauses::new();
    read_clauses("file", source, &mut clauses);
    let clause = |sentence: &str, tests: &[&str]| Clause {
        sentence: sentence.to_owned(),
        tests: tests.iter().map(|test| format!("file::{test}")).collect(),
    };
    assert_eq!(
        clauses["A › B"],
        [clause("It does this.", &["one"]), clause("All that.", &["two", "three", "four"])]
    );
}

#[test]
#[should_panic(expected = "says not which clause it checks")]
fn clause_page_should_refuse_a_test_that_says_nothing() {
    read_clauses("file", "//! A › B\n#[test]\nfn one() {}\n", &mut Clauses::new());
}
