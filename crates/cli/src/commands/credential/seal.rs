//! `credential seal`: encrypt a token on this machine and hand it to custody. The token comes from a hidden prompt
//! or from standard input, never from an argument, and is never printed.

use std::io::{IsTerminal as _, Read as _};

use clap::{Args as ClapArgs, ValueEnum};
use registry_protocols::secret::{MAX_TOKEN_BYTES, SecretToken};
use release_types::{
    CredentialMode, CredentialPolicy, RegistryId,
    dao::{DepositError, RegistryView},
};
use serde_json::json;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    commands::describe,
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{artifact, group::duration, now_ns, release, seal},
    output::{HEADING, styled},
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
    let deployment = &session.deployment;
    // The key first: nobody is asked for a token that could not be sealed safely.
    let master = session.network.vetkd_master_key(&deployment.key_name)?;
    let info = session.custody().info().await?;
    let key = seal::custody_key(&master, &deployment.key_name, deployment.custody, &info)?;
    let policy = policy(&session, &args).await?;
    context.output.note(format!(
        "{}\n{}",
        styled(HEADING, "this token may be used"),
        describe::credential_policy(&policy)
    ));
    if session.network.is_served_locally {
        context.output.note(
            "note: this is a local network whose keys come from a seed: \
             whoever knows the seed can read this token",
        );
    }
    let token = read_token()?;
    for warning in seal::warnings(&token, &policy) {
        context.output.note(format!("note: {warning}"));
    }
    let token = seal::narrow(token, &policy, now_ns())?;
    let deposit = seal::seal(&key, policy, token)?;
    let policy = deposit.policy.clone();
    let credential = session.dao().deposit(deposit).await?.map_err(refusal)?;
    if credential != policy.id() {
        return Err(Failure::refused(format!(
            "custody keeps the token as {credential}, under another policy than the one sealed"
        )));
    }
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

/// Asks for the token without showing it, or reads it from standard input.
fn read_token() -> Outcome<SecretToken> {
    let cannot = |error: std::io::Error| Failure::usage(format!("the token cannot be read: {error}"));
    let mut text = if std::io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password("token (hidden): ").map_err(cannot)?)
    } else {
        // Room for the longest token, a line end and one byte more, so that the buffer never moves and leaves a copy.
        let mut text = Zeroizing::new(String::with_capacity(2 * MAX_TOKEN_BYTES));
        std::io::stdin().lock().take(MAX_TOKEN_BYTES as u64 + 3).read_to_string(&mut text).map_err(cannot)?;
        text
    };
    let token = text.trim().as_bytes().to_vec();
    text.zeroize();
    SecretToken::new(token).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("type it at the prompt, or pipe it in: `pass show npm | countersign credential seal …`")
    })
}

fn refusal(error: DepositError) -> Failure {
    match error {
        DepositError::NotAllowed { caller } => Failure::refused(format!("{caller} may not deposit a token"))
            .hint("only members may; choose another identity with --identity"),
        DepositError::Refused { reason } => {
            Failure::refused(format!("custody refused the sealed token: {reason}"))
        }
        DepositError::Unavailable { reason } => {
            Failure::network(format!("custody was not reached: {reason}"))
                .hint("nothing was kept; run the command again")
        }
    }
}
