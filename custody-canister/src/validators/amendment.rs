//! What voters read of an order to amend.

use release_types::{AmendOrder, Amendment};

use super::{
    order::{render_decision, render_registry},
    rendering::Rendering,
};

pub fn render(order: &AmendOrder) -> String {
    // Every field by name: one that is added has to be shown too.
    let AmendOrder { id, credential, read_credential, registry, package, amendment, decision, expires_at_ns } =
        order;
    let mut text = Rendering::new(&format!("Amend {package} at {}", registry.upload_url));
    text.line("id", &id.0);
    text.line("package", package);
    render_registry(&mut text, registry);
    text.line("credential", credential.to_string());
    if let Some(id) = read_credential {
        text.line("read_credential", id.to_string());
    }
    match amendment {
        Amendment::DistTag { tag, version, replaces } => {
            text.line("amendment.dist_tag", tag);
            text.line("amendment.version", version);
            text.line("amendment.replaces", replaces.as_deref().unwrap_or("nothing: the tag is new"));
        }
        Amendment::Deprecation { version, message } => {
            text.line("amendment.deprecated_version", version);
            text.line("amendment.message", message);
        }
    }
    render_decision(&mut text, decision);
    text.moment("expires_at", *expires_at_ns);
    text.finish()
}
