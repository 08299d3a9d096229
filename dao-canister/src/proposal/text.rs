//! Bounds of the texts in a proposal: they are kept for good, and people read them.

use release_types::{
    Defect,
    proposal::{SourceReference, SubmitProposalArgs},
};

const MAX_TITLE_BYTES: usize = 200;
const MAX_SUMMARY_BYTES: usize = 10_000;
const MAX_SOURCE_BYTES: usize = 500;

/// Defects of what all kinds of proposals have.
pub fn defects(args: &SubmitProposalArgs) -> Vec<Defect> {
    let title = length("title", &args.title, 1, MAX_TITLE_BYTES);
    let summary = length("summary", &args.summary, 0, MAX_SUMMARY_BYTES);
    title.into_iter().chain(summary).collect()
}

/// Defects of a release's reference to its source.
pub fn source_defects(source: &SourceReference) -> Vec<Defect> {
    let optional = |field: &str, text: &Option<String>| {
        text.as_ref().and_then(|text| length(field, text, 1, MAX_SOURCE_BYTES))
    };
    [
        length("source.repository", &source.repository, 1, MAX_SOURCE_BYTES),
        length("source.commit", &source.commit, 1, MAX_SOURCE_BYTES),
        optional("source.tag", &source.tag),
        optional("source.rebuild", &source.rebuild),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The defect of a text that is shorter or longer than allowed.
pub fn length(field: &str, text: &str, least: usize, most: usize) -> Option<Defect> {
    if (least..=most).contains(&text.len()) {
        return None;
    }
    let found = format!("{} bytes", text.len());
    let hint = if text.len() < least { "Fill it in." } else { "Shorten it." };
    Some(Defect::new(field, found, format!("{least} to {most} bytes"), hint))
}
