//! Proposals to put a registry's endpoints in place.

use registry_protocols::endpoint::RegistryEndpoints;
use release_types::{Defect, proposal::RegistryProposal};

use crate::state::State;

const MAX_ID_BYTES: usize = 40;

pub fn validate(state: &State, proposal: &RegistryProposal) -> Result<(), Vec<Defect>> {
    let RegistryProposal { id, registry } = proposal;
    let mut defects = RegistryEndpoints::check(registry).err().unwrap_or_default();
    let is_id_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=MAX_ID_BYTES).contains(&id.0.len()) || !id.0.bytes().all(is_id_byte) {
        defects.push(Defect::new(
            "id",
            id.0.chars().take(MAX_ID_BYTES).collect::<String>(),
            "1 to 40 of a-z, 0-9 and -",
            "Choose a short name such as `npm` or `python-staging`.",
        ));
    }
    if let Some(present) = state.registry(id)
        && present.ecosystem != registry.ecosystem
    {
        defects.push(Defect::new(
            "registry.ecosystem",
            registry.ecosystem.to_string(),
            format!("{}, as it is in place", present.ecosystem),
            "Choose another name for a registry of another kind.",
        ));
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}
