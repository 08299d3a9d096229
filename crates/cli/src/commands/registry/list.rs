//! `registry list`: the registries in place.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    commands::describe,
    context::Context,
    failure::{Exit, Outcome},
    output::{HEADING, printable, styled},
};

pub async fn run(context: &Context) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let registries = session.dao().registries().await?;
    let mut text = String::new();
    for view in &registries {
        let _ = writeln!(text, "{} ({})", styled(HEADING, printable(&view.id.0)), view.registry.ecosystem,);
        for (name, value) in describe::registry_facts(&view.registry) {
            let _ = writeln!(text, "  {name:<7} {value}");
        }
    }
    if registries.is_empty() {
        text.push_str("no registries; propose one with `countersign registry propose`\n");
    }
    context.output.result(json!({ "registries": registries }), text);
    Ok(Exit::Done)
}
