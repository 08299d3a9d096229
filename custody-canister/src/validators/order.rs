//! What voters read of an order to publish: everything that is in it, under the names that its fields have. First, and
//! always whole, what decides where which bytes go by which token, and what they make an installer fetch and run.

use release_types::{
    PublishOrder, Registry,
    order::{Decision, OrderedArtifact, Publication, VoteRecord},
    proposal::{NpmAccess, NpmOptions, SourceReference},
};

use super::rendering::Rendering;

/// Members of npm's document by which installers fetch, run and link.
const MANIFEST_INSTALLS: [&str; 9] = [
    "scripts",
    "bin",
    "gypfile",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "directories",
];
/// Fields of an upload form by which installers fetch.
const FORM_INSTALLS: [&str; 3] = ["requires_dist", "provides_extra", "requires_python"];

pub fn render(order: &PublishOrder) -> String {
    // Every field by name: one that is added has to be shown too.
    let PublishOrder {
        id,
        mode,
        credential,
        read_credential,
        registry,
        package,
        version,
        artifacts,
        decision,
        expires_at_ns,
    } = order;
    let mut text = Rendering::new(&format!("Publish {package} {version} to {}", registry.upload_url));
    text.line("id", &id.0);
    text.line("package", package);
    text.line("version", version);
    render_registry(&mut text, registry);
    text.line("mode", mode.to_string());
    for (name, used) in [("credential", credential), ("read_credential", read_credential)] {
        if let Some(used) = used {
            text.line(name, used.to_string());
        }
    }
    text.moment("expires_at", *expires_at_ns);
    render_decision(&mut text, decision);
    for (index, artifact) in artifacts.iter().enumerate() {
        render_artifact(&mut text, &format!("artifacts[{index}]"), artifact);
    }
    text.finish()
}

pub fn render_registry(text: &mut Rendering, registry: &Registry) {
    let Registry { ecosystem, upload_url, read_url, version_url, files_url, direct_publishing_ends_at_ns } =
        registry;
    text.line("registry.ecosystem", ecosystem.to_string());
    text.line("registry.upload_url", upload_url);
    text.line("registry.read_url", read_url);
    for (name, url) in [("version_url", version_url), ("files_url", files_url)] {
        if let Some(url) = url {
            text.line(&format!("registry.{name}"), url);
        }
    }
    if let Some(ends_at_ns) = direct_publishing_ends_at_ns {
        text.moment("registry.direct_publishing_ends_at", *ends_at_ns);
    }
}

fn render_artifact(text: &mut Rendering, field: &str, artifact: &OrderedArtifact) {
    let OrderedArtifact { filename, sha256, size_bytes, source, publication } = artifact;
    text.line(&format!("{field}.filename"), filename);
    text.line(&format!("{field}.sha256"), sha256.to_string());
    text.line(&format!("{field}.size_bytes"), size_bytes.to_string());
    text.line(&format!("{field}.source"), source.to_text());
    match publication {
        Publication::Npm { manifest_json, options: NpmOptions { dist_tag, access } } => {
            text.line(&format!("{field}.dist_tag"), dist_tag);
            text.line(
                &format!("{field}.access"),
                match access {
                    NpmAccess::Public => "public",
                    NpmAccess::Restricted => "restricted",
                },
            );
            let members: serde_json::Map<_, _> = serde_json::from_str(manifest_json).unwrap_or_default();
            for (name, value) in members {
                let (field, value) = (format!("{field}.manifest.{name}"), value.to_string());
                if MANIFEST_INSTALLS.contains(&name.as_str()) {
                    text.line(&field, value);
                } else {
                    text.detail(&field, value);
                }
            }
        }
        Publication::Pypi { form } => {
            for (name, value) in form {
                let field = format!("{field}.form.{name}");
                if FORM_INSTALLS.contains(&name.as_str()) {
                    text.line(&field, value);
                } else {
                    text.detail(&field, value);
                }
            }
        }
    }
}

pub fn render_decision(text: &mut Rendering, decision: &Decision) {
    let Decision { authority, vote, source } = decision;
    text.line("decision.authority", authority.to_text());
    if let Some(VoteRecord { proposal, decided_at_ns, tally }) = vote {
        text.line("decision.vote.proposal", proposal.to_string());
        text.moment("decision.vote.decided_at", *decided_at_ns);
        text.line(
            "decision.vote.tally",
            format!("{} yes, {} no, {} abstain of {}", tally.yes, tally.no, tally.abstain, tally.total),
        );
    }
    if let Some(SourceReference { repository, commit, tag, rebuild }) = source {
        text.line("decision.source.repository", repository);
        text.line("decision.source.commit", commit);
        for (name, value) in [("tag", tag), ("rebuild", rebuild)] {
            if let Some(value) = value {
                text.line(&format!("decision.source.{name}"), value);
            }
        }
    }
}
