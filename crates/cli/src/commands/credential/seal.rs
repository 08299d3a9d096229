//! `credential seal`: encrypt a token on this machine and hand it to custody.

use clap::{Args as ClapArgs, ValueEnum};
use release_types::{CredentialMode, CredentialPolicy, RegistryId, dao::RegistryView};
use serde_json::json;

use crate::{
    commands::credential::deposit,
    context::{Context, Session},
    failure::{Exit, Outcome},
    operations::{artifact, group::duration, now_ns, release, rotation, seal},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The registry that the token is for [default: the only one in place]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// A package that it may publish; repeat for each
    #[arg(long = "package", value_name = "NAME", required = true)]
    packages: Vec<String>,
    /// What custody may do with it: upload, stage (npm), or only read a registry that shows nothing without a token
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// How long custody may use it
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires_in: String,
    /// Number of this token among those for the same registry [default: the next]
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Mode {
    #[default]
    Direct,
    Staged,
    Read,
}

impl From<Mode> for CredentialMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Direct => Self::Direct,
            Mode::Staged => Self::Staged,
            Mode::Read => Self::Read,
        }
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let key = deposit::custody_key(context, &session).await?;
    let policy = policy(&session, &args).await?;
    rotation::check_period(&policy, now_ns())?;
    let credential = deposit::seal_and_deposit(context, &session, &key, policy.clone()).await?;
    context.output.result(
        json!({ "credential": credential, "policy": policy }),
        format!("{credential}\nput it to the vote with `countersign credential propose {credential}`"),
    );
    Ok(Exit::Done)
}

async fn policy(session: &Session, args: &Args) -> Outcome<CredentialPolicy> {
    let registries = session.dao().registries().await?;
    let wanted = args.registry.clone().map(RegistryId);
    let RegistryView { registry, .. } = release::choose_registry(&registries, wanted.as_ref(), None)?;
    let lifetime = duration("--expires-in", &args.expires_in)?;
    let lifetime_ns = u64::try_from(lifetime.as_nanos()).unwrap_or(u64::MAX);
    let mode = CredentialMode::from(args.mode);
    let (ecosystem, endpoint) = (registry.ecosystem, mode.endpoint(registry).to_owned());
    let epoch = match args.epoch {
        Some(epoch) => epoch,
        None => seal::next_epoch(&session.custody().credentials().await?, ecosystem, &endpoint),
    };
    let packages = args.packages.iter().map(|name| artifact::registered_name(ecosystem, name));
    Ok(CredentialPolicy {
        custody: session.deployment.custody,
        ecosystem,
        endpoint,
        packages: packages.collect::<Outcome<_>>()?,
        mode,
        not_before_ns: 0,
        not_after_ns: now_ns().saturating_add(lifetime_ns),
        epoch,
    })
}
