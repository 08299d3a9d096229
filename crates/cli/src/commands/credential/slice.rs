//! `credential slice`: cut one token of a Python project into dated slices, seal each to a while of its own, and forget
//! the token.

use std::{fmt::Write as _, fs::File, path::PathBuf};

use clap::Args as ClapArgs;
use release_types::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, ProposalAction, ProposalId, RegistryId,
    credential::DepositCredentialArgs, proposal::SubmitProposalArgs,
};
use serde_json::json;

use crate::{
    commands::credential::deposit,
    context::{Context, Session},
    failure::{Exit, Failure, FailureKind, Outcome},
    operations::{
        artifact, moment, now_ns, proposal, release, rotation, seal,
        slicing::{self, Plan},
    },
    output::{HEADING, printable, styled},
};

/// How often one deposit is tried; the same deposit again changes nothing.
const ATTEMPTS: u32 = 3;

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The token is cut offline. Afterwards no copy of it is needed: delete the file, and keep none. Whoever steals a slice
has it for this project and its while alone; deleting the token at the index ends all of its slices.")]
pub struct Args {
    /// File that holds the project's token
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The project that the slices are for
    #[arg(long, value_name = "NAME")]
    project: String,
    /// The registry that the token is for [default: the only Python index in place]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// How many slices; a member may have ten deposits that nobody voted on
    #[arg(long, value_name = "NUMBER", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=10))]
    slices: u32,
    /// How many days each slice lasts
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

/// A slice in custody.
struct Deposited {
    credential: CredentialId,
    policy: CredentialPolicy,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let key = deposit::custody_key(context, &session).await?;
    let first = first_policy(&session, &args).await?;
    // Everything is sealed before anything is sent: what cannot be sealed leaves nothing half done.
    let sealed = {
        let token = File::open(&args.token_file)
            .map_err(|error| Failure::file("read the token", &args.token_file, error))
            .and_then(deposit::read_token)?;
        let plan = Plan { slices: args.slices, days: args.days };
        let slices = slicing::cut(&token, &first, plan, now_ns())?;
        let sealed = slices.into_iter().map(|slice| seal::seal(&key, slice.policy, slice.token));
        sealed.collect::<Outcome<Vec<_>>>()?
    };
    let mut waiting = context.output.waiting("depositing the slices");
    let mut deposited = Vec::new();
    for (index, args) in sealed.into_iter().enumerate() {
        waiting.say(&format!("depositing slice {}", index + 1));
        let policy = args.policy.clone();
        deposited.push(Deposited { credential: deposit_surely(&session, args).await?, policy });
    }
    waiting.say("proposing to activate them");
    let mut proposals = Vec::new();
    for slice in &deposited {
        let proposed = propose(&session, slice, &first.packages[0]).await;
        proposals
            .push(proposed.map_err(|failure| with_what_is_left(failure, &deposited[proposals.len()..]))?);
    }
    drop(waiting);
    tell(context, &args, &deposited, &proposals);
    Ok(Exit::Done)
}

async fn first_policy(session: &Session, args: &Args) -> Outcome<CredentialPolicy> {
    let registries = session.dao().registries().await?;
    let wanted = args.registry.clone().map(RegistryId);
    let found = release::choose_registry(&registries, wanted.as_ref(), Some(Ecosystem::Pypi))?;
    let mode = CredentialMode::Direct;
    let endpoint = mode.endpoint(&found.registry).to_owned();
    let epoch = seal::next_epoch(&session.custody().credentials().await?, Ecosystem::Pypi, &endpoint);
    Ok(CredentialPolicy {
        custody: session.deployment.custody,
        ecosystem: Ecosystem::Pypi,
        endpoint,
        packages: vec![artifact::registered_name(Ecosystem::Pypi, &args.project)?],
        mode,
        not_before_ns: 0,
        not_after_ns: 0,
        epoch,
    })
}

async fn deposit_surely(session: &Session, args: DepositCredentialArgs) -> Outcome<CredentialId> {
    for _ in 1..ATTEMPTS {
        match deposit::deposit(session, args.clone()).await {
            Err(failure) if failure.kind == FailureKind::Network => {}
            answered => return answered,
        }
    }
    deposit::deposit(session, args).await.map_err(|failure| {
        failure.hint(
            "the token file is untouched; run the command again, and have slices revoked that were deposited twice \
             (`countersign credential list`)",
        )
    })
}

async fn propose(session: &Session, slice: &Deposited, project: &str) -> Outcome<ProposalId> {
    let title = format!("Activate the token of {project} from {}", moment(slice.policy.not_before_ns));
    let action = ProposalAction::Credential(rotation::activation(slice.credential));
    proposal::submit(&session.dao(), SubmitProposalArgs { title, summary: String::new(), action }).await
}

fn with_what_is_left(failure: Failure, left: &[Deposited]) -> Failure {
    let ids: Vec<_> = left.iter().map(|slice| slice.credential.to_string()).collect();
    failure.hint(format!(
        "every slice is in custody; propose the rest with `countersign credential propose ID`: {}",
        ids.join(", ")
    ))
}

fn tell(context: &Context, args: &Args, deposited: &[Deposited], proposals: &[ProposalId]) {
    let mut text = format!("{}\n", styled(HEADING, format!("{} slices are in custody", deposited.len())));
    let mut slices = Vec::new();
    for (slice, proposal) in deposited.iter().zip(proposals) {
        let Deposited { credential, policy } = slice;
        let _ = writeln!(
            text,
            "  {} until {}: credential {credential}, proposal {proposal}",
            moment(policy.not_before_ns),
            moment(policy.not_after_ns)
        );
        slices.push(json!({ "credential": credential, "policy": policy, "proposal": proposal }));
    }
    let file = printable(&args.token_file.display().to_string());
    let _ = writeln!(
        text,
        "now delete {file} and every other copy of the token: custody has what is needed\n\
         members vote with `countersign vote N yes`; a release uses the slice of its day"
    );
    context.output.result(json!({ "slices": slices, "delete": args.token_file }), text);
}
