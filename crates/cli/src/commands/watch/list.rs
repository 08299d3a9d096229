//! `watch list`: what is watched, and what was found.

use serde_json::json;

use crate::{
    commands::describe,
    context::Context,
    failure::{Exit, Outcome},
};

pub async fn run(context: &Context) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let watches = session.custody().watches().await?;
    let mut text: String = watches.iter().map(describe::alarms::watch).collect();
    if watches.is_empty() {
        text.push_str("nothing is watched; propose it with `countersign watch propose PACKAGE`\n");
    }
    context.output.result(json!({ "watches": watches }), text);
    Ok(Exit::Done)
}
