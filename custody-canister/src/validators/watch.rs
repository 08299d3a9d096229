//! What voters read of watching a package, and of its end.

use release_types::{PackageKey, watch::WatchArgs};

use super::{order::render_registry, rendering::Rendering};

pub fn render_watch(args: &WatchArgs) -> String {
    let WatchArgs { registry, package, interval_s, read_credential } = args;
    let mut text =
        Rendering::new(&format!("Watch {package}; what the registry lists now counts as approved"));
    text.line("package", package);
    text.line("interval_s", interval_s.to_string());
    if let Some(id) = read_credential {
        text.line("read_credential", id.to_string());
    }
    render_registry(&mut text, registry);
    text.finish()
}

pub fn render_unwatch(key: &PackageKey) -> String {
    let PackageKey { ecosystem, endpoint, package } = key;
    let mut text = Rendering::new(&format!("Watch {package} no longer"));
    text.line("package", package);
    text.line("ecosystem", ecosystem.to_string());
    text.line("endpoint", endpoint);
    text.finish()
}
