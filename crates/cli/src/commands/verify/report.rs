//! What `verify` found, as people and scripts read it.

use std::fmt::Write as _;

use candid::Principal;
use release_types::Sha256Digest;
use serde_json::{Value, json};

use crate::{
    commands::receipt::describe,
    failure::Exit,
    operations::{
        receipt::Verdict,
        verification::{FileDigest, ReleaseName},
    },
    output::{BAD, GOOD, Output, WARNING, printable, styled},
};

/// What to do when no receipt of custody names a file.
const UNDER_WAY: &str =
    "if its release is under way, wait for it with `countersign status N --wait`, then verify again";

/// One file or pinned release, and what is known of it.
pub struct Finding {
    name: String,
    digests: Vec<FileDigest>,
    verdict: Verdict,
    /// The finding without its verdict, for scripts.
    value: Value,
}

impl Finding {
    pub fn of_file(path: String, digest: Sha256Digest, verdict: Verdict) -> Self {
        let value = json!({ "file": path, "sha256": digest });
        Self { name: path, digests: vec![FileDigest::Sha256(digest)], verdict, value }
    }

    pub fn of_fetched(release: &ReleaseName, filename: &str, digest: Sha256Digest, verdict: Verdict) -> Self {
        let value = json!({ "release": release.to_string(), "file": filename, "sha256": digest });
        let name = format!("{release}, {filename}");
        Self { name, digests: vec![FileDigest::Sha256(digest)], verdict, value }
    }

    pub fn of_pin(release: ReleaseName, digests: Vec<FileDigest>, verdict: Verdict) -> Self {
        let value = json!({ "release": release.to_string(), "pinned": digests });
        Self { name: release.to_string(), digests, verdict, value }
    }
}

/// All findings of one run.
pub struct Report {
    custody: Principal,
    /// Whether custody itself was asked, so that a receipt may still come.
    asked_custody: bool,
    findings: Vec<Finding>,
}

impl Report {
    pub fn new(custody: Principal, asked_custody: bool) -> Self {
        Self { custody, asked_custody, findings: Vec::new() }
    }

    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Prints everything; the worst verdict is the exit.
    pub fn print(&self, output: &Output) -> Exit {
        let exit = self.findings.iter().map(|finding| finding.verdict.exit()).max().unwrap_or(Exit::Done);
        let verdict = match exit {
            Exit::Done => "approved",
            Exit::No => "not_approved",
            Exit::CannotTell => "cannot_tell",
        };
        let files: Vec<_> = self.findings.iter().map(Finding::to_value).collect();
        let not_governed = self.not_governed().count();
        let value = json!({
            "verdict": verdict,
            "custody": self.custody,
            "files": files,
            "not_governed": not_governed,
        });
        output.result(value, self.text(not_governed));
        exit
    }

    fn not_governed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::NotGoverned))
    }

    fn text(&self, not_governed: usize) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            finding.write(&mut text, self.asked_custody);
        }
        if not_governed > 0 {
            let _ = writeln!(
                text,
                "{not_governed} of {} pinned packages are not governed: custody {} does not publish them",
                self.findings.len(),
                self.custody
            );
        } else if self.findings.is_empty() {
            text.push_str("nothing of a registry is pinned\n");
        }
        text
    }
}

impl Finding {
    fn to_value(&self) -> Value {
        let mut value = self.value.clone();
        value["result"] = json!(self.verdict);
        value
    }

    fn write(&self, text: &mut String, asked_custody: bool) {
        let name = printable(&self.name);
        let _ = match &self.verdict {
            Verdict::Approved { statement } => {
                let digests = self.digests.iter().map(digest_line).collect::<String>();
                writeln!(text, "{}: {name}\n{digests}{}", styled(GOOD, "approved"), describe(statement))
            }
            Verdict::NotApproved { reason } => {
                let hint = if asked_custody { UNDER_WAY } else { "" };
                let said = format!("{}: {name}\n{}\n{hint}", styled(BAD, "not approved"), printable(reason));
                writeln!(text, "{}", said.trim_end())
            }
            Verdict::CannotTell { reason } => {
                writeln!(text, "{}: {name}\n{}", styled(WARNING, "cannot tell"), printable(reason))
            }
            Verdict::NotGoverned => Ok(()),
        };
    }
}

fn digest_line(digest: &FileDigest) -> String {
    match digest {
        FileDigest::Sha256(sha256) => format!("sha256      {sha256}\n"),
        FileDigest::Sha512(sha512) => format!("sha512      {sha512}\n"),
    }
}
