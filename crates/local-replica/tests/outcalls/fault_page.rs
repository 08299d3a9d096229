//! The page of faults names only tests that exist, and every fault of the switch.

use std::path::Path;

fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("the tests' folder can be read");
    let mut text = String::new();
    for path in entries.map(|entry| entry.expect("the tests' folder can be read").path()) {
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("the source can be read"));
        }
    }
    text
}

#[test]
fn fault_page_should_name_tests_that_exist_and_every_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/faults.md")).expect("the page can be read");
    let tests = sources(&root.join("tests"));
    let named: Vec<&str> = page.split('`').filter(|text| text.starts_with("should_")).collect();
    for test in &named {
        assert!(tests.contains(&format!("fn {test}(")), "docs/faults.md names {test}, which is no test");
    }
    assert!(named.len() > 20, "{} tests are named", named.len());
    for fault in
        ["TimeoutBeforeSending", "AnswerDropped", "Resent", "NodeLies", "Garbled", "Late", "HeldBack"]
    {
        assert!(page.contains(&format!("Fault::{fault}")), "docs/faults.md says nothing of {fault}");
    }
    for other in [
        "set_down",
        "set_query_lie",
        "ShareFault::Silent",
        "ShareFault::Wrong",
        "MessageFault::CallRefused",
        "MessageFault::AnswerLost",
        "MessageFault::OutOfInstructions",
        "PUT /execution",
        "PUT /canisters/ID/cycles",
    ] {
        assert!(page.contains(other), "docs/faults.md says nothing of {other}");
    }
}
