//! `credential list`: all credentials in custody.

use serde_json::json;

use crate::{
    commands::describe,
    context::Context,
    failure::{Exit, Outcome},
    operations::now_ns,
};

pub async fn run(context: &Context) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let credentials = session.custody().credentials().await?;
    let registries = session.dao().registries().await?;
    let mut text = String::new();
    for credential in &credentials {
        text.push_str(&describe::credential(credential));
        text.extend(describe::credential_ending(credential, &registries, now_ns()));
    }
    if credentials.is_empty() {
        text.push_str("no credentials; seal a token with `countersign credential seal`\n");
    }
    context.output.result(json!({ "credentials": credentials }), text);
    Ok(Exit::Done)
}
