//! `propose dist-tag`, `propose deprecate` and `propose promotion-delay`: put to the vote what npm says about versions.

use clap::Args as ClapArgs;
use release_types::{
    Amendment, AmendmentProposal, CredentialId, CredentialMode, Ecosystem, PromotionDelayProposal,
    ProposalAction, RegistryId, proposal::SubmitProposalArgs,
};
use serde_json::json;

use crate::{
    commands::{credential_id, describe},
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{now_ns, proposal, release},
    output::printable,
};

#[derive(Debug, ClapArgs)]
pub struct DistTagArgs {
    /// The package
    package: String,
    /// The tag, such as latest
    tag: String,
    /// The version that it is to name
    version: String,
    /// The version that it names now, needed for latest; if it names another by then, nothing is changed [default: the
    /// tag is new]
    #[arg(long, value_name = "VERSION")]
    replaces: Option<String>,
    /// Let latest name a version that this group did not release and verify
    #[arg(long)]
    allow_unverified: bool,
    #[command(flatten)]
    where_: Where,
}

#[derive(Debug, ClapArgs)]
pub struct DeprecateArgs {
    /// The package
    package: String,
    /// The version
    version: String,
    /// What npm tells whoever installs it
    #[arg(required_unless_present = "undo", conflicts_with = "undo")]
    message: Option<String>,
    /// Take the deprecation back
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    where_: Where,
}

#[derive(Debug, ClapArgs)]
pub struct DelayArgs {
    /// How long after it was verified latest may name a version; 0s for no delay
    #[arg(value_name = "DURATION")]
    delay: humantime::Duration,
    /// At which registry [default: the only npm registry]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

/// Where, and with which token.
#[derive(Debug, ClapArgs)]
struct Where {
    /// At which registry [default: the only npm registry]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// With which credential [default: the newest active one that covers the package]
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential_id)]
    credential: Option<CredentialId>,
    /// With which read-only token, for a registry that shows nothing without one
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential_id)]
    read_credential: Option<CredentialId>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn move_tag(context: &Context, args: DistTagArgs) -> Outcome<Exit> {
    let DistTagArgs { package, tag, version, replaces, allow_unverified, where_ } = args;
    // npm gives it to the first version of a package, and lets nobody take it away.
    if tag == "latest" && replaces.is_none() {
        return Err(Failure::usage("latest names a version of every published package; which one is to be replaced?")
            .hint(format!(
                "add --replaces VERSION; `npm view {} dist-tags` shows it. If it has changed by then, nothing is changed",
                printable(&package)
            )));
    }
    amend(context, package, Amendment::DistTag { tag, version, replaces }, allow_unverified, where_).await
}

pub async fn deprecate(context: &Context, args: DeprecateArgs) -> Outcome<Exit> {
    let DeprecateArgs { package, version, message, undo: _, where_ } = args;
    let message = message.unwrap_or_default();
    amend(context, package, Amendment::Deprecation { version, message }, false, where_).await
}

pub async fn delay_promotions(context: &Context, args: DelayArgs) -> Outcome<Exit> {
    let session = context.session().await?;
    let registry = npm_registry(&session, args.registry).await?;
    let delay_ns = u64::try_from(args.delay.as_nanos()).unwrap_or(u64::MAX);
    let action = ProposalAction::PromotionDelay(PromotionDelayProposal { registry, delay_ns });
    submit(context, &session, action, args.summary).await
}

async fn amend(
    context: &Context,
    package: String,
    amendment: Amendment,
    allow_unverified: bool,
    where_: Where,
) -> Outcome<Exit> {
    let session = context.session().await?;
    let registries = session.dao().registries().await?;
    let wanted = where_.registry.map(RegistryId);
    let registry = release::choose_registry(&registries, wanted.as_ref(), Some(Ecosystem::Npm))?;
    let credentials = session.custody().credentials().await?;
    let choose =
        |wanted, mode| release::choose_credential(&credentials, wanted, registry, &package, mode, now_ns());
    // npm lets stage-only tokens amend as well.
    let credential = choose(where_.credential, CredentialMode::Direct)
        .or_else(|failure| choose(where_.credential, CredentialMode::Staged).map_err(|_| failure))?;
    let read_credential =
        where_.read_credential.map(|id| choose(Some(id), CredentialMode::Read)).transpose()?;
    let registry = registry.id.clone();
    let proposal =
        AmendmentProposal { registry, credential, read_credential, package, amendment, allow_unverified };
    submit(context, &session, ProposalAction::Amendment(proposal), where_.summary).await
}

async fn npm_registry(session: &Session, wanted: Option<String>) -> Outcome<RegistryId> {
    let registries = session.dao().registries().await?;
    let wanted = wanted.map(RegistryId);
    Ok(release::choose_registry(&registries, wanted.as_ref(), Some(Ecosystem::Npm))?.id.clone())
}

async fn submit(
    context: &Context,
    session: &Session,
    action: ProposalAction,
    summary: String,
) -> Outcome<Exit> {
    let what = describe::action(&action);
    let title: String = what.chars().take(200).collect();
    let title = title[..title.floor_char_boundary(200)].to_owned();
    let submitted = SubmitProposalArgs { title, summary, action: action.clone() };
    let id = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": id, "action": action }),
        format!("proposal {id}: {what}\nmembers vote with `countersign vote {id} yes`"),
    );
    Ok(Exit::Done)
}
