//! `show`: what a voter reads, computed from the exact bytes and hashed on this machine.

use clap::Args as ClapArgs;
use release_types::{
    CredentialId, ProposalAction, ProposalId, ProposalView, PublishingMode, Sha256Digest, control::UpgradeId,
    credential::CredentialView,
};
use serde_json::json;

use super::describe;
use crate::{
    context::{Context, Session},
    failure::{Exit, Outcome},
    operations::{
        now_ns, proposal,
        review::{ReviewedRelease, review},
        upgrader::Upgrader,
    },
    output::{HEADING, styled},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: ProposalId,
    /// List every file
    #[arg(long)]
    files: bool,
}

/// Files listed unless all are asked for.
const FILES_SHOWN: usize = 30;

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let view = proposal::find_with_order(&session.dao(), &session.custody(), args.id).await?;
    let ballots = session.dao().ballots(args.id).await?;
    let mut text = describe::proposal(&view);
    let members = session.dao().info().await?.members;
    for ballot in &ballots {
        text.push_str(&describe::ballot(ballot, &members));
    }
    for dispute in &view.disputes {
        text.push_str(&describe::dispute(dispute, &members));
    }
    let rule = session.dao().rule(args.id).await?;
    for sentence in rule.iter().flat_map(|rule| describe::policy::sentences(rule, &members)) {
        text.push_str(&format!("{:<12}{sentence}\n", "rule"));
    }
    let mut named = Vec::new();
    for id in credentials_of(&view.action) {
        let found = credential(&session, id).await?;
        text.push_str(&describe::named_credential(id, found.as_ref()));
        named.push(found);
    }
    text.extend(ending(&session, &view.action).await?);
    text.extend(upgrade_state(&session, &view).await?);
    let reviewed = reviewed(context, &session, &view).await?;
    let mut exit = Exit::Done;
    if let Some(reviewed) = &reviewed {
        text.push_str(&describe::review(reviewed, if args.files { usize::MAX } else { FILES_SHOWN }));
        text.push_str(&how_to_verify(&view));
        if reviewed.artifacts.iter().any(|artifact| !artifact.disagreements.is_empty()) {
            exit = Exit::No;
        }
    }
    let value = json!({ "proposal": view, "ballots": ballots, "rule": rule, "credentials": named, "review": reviewed });
    context.output.result(value, text);
    Ok(exit)
}

/// The credentials that a proposal is about, or would publish and read with.
fn credentials_of(action: &ProposalAction) -> Vec<CredentialId> {
    match action {
        ProposalAction::Release(release) => {
            release.credential.into_iter().chain(release.read_credential).collect()
        }
        ProposalAction::Credential(proposal) => vec![proposal.credential],
        ProposalAction::Amendment(proposal) => vec![proposal.credential],
        _ => Vec::new(),
    }
}

/// A warning when the registry of a direct release ends publishing by token.
async fn ending(session: &Session, action: &ProposalAction) -> Outcome<Option<String>> {
    let ProposalAction::Release(release) = action else { return Ok(None) };
    if release.mode != PublishingMode::Direct {
        return Ok(None);
    }
    let registries = session.dao().registries().await?;
    let known = registries.iter().find(|known| known.id == release.registry);
    let warning = known.and_then(|known| describe::direct_publishing(&known.registry, now_ns()));
    Ok(warning.map(|warning| format!("\nnote        {warning}\n")))
}

/// How far an upgrade has come that was decided.
async fn upgrade_state(session: &Session, view: &ProposalView) -> Outcome<Option<String>> {
    let ProposalAction::Upgrade(upgrade) = &view.action else { return Ok(None) };
    let mut text = format!("argument    {} (sha256)\n", Sha256Digest::of(&upgrade.arg));
    if let Some(id) = session.dao().info().await?.upgrader {
        let upgrade = UpgradeId(format!("proposal-{}", view.id));
        if let Some(status) = (Upgrader { agent: &session.agent, id }).status(upgrade).await? {
            text.push_str(&format!("upgrade     {}\n", describe::control::upgrade_state(&status)));
        }
    }
    Ok(Some(text))
}

/// The credential as custody has it. Its id is the hash of its policy, so a view of another policy is not it.
async fn credential(session: &Session, id: CredentialId) -> Outcome<Option<CredentialView>> {
    let found = session.custody().credential(id).await?;
    Ok(found.filter(|view| view.policy.id() == id))
}

async fn reviewed(
    context: &Context,
    session: &Session,
    view: &ProposalView,
) -> Outcome<Option<ReviewedRelease>> {
    let ProposalAction::Release(release) = &view.action else { return Ok(None) };
    let size: u64 = release.artifacts.iter().map(|artifact| artifact.size_bytes).sum();
    let progress = context.output.bytes("reading the artifacts", size);
    review(&session.dao(), view.id, release, |part| progress.advance(part)).await.map(Some)
}

fn how_to_verify(view: &ProposalView) -> String {
    let id = view.id;
    let rebuild = match &view.action {
        ProposalAction::Release(release) if release.source.is_some() => {
            "\n  build the source named above and compare the digests"
        }
        _ => "",
    };
    format!(
        "\n{}\n  countersign fetch {id} --out review   then sha256sum review/*, and read the files{rebuild}\n",
        styled(HEADING, "how to check this yourself")
    )
}
