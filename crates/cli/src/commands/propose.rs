//! `propose`: upload artifacts and propose their release.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use package_formats::Package;
use release_types::{
    CredentialId, Ecosystem, ProposalAction, RegistryId,
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
pub struct Args {
    /// One npm tarball (.tgz), or the wheels and the source distribution (.whl, .tar.gz) of one Python version
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Where to publish [default: the only registry that fits]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// With which credential [default: the newest active one that covers the package]
    #[arg(long, value_name = "CREDENTIAL", value_parser = super::credential_id)]
    credential: Option<CredentialId>,
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
    // First what needs no network: a broken package fails here, with everything that is wrong with it.
    let artifacts = artifact::open_all(&args.paths)?;
    if (args.tag.is_some() || args.access.is_some()) && artifacts.ecosystem != Ecosystem::Npm {
        return Err(Failure::usage("--tag and --access are npm's; these artifacts are for a Python index"));
    }
    let session = context.session().await?;
    let (registry, credential) = destination(&session, &args, &artifacts).await?;
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
    let release = ReleaseProposal { registry, credential, name, version, artifacts: references, npm, source };
    let action = ProposalAction::Release(release.clone());
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let id = proposal::submit(&session.dao(), submitted).await?;
    let mut text =
        format!("proposal {id}: release {} {}\n", printable(&release.name), printable(&release.version));
    for artifact in &release.artifacts {
        text.push_str(&format!("  {}  {}\n", artifact.sha256, printable(&artifact.filename)));
    }
    text.push_str(&format!(
        "members look with `countersign show {id}` and vote with `countersign vote {id} yes`\n"
    ));
    context.output.result(json!({ "proposal": id, "release": release }), text);
    Ok(Exit::Done)
}

async fn destination(
    session: &Session,
    args: &Args,
    artifacts: &Artifacts,
) -> Outcome<(RegistryId, CredentialId)> {
    let registries = session.dao().registries().await?;
    let wanted = args.registry.clone().map(RegistryId);
    let registry = release::choose_registry(&registries, wanted.as_ref(), Some(artifacts.ecosystem))?;
    let package = artifact::registered_name(artifacts.ecosystem, &artifacts.name)?;
    let credentials = session.custody().credentials().await?;
    let credential = release::choose_credential(&credentials, args.credential, registry, &package, now_ns())?;
    Ok((registry.id.clone(), credential))
}
