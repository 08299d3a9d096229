//! What voters read of freezing and of lifting a freeze.

use release_types::freeze::{FreezeArgs, FreezeScope};

use super::rendering::Rendering;

pub fn render_freeze(args: &FreezeArgs) -> String {
    let FreezeArgs { scope, reason } = args;
    let mut text = Rendering::new("Freeze: derive no key any more");
    text.line("scope", name(*scope));
    text.line("reason", reason);
    text.finish()
}

pub fn render_unfreeze(scope: FreezeScope) -> String {
    let mut text = Rendering::new("Lift a freeze");
    text.line("scope", name(scope));
    text.finish()
}

fn name(scope: FreezeScope) -> String {
    match scope {
        FreezeScope::Everything => "everything".into(),
        FreezeScope::Credential(id) => format!("credential {id}"),
    }
}
