//! `propose`: upload artifacts and propose their release, or propose what else concerns releases.

mod amendment;
mod control;
mod declaration;
mod motion;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use package_formats::Package;
use release_types::{
    CredentialId, CredentialMode, Ecosystem, ProposalAction, PublishingMode, RegistryId,
    proposal::{NpmAccess, NpmOptions, ReleaseProposal, SourceReference, SubmitProposalArgs},
};
use serde_json::json;

use crate::{
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{
        artifact::{self, Artifacts},
        now_ns, proposal, release,
        upload::upload,
    },
    output::printable,
};

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// One npm tarball (.tgz), or the wheels and the source distribution (.whl, .tar.gz) of one Python version
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Where to publish [default: the only registry that fits]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// How it is published
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// With which credential [default: the newest active one of the mode's kind that covers the package]
    #[arg(long, value_name = "CREDENTIAL", value_parser = super::credential_id)]
    credential: Option<CredentialId>,
    /// The read-only credential for a registry that shows nothing without a token
    #[arg(long, value_name = "CREDENTIAL", value_parser = super::credential_id)]
    read_credential: Option<CredentialId>,
    /// npm: the tag that will point to this version [default: what the package asks for, else latest]
    #[arg(long)]
    tag: Option<String>,
    /// npm: who may install a scoped package [default: what the package asks for, else public]
    #[arg(long, value_enum)]
    access: Option<Access>,
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
    /// Where the source is
    #[arg(long, value_name = "URL", requires = "commit")]
    source_repository: Option<String>,
    /// The source's commit
    #[arg(long, requires = "source_repository")]
    commit: Option<String>,
    /// The source's tag
    #[arg(long, value_name = "TAG", requires = "source_repository")]
    source_tag: Option<String>,
    /// How to build the same bytes from the source
    #[arg(long, value_name = "INSTRUCTIONS", requires = "source_repository")]
    rebuild: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Mode {
    /// Custody uploads the bytes
    #[default]
    Direct,
    /// npm: custody stages the bytes, a person approves at the registry
    Staged,
    /// npm: CI stages the bytes, custody compares them, a person approves at the registry
    StagedElsewhere,
    /// You publish as you like, custody compares what is live
    VerifyOnly,
}

impl From<Mode> for PublishingMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Direct => Self::Direct,
            Mode::Staged => Self::Staged,
            Mode::StagedElsewhere => Self::StagedElsewhere,
            Mode::VerifyOnly => Self::VerifyOnly,
        }
    }
}

/// Proposals other than of a release.
#[derive(Debug, Subcommand)]
enum What {
    /// Say what became of an artifact that never appeared
    Declaration(declaration::Args),
    /// Put the group's word on the record: nothing but a title and a summary
    Motion(motion::Args),
    /// npm: let a dist-tag name another version: a promotion, or a rollback
    DistTag(amendment::DistTagArgs),
    /// npm: warn whoever installs a version, or no longer
    Deprecate(amendment::DeprecateArgs),
    /// npm: set how long a version must have been verified before latest may name it
    PromotionDelay(amendment::DelayArgs),
    /// Put new code into the DAO, custody or the upgrader
    Upgrade(control::UpgradeArgs),
    /// Adjust the DAO, custody or the upgrader
    CanisterSettings(control::SettingsArgs),
    /// Pass cycles on from the DAO
    TopUp(control::TopUpArgs),
    /// End a recovery of the DAO before it is carried out
    CancelRecovery(control::CancelRecoveryArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Access {
    Public,
    Restricted,
}

impl From<Access> for NpmAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::Public => Self::Public,
            Access::Restricted => Self::Restricted,
        }
    }
}

impl Args {
    fn npm_options(&self, artifacts: &Artifacts) -> Option<NpmOptions> {
        let package = artifacts.artifacts.iter().find_map(|artifact| match &artifact.package {
            Package::Npm(package) => Some(package),
            Package::Python(_) => None,
        })?;
        let dist_tag = self.tag.clone().or_else(|| package.requested_dist_tag.clone());
        let access = self.access.map(NpmAccess::from).or(package.requested_access);
        Some(NpmOptions {
            dist_tag: dist_tag.unwrap_or_else(|| "latest".into()),
            access: access.unwrap_or(NpmAccess::Public),
        })
    }

    fn source(&self) -> Option<SourceReference> {
        let (repository, commit) = (self.source_repository.clone()?, self.commit.clone()?);
        Some(SourceReference {
            repository,
            commit,
            tag: self.source_tag.clone(),
            rebuild: self.rebuild.clone(),
        })
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    match args.what {
        Some(What::Declaration(args)) => declaration::run(context, args).await,
        Some(What::Motion(args)) => motion::run(context, args).await,
        Some(What::DistTag(args)) => amendment::move_tag(context, args).await,
        Some(What::Deprecate(args)) => amendment::deprecate(context, args).await,
        Some(What::PromotionDelay(args)) => amendment::delay_promotions(context, args).await,
        Some(What::Upgrade(args)) => control::upgrade(context, args).await,
        Some(What::CanisterSettings(args)) => control::settings(context, args).await,
        Some(What::TopUp(args)) => control::top_up(context, args).await,
        Some(What::CancelRecovery(args)) => control::cancel_recovery(context, args).await,
        None => propose_release(context, args).await,
    }
}

async fn propose_release(context: &Context, args: Args) -> Outcome<Exit> {
    // First what needs no network: a broken package fails here, with everything that is wrong with it.
    let artifacts = artifact::open_all(&args.paths)?;
    if (args.tag.is_some() || args.access.is_some()) && artifacts.ecosystem != Ecosystem::Npm {
        return Err(Failure::usage("--tag and --access are npm's; these artifacts are for a Python index"));
    }
    let session = context.session().await?;
    let Destination { registry, credential, read_credential } =
        destination(&session, &args, &artifacts).await?;
    let mut references = Vec::new();
    for artifact in &artifacts.artifacts {
        let what = format!("uploading {}", printable(&artifact.filename));
        let progress = context.output.bytes(&what, artifact.bytes.len() as u64);
        let sent = |part| progress.advance(part);
        references.push(upload(&session.dao(), &artifact.filename, &artifact.bytes, sent).await?);
    }
    let npm = args.npm_options(&artifacts);
    let source = args.source();
    let Artifacts { name, version, .. } = artifacts;
    let title = args.title.unwrap_or_else(|| format!("Release {name} {version}"));
    let release = ReleaseProposal {
        registry,
        mode: args.mode.into(),
        credential,
        read_credential,
        name,
        version,
        artifacts: references,
        npm,
        source,
    };
    let action = ProposalAction::Release(release.clone());
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let (id, is_known) = proposal::submit_once(&session.dao(), submitted).await?;
    let known = if is_known { " (proposed before, and live)" } else { "" };
    let (name, version) = (printable(&release.name), printable(&release.version));
    let mut text = format!("proposal {id}{known}: release {name} {version}\n");
    for artifact in &release.artifacts {
        text.push_str(&format!("  {}  {}\n", artifact.sha256, printable(&artifact.filename)));
    }
    text.push_str(&format!(
        "members look with `countersign show {id}` and vote with `countersign vote {id} yes`\n"
    ));
    context.output.result(json!({ "proposal": id, "proposed_before": is_known, "release": release }), text);
    Ok(Exit::Done)
}

/// Where a release goes, and with which credentials.
struct Destination {
    registry: RegistryId,
    credential: Option<CredentialId>,
    read_credential: Option<CredentialId>,
}

async fn destination(session: &Session, args: &Args, artifacts: &Artifacts) -> Outcome<Destination> {
    let registries = session.dao().registries().await?;
    let wanted = args.registry.clone().map(RegistryId);
    let registry = release::choose_registry(&registries, wanted.as_ref(), Some(artifacts.ecosystem))?;
    let package = artifact::registered_name(artifacts.ecosystem, &artifacts.name)?;
    let credentials = session.custody().credentials().await?;
    let choose =
        |wanted, mode| release::choose_credential(&credentials, wanted, registry, &package, mode, now_ns());
    let mode = PublishingMode::from(args.mode);
    let credential = match mode.credential_mode() {
        Some(kind) => Some(choose(args.credential, kind)?),
        None if args.credential.is_some() => {
            return Err(Failure::usage(format!("a {mode} release uses no credential"))
                .hint("leave --credential out, or choose another --mode"));
        }
        None => None,
    };
    let read_credential = match args.read_credential {
        Some(id) => Some(choose(Some(id), CredentialMode::Read)?),
        None => None,
    };
    Ok(Destination { registry: registry.id.clone(), credential, read_credential })
}
