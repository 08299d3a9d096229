//! The methods that a canister module exports: what anybody may try to call.

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload};

use crate::canister_wasm::decompressed_wasm;

/// How a method is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MethodKind {
    Update,
    Query,
    CompositeQuery,
}

/// Every method of a canister's module, by kind and name, the system's own entry points left out.
///
/// # Panics
/// When the module has not been built.
pub fn methods(module: &str) -> BTreeSet<(MethodKind, String)> {
    let mut methods = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&decompressed_wasm(module)) {
        let Payload::ExportSection(exports) = payload.expect("a module") else { continue };
        for export in exports {
            methods.extend(method(export.expect("an export").name));
        }
    }
    methods
}

fn method(export: &str) -> Option<(MethodKind, String)> {
    let (prefix, name) = export.split_once(' ')?;
    let kind = match prefix {
        "canister_update" => MethodKind::Update,
        "canister_query" => MethodKind::Query,
        "canister_composite_query" => MethodKind::CompositeQuery,
        _ => return None,
    };
    Some((kind, name.to_owned()))
}
