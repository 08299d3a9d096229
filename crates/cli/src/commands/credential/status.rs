//! `credential status`: one credential.

use clap::Args as ClapArgs;
use release_types::CredentialId;
use serde_json::json;

use crate::{
    commands::{credential_id, describe},
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::now_ns,
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
    let registries = session.dao().registries().await?;
    let mut text = describe::credential(&view);
    text.extend(describe::credential_ending(&view, &registries, now_ns()));
    context.output.result(json!({ "credential": view }), text);
    Ok(Exit::Done)
}
