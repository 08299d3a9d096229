//! npm's normalisation: from `package.json` to the version document that `npm publish FILE.tgz` sends.
//!
//! The registry does not compare what it is told with the tarball, so the document is computed here from the
//! voted bytes and never taken from anybody. One function a step, run in npm's order, because a later step sees
//! what an earlier one did; keys stay where npm leaves them. Where npm itself would stop with an error, a defect is
//! reported. What npm itself sends for many packages lies in `tests/fixtures`, recorded by `scripts/golden`.
//!
//! Left out: `gitHead` (a tarball has no repository) and messages that only warn.

mod fields;
mod from_files;
mod hosted_git;
mod javascript;
mod metadata;
mod people;
mod posix_path;

use serde_json::{Map, Value};

use super::tree::Tree;
use crate::report::Report;

pub(super) use javascript::{encode_uri_component, is_truthy};

/// Whether npm takes an address for a repository on one of the hosts that it knows, which it clones, rather than for a
/// file that it downloads.
pub fn is_hosted_repository(address: &str) -> bool {
    hosted_git::HostedRepository::parse(address).is_some()
}

/// The version document without `dist`.
pub(super) fn version_document(
    content: Map<String, Value>,
    tree: &Tree,
    report: &mut Report,
) -> Map<String, Value> {
    let mut data = javascript::as_javascript_orders(content);
    from_files::add_gyp_install_script(&mut data, tree);
    from_files::add_server_start_script(&mut data, tree);
    from_files::add_contributors_from_authors(&mut data, tree);
    from_files::add_readme(&mut data, tree);
    from_files::expand_man_directory(&mut data, tree, report);
    from_files::expand_bin_directory_or_normalise_bin(&mut data, tree, report);
    from_files::add_types(&mut data, tree, report);

    fields::trim_name(&mut data);
    fields::clean_version(&mut data);
    fields::remove_underscore_keys(&mut data);
    fields::set_id(&mut data);
    fields::rename_bundled_dependencies(&mut data);
    fields::normalise_bundle_dependencies(&mut data);
    fields::normalise_scripts(&mut data, report);
    fields::normalise_repository(&mut data);
    fields::normalise_dependencies(&mut data);

    metadata::fix_description(&mut data, report);
    metadata::remove_modules(&mut data);
    metadata::fix_files(&mut data);
    metadata::fix_bugs(&mut data);
    metadata::fix_keywords(&mut data);
    metadata::fix_bundle_dependencies(&mut data);
    metadata::fix_homepage(&mut data);
    metadata::fix_readme(&mut data);
    people::fix_people(&mut data, report);

    // The publishing transport writes its own, and nothing of the package's may survive in it.
    data.shift_remove("dist");
    data
}
