//! `watch propose`: put the watch of a package to the vote.

use clap::Args as ClapArgs;
use release_types::{
    CredentialId, CredentialMode, ProposalAction, RegistryId,
    proposal::SubmitProposalArgs,
    watch::{DEFAULT_INTERVAL_S, WatchChange, WatchProposal, WatchView},
};
use serde_json::json;

use crate::{
    commands::credential_id,
    context::{Context, Session},
    failure::{Exit, Outcome},
    operations::{artifact, now_ns, proposal, release},
    output::printable,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The package as its registry names it
    #[arg(value_name = "PACKAGE")]
    package: String,
    /// At which registry [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// Pause between two looks: 10 minutes to a day [default: as it is watched now, else 1h]
    #[arg(long, value_name = "DURATION", conflicts_with = "stop")]
    every: Option<humantime::Duration>,
    /// With which read-only token, for a registry that lists nothing without one [default: as it is watched now]
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential_id, conflicts_with = "stop")]
    read_credential: Option<CredentialId>,
    /// Stop watching it
    #[arg(long)]
    stop: bool,
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let registries = session.dao().registries().await?;
    let wanted = args.registry.map(RegistryId);
    let registry = release::choose_registry(&registries, wanted.as_ref(), None)?;
    let package = artifact::registered_name(registry.registry.ecosystem, &args.package)?;
    let present = present(&session, &package, &registry.registry.upload_url).await?;
    let read_credential = match args.read_credential {
        Some(id) => {
            let credentials = session.custody().credentials().await?;
            let mode = CredentialMode::Read;
            Some(release::choose_credential(&credentials, Some(id), registry, &package, mode, now_ns())?)
        }
        None => present.as_ref().and_then(|watch| watch.read_credential),
    };
    let present_s = present.map_or(DEFAULT_INTERVAL_S, |watch| watch.interval_s);
    let interval_s = args.every.map_or(present_s, |every| every.as_secs());
    let change =
        if args.stop { WatchChange::Stop } else { WatchChange::Start { interval_s, read_credential } };
    let verb = if args.stop { "Stop watching" } else { "Watch" };
    let title = args.title.unwrap_or_else(|| format!("{verb} {package} at {}", registry.id));
    let watch = WatchProposal { registry: registry.id.clone(), package, change };
    let action = ProposalAction::Watch(watch.clone());
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let proposal = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": proposal, "watch": watch }),
        format!(
            "proposal {proposal}: {}; members vote with `countersign vote {proposal} yes`\n\
             what the registry lists at the first look is taken for known: see it with `countersign watch list`",
            printable(&watch.package)
        ),
    );
    Ok(Exit::Done)
}

/// How it is watched now, so that taking a new baseline changes nothing else.
async fn present(session: &Session, package: &str, endpoint: &str) -> Outcome<Option<WatchView>> {
    let watches = session.custody().watches().await?;
    let is_it = |watch: &WatchView| watch.package.package == package && watch.package.endpoint == endpoint;
    Ok(watches.into_iter().find(is_it))
}
