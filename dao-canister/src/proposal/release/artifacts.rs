//! The artifacts of a release: opened, compared with the proposal, and measured against what an outcall carries.

use std::collections::BTreeSet;

use package_formats::{
    Declared, Limits, Package, agree,
    limits::{MAX_ENTRIES, MAX_UNPACKED_BYTES},
    npm::{dist_tag_defects, prerelease_defects},
    review, upload_form,
};
use registry_protocols::{
    endpoint::EndpointUrl,
    npm::{NpmPublication, largest_tarball_bytes},
    pypi::largest_file_bytes,
};
use release_types::{
    ArtifactRef, Defect, Ecosystem, Registry,
    order::Publication,
    proposal::{NpmAccess, NpmOptions, ReleaseProposal},
};
use serde_json::Value;

use crate::{
    artifacts,
    proposal::{
        release::{DerivedArtifact, package_name},
        text,
    },
    state::State,
};

const MAX_ARTIFACTS: usize = 20;
const MAX_FILENAME_BYTES: usize = 255;
/// Artifacts of the largest kind that one submission may have opened, in bytes and in entries; more of smaller ones.
/// Opening that much takes at most about half of what one message may compute.
const LARGEST_OPENED: u32 = 3;

/// What the artifacts say.
pub struct Opened {
    pub package: String,
    /// In the ecosystem's normal form.
    pub version: String,
    pub artifacts: Vec<DerivedArtifact>,
    pub defects: Vec<Defect>,
}

/// Whether a release may have as many artifacts as this one.
pub fn is_count_allowed(ecosystem: Ecosystem, proposal: &ReleaseProposal) -> bool {
    (1..=most_artifacts(ecosystem)).contains(&proposal.artifacts.len())
}

fn most_artifacts(ecosystem: Ecosystem) -> usize {
    match ecosystem {
        Ecosystem::Npm => 1,
        Ecosystem::Pypi => MAX_ARTIFACTS,
    }
}

/// What is wrong with the declarations themselves, whatever the bytes say.
pub fn declaration_defects(ecosystem: Ecosystem, proposal: &ReleaseProposal) -> Vec<Defect> {
    let mut defects = Vec::new();
    if !is_count_allowed(ecosystem, proposal) {
        let allowed = match ecosystem {
            Ecosystem::Npm => "exactly one tarball".to_owned(),
            Ecosystem::Pypi => format!("1 to {MAX_ARTIFACTS} wheels and source distributions"),
        };
        let found = proposal.artifacts.len().to_string();
        defects.push(Defect::new("artifacts", found, allowed, "Adjust the list."));
    }
    let (mut filenames, mut digests) = (BTreeSet::new(), BTreeSet::new());
    for (index, artifact) in proposal.artifacts.iter().enumerate().take(MAX_ARTIFACTS) {
        let filename = format!("artifacts[{index}].filename");
        defects.extend(text::length(&filename, &artifact.filename, 1, MAX_FILENAME_BYTES));
        if !filenames.insert(&artifact.filename) {
            let found = excerpt(&artifact.filename);
            defects.push(Defect::new(filename, found, "each file name once", "Leave the second out."));
        }
        if !digests.insert(artifact.sha256) {
            let field = format!("artifacts[{index}].sha256");
            let found = artifact.sha256.to_string();
            defects.push(Defect::new(field, found, "each artifact once", "Leave the second out."));
        }
    }
    match (ecosystem, &proposal.npm) {
        (Ecosystem::Npm, None) => {
            let hint = "Give the dist-tag, usually `latest`, and the access.";
            defects.push(Defect::new("npm", "nothing", "the options of an npm release", hint));
        }
        (Ecosystem::Npm, Some(options)) => {
            defects.extend(dist_tag_defects(&options.dist_tag));
            defects.extend(prerelease_defects(&options.dist_tag, &proposal.version));
            if options.access == NpmAccess::Restricted && !proposal.name.starts_with('@') {
                let hint = "Publish it openly, or give it a scope.";
                defects.push(Defect::new("npm.access", "restricted", "public, without a scope", hint));
            }
        }
        (Ecosystem::Pypi, Some(_)) => {
            defects.push(Defect::new("npm", "options", "none for a PyPI release", "Leave them out."));
        }
        (Ecosystem::Pypi, None) => {}
    }
    defects
}

/// What one submission may still have opened. What cannot be opened uses up all that it was given: nobody says how
/// far its reading came.
struct Budget {
    unpacked_bytes: u64,
    entries: usize,
}

impl Budget {
    fn new() -> Self {
        Self {
            unpacked_bytes: u64::from(LARGEST_OPENED) * MAX_UNPACKED_BYTES,
            entries: LARGEST_OPENED as usize * MAX_ENTRIES,
        }
    }

    /// The limits of the next artifact; none if nothing is left.
    fn limits(&self) -> Option<Limits> {
        let unpacked_bytes = MAX_UNPACKED_BYTES.min(self.unpacked_bytes);
        let entries = MAX_ENTRIES.min(self.entries);
        let limits = Limits { artifact_bytes: artifacts::MAX_ARTIFACT_BYTES, unpacked_bytes, entries };
        (unpacked_bytes > 0 && entries > 0).then_some(limits)
    }

    fn charge(&mut self, unpacked_bytes: u64, entries: usize) {
        self.unpacked_bytes = self.unpacked_bytes.saturating_sub(unpacked_bytes);
        self.entries = self.entries.saturating_sub(entries);
    }
}

/// Opens every artifact, one after the other and none twice, as far as the budget goes.
pub fn open(state: &State, registry: &Registry, proposal: &ReleaseProposal) -> Opened {
    let ecosystem = registry.ecosystem;
    let mut opened = Opened {
        package: package_name(ecosystem, &proposal.name),
        version: proposal.version.clone(),
        artifacts: Vec::new(),
        defects: Vec::new(),
    };
    let mut budget = Budget::new();
    let mut seen = BTreeSet::new();
    for (index, artifact) in proposal.artifacts.iter().enumerate() {
        if !seen.insert(artifact.sha256) {
            // Reported with the declarations.
            continue;
        }
        let package = match open_one(state, ecosystem, proposal, artifact, &mut budget) {
            Ok(package) => package,
            Err(defects) => {
                opened.defects.extend(defects.into_iter().map(|defect| within(index, defect)));
                continue;
            }
        };
        opened.version = package.version().to_owned();
        match publication(registry, proposal, artifact, &package) {
            Ok(publication) => {
                let mut review = review(&package);
                review.filename.clone_from(&artifact.filename);
                opened.artifacts.push(DerivedArtifact { review, publication });
            }
            Err(defects) => opened.defects.extend(defects.into_iter().map(|defect| within(index, defect))),
        }
    }
    opened
}

fn within(index: usize, defect: Defect) -> Defect {
    Defect { field: format!("artifacts[{index}]: {}", defect.field), ..defect }
}

fn open_one(
    state: &State,
    ecosystem: Ecosystem,
    proposal: &ReleaseProposal,
    artifact: &ArtifactRef,
    budget: &mut Budget,
) -> Result<Package, Vec<Defect>> {
    let Some(stored) = state.artifacts().stored(&artifact.sha256) else {
        let hint = "Upload it first, and completely; what nobody proposes is dropped after a day.";
        let found = artifact.sha256.to_string();
        return Err(vec![Defect::new("sha256", found, "the digest of an uploaded artifact", hint)]);
    };
    let Some(limits) = budget.limits() else { return Err(vec![not_opened()]) };
    let bytes = artifacts::read(stored);
    let package = Package::open(ecosystem, &artifact.filename, &bytes, &limits)
        .inspect_err(|_| budget.charge(limits.unpacked_bytes, limits.entries))?;
    budget.charge(package.files().iter().map(|file| file.size_bytes).sum(), package.files().len());
    let declared = Declared {
        ecosystem,
        name: &proposal.name,
        version: &proposal.version,
        filename: &artifact.filename,
        sha256: artifact.sha256,
        size_bytes: artifact.size_bytes,
    };
    let defects = agree(&declared, &package);
    if defects.is_empty() { Ok(package) } else { Err(defects) }
}

fn not_opened() -> Defect {
    let total_bytes = u64::from(LARGEST_OPENED) * MAX_UNPACKED_BYTES;
    Defect::new(
        "artifact",
        "not opened: those before it used up what one submission may unpack",
        format!("{total_bytes} bytes in all; one that cannot be read counts as {MAX_UNPACKED_BYTES}"),
        "Correct those before it, or leave large ones out.",
    )
}

/// What will be published for an artifact, if an outcall can carry it.
fn publication(
    registry: &Registry,
    proposal: &ReleaseProposal,
    artifact: &ArtifactRef,
    package: &Package,
) -> Result<Publication, Vec<Defect>> {
    let (publication, largest_bytes) = match (package, &proposal.npm) {
        (Package::Npm(npm), Some(options)) => {
            let defects = configured_defects(&npm.manifest, npm.requested_dist_tag.as_deref(), options);
            if !defects.is_empty() {
                return Err(defects);
            }
            let endpoint = EndpointUrl::check("registry.upload_url", &registry.upload_url)?;
            let manifest_json = Value::Object(npm.manifest.clone()).to_string();
            let publication = NpmPublication {
                name: &npm.name,
                version: &npm.version,
                manifest_json: &manifest_json,
                options,
            };
            let largest_bytes = largest_tarball_bytes(&endpoint, &publication).map_err(unpublishable)?;
            (Publication::Npm { manifest_json, options: options.clone() }, largest_bytes)
        }
        (Package::Python(python), _) => {
            let form = upload_form(python);
            let largest_bytes = largest_file_bytes(&form, &artifact.filename).map_err(unpublishable)?;
            (Publication::Pypi { form }, largest_bytes)
        }
        // Reported already: the declaration has no options.
        (Package::Npm(_), None) => return Err(Vec::new()),
    };
    let size_bytes = package.size_bytes();
    if proposal.mode.sends_bytes() && size_bytes > largest_bytes as u64 {
        return Err(vec![Defect::new(
            "size_bytes",
            format!("{size_bytes} bytes"),
            format!("at most {largest_bytes} bytes with this package's metadata"),
            format!(
                "In {} mode one HTTPS outcall of 2,000,000 bytes carries it: make it smaller, or propose it in a mode that takes up to {} bytes ({}).",
                proposal.mode,
                artifacts::MAX_ARTIFACT_BYTES,
                match registry.ecosystem {
                    Ecosystem::Npm => "staged-elsewhere or verify-only",
                    Ecosystem::Pypi => "verify-only",
                }
            ),
        )]);
    }
    Ok(publication)
}

fn unpublishable(error: impl std::error::Error) -> Vec<Defect> {
    let hint = "Correct the package's metadata.";
    vec![Defect::new("publication", error.to_string(), "what the registry's protocol can express", hint)]
}

/// Where the package's own configuration asks to be published otherwise than proposed.
fn configured_defects(
    manifest: &serde_json::Map<String, Value>,
    requested_dist_tag: Option<&str>,
    options: &NpmOptions,
) -> Vec<Defect> {
    let mut defects = Vec::new();
    if let Some(tag) = requested_dist_tag.filter(|tag| *tag != options.dist_tag) {
        defects.push(Defect::new(
            "npm.dist_tag",
            excerpt(&options.dist_tag),
            format!("{}, as package.json asks for", excerpt(tag)),
            "Propose that tag, or take it out of package.json.",
        ));
    }
    let asked = manifest.get("publishConfig").and_then(|config| config.get("access")).and_then(Value::as_str);
    let proposed = match options.access {
        NpmAccess::Public => "public",
        NpmAccess::Restricted => "restricted",
    };
    if let Some(asked) = asked.filter(|asked| *asked != proposed) {
        defects.push(Defect::new(
            "npm.access",
            proposed,
            format!("{}, as package.json asks for", excerpt(asked)),
            "Propose that access, or take it out of package.json.",
        ));
    }
    defects
}

/// The start of an outside text.
fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}
