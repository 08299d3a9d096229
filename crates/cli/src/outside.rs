//! The texts that the command reads from outside, by kind: for tests that feed it damaged ones.

use serde::de::DeserializeOwned;

use crate::operations::{
    deployment::Deployment,
    group::{Group, parse_member, parse_proposer},
    identity,
    network_file::NetworkFile,
    verification::{ReleaseName, npm_lockfile, requirements},
};

/// Whether the command understands a text as one of a kind.
pub type Reader = fn(&str) -> bool;

/// Every kind of text, with its reader.
pub const READERS: [(&str, Reader); 9] = [
    ("deployment-file", is_json::<Deployment>),
    ("network-file", is_json::<NetworkFile>),
    ("group-toml", |text| toml::from_str(text).is_ok_and(|group| is_group(&group))),
    ("group-json", |text| serde_json::from_str(text).is_ok_and(|group| is_group(&group))),
    ("group-arguments", |text| parse_member(text).is_ok() | parse_proposer(text).is_ok()),
    ("npm-lockfile", |text| npm_lockfile::pins(text).is_ok()),
    ("requirements", |text| requirements::pins(text).is_ok()),
    ("release-name", |text| text.parse::<ReleaseName>().is_ok()),
    ("identity-pem", |text| identity::parse(text.as_bytes()).is_some()),
];

fn is_json<T: DeserializeOwned>(text: &str) -> bool {
    serde_json::from_str::<T>(text).is_ok()
}

fn is_group(group: &Group) -> bool {
    drop(group.proposers());
    group.members().is_ok() & group.policies().is_ok()
}
