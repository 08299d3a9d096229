//! `credential status`: one credential.

use clap::Args as ClapArgs;
use release_types::CredentialId;
use serde_json::json;

use crate::{
    commands::{credential_id, describe},
    context::Context,
    failure::{Exit, Failure, Outcome},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "CREDENTIAL", value_parser = credential_id)]
    id: CredentialId,
}

pub async fn run(context: &Context, Args { id }: Args) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let found = session.custody().credential(id).await?;
    let view = found.ok_or_else(|| {
        Failure::refused(format!("custody has no credential {id}"))
            .hint("`countersign credential list` shows all of them")
    })?;
    context.output.result(json!({ "credential": view }), describe::credential(&view));
    Ok(Exit::Done)
}
