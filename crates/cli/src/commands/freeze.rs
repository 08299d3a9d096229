//! `freeze`: stop custody from using any token, at once and on one member's word.

use clap::Args as ClapArgs;
use release_types::{CredentialId, FreezeArgs, FreezeScope, freeze::FreezeError};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::moment,
    output::{GOOD, WARNING, styled},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Why, for the public log
    #[arg(long, default_value = "a member asked for it")]
    reason: String,
    /// Freeze this credential alone [default: everything]
    #[arg(long, value_name = "CREDENTIAL", value_parser = super::credential_id)]
    credential: Option<CredentialId>,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let scope = args.credential.map_or(FreezeScope::Everything, FreezeScope::Credential);
    let demand =
        session.dao().freeze(FreezeArgs { scope, reason: args.reason }).await?.map_err(
            |error| match error {
                FreezeError::NotAllowed { caller } => Failure::refused(format!("{caller} may not freeze"))
                    .hint("only members may; choose another identity with --identity"),
                FreezeError::Invalid { defects } => {
                    Failure::refused("nothing was frozen").with_defects(defects)
                }
                FreezeError::TooOften { demands, limit, frees_at_ns } => {
                    Failure::refused(format!("you froze {demands} times within a day; {limit} are allowed"))
                        .hint(format!("ask another member, or freeze again from {} on", moment(frees_at_ns)))
                }
            },
        )?;
    let what = describe::freeze::scope(&demand.scope);
    let text = match demand.confirmed_at_ns {
        Some(_) => format!(
            "{}: no key is derived until a vote lifts it: {}",
            styled(GOOD, format!("frozen {what}")),
            describe::freeze::lifting(&demand.scope)
        ),
        None => format!(
            "{}: custody did not confirm yet; the group's canister keeps asking. Look with `countersign status`",
            styled(WARNING, format!("demanded to freeze {what}"))
        ),
    };
    context.output.result(json!(demand), text);
    Ok(Exit::Done)
}
