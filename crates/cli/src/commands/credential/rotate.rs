//! `credential rotate`: replace a token by a new one, in one command that is run until nothing is left to do.

use clap::Args as ClapArgs;
use release_types::{
    CredentialId, CredentialPolicy, ProposalAction, ProposalId,
    credential::CredentialView,
    proposal::{CredentialProposal, SubmitProposalArgs},
};
use serde_json::json;

use crate::{
    commands::{credential::deposit, credential_id},
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{
        group::duration,
        now_ns, proposal,
        rotation::{self, Step},
    },
    output::{HEADING, styled},
};

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Run it again after each vote: it goes on from where the rotation stands, and ends with nothing left to do.
  1. make a new token at the registry   2. rotate: seals it and proposes its activation   3. vote
  4. rotate: proposes to revoke the old one   5. vote   6. revoke the old token at the registry itself")]
pub struct Args {
    /// The credential to be replaced
    #[arg(long, value_name = "CREDENTIAL", value_parser = credential_id)]
    credential: CredentialId,
    /// How long custody may use the new token; npm: 90 days at most
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires_in: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let credentials = session.custody().credentials().await?;
    let old = credentials.iter().find(|view| view.id == args.credential).ok_or_else(|| {
        Failure::refused(format!("custody has no credential {}", args.credential))
            .hint("`countersign credential list` shows all of them")
    })?;
    let packages = old.policy.packages.join(", ");
    match rotation::next_step(old, &credentials, now_ns()) {
        Step::Seal { epoch } => {
            let policy = policy(old, &args, epoch)?;
            let key = deposit::custody_key(context, &session).await?;
            let successor = deposit::seal_and_deposit(context, &session, &key, policy).await?;
            activate(context, &session, successor, now_ns(), &packages).await
        }
        Step::Activate { successor } => {
            let deposited_at_ns = deposited_at_ns(&credentials, successor);
            activate(context, &session, successor, deposited_at_ns, &packages).await
        }
        Step::WaitForTrial { successor } => {
            let next = format!("look with `countersign credential status {successor}`, then run this again");
            tell(context, successor, None, "custody is trying the new token", &next)
        }
        Step::RevokeOld { successor } => {
            let title = format!("Revoke the replaced {} token for {packages}", old.policy.ecosystem);
            let change = rotation::revocation(old.id);
            let proposal = propose(&session, change, old.deposited_at_ns, title).await?;
            let next = format!(
                "members vote with `countersign vote {proposal} yes`; revoke the old token at the registry as \
                 well: only that makes it worthless"
            );
            tell(
                context,
                successor,
                Some(proposal),
                "the new token works; revoking the old one is proposed",
                &next,
            )
        }
        Step::Done { successor } => {
            let next = "make sure that the old token is revoked at the registry as well";
            tell(context, successor, None, "the rotation is complete", next)
        }
    }
}

fn policy(old: &CredentialView, args: &Args, epoch: u32) -> Outcome<CredentialPolicy> {
    let now_ns = now_ns();
    let lifetime = duration("--expires-in", &args.expires_in)?;
    let lifetime_ns = u64::try_from(lifetime.as_nanos()).unwrap_or(u64::MAX);
    let not_after_ns = now_ns.saturating_add(lifetime_ns);
    let policy = CredentialPolicy { not_before_ns: 0, not_after_ns, epoch, ..old.policy.clone() };
    rotation::check_period(&policy, now_ns)?;
    Ok(policy)
}

fn deposited_at_ns(credentials: &[CredentialView], id: CredentialId) -> u64 {
    credentials.iter().find(|view| view.id == id).map_or(0, |view| view.deposited_at_ns)
}

async fn activate(
    context: &Context,
    session: &Session,
    successor: CredentialId,
    deposited_at_ns: u64,
    packages: &str,
) -> Outcome<Exit> {
    let title = format!("Activate the new token for {packages}");
    let proposal = propose(session, rotation::activation(successor), deposited_at_ns, title).await?;
    let next = format!("members vote with `countersign vote {proposal} yes`; then run this again");
    tell(context, successor, Some(proposal), "the new token is sealed; its activation is proposed", &next)
}

/// Submits a proposal, unless it is under way already.
async fn propose(
    session: &Session,
    change: CredentialProposal,
    deposited_at_ns: u64,
    title: String,
) -> Outcome<ProposalId> {
    let dao = session.dao();
    if let Some(id) = rotation::proposal_under_way(&dao, &change, deposited_at_ns).await? {
        return Ok(id);
    }
    let action = ProposalAction::Credential(change);
    proposal::submit(&dao, SubmitProposalArgs { title, summary: String::new(), action }).await
}

fn tell(
    context: &Context,
    successor: CredentialId,
    proposal: Option<ProposalId>,
    stands: &str,
    next: &str,
) -> Outcome<Exit> {
    let value = json!({ "successor": successor, "proposal": proposal, "stands": stands, "next": next });
    let text = format!("{}\nnew credential {successor}\nnext: {next}\n", styled(HEADING, stands));
    context.output.result(value, text);
    Ok(Exit::Done)
}
