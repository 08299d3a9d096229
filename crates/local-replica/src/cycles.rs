//! Prices in cycles: the network's published fees for a subnet of 13 nodes, scaled by size.

/// Nodes of the subnet for which the network publishes its fees.
const REFERENCE_NODES: u128 = 13;
const GIB: u128 = 1 << 30;
const NS_PER_SECOND: u128 = 1_000_000_000;

/// Instruction limit of an update, a callback or a timer.
pub const UPDATE_INSTRUCTIONS: u64 = 40_000_000_000;
/// What a callback must leave of [`UPDATE_INSTRUCTIONS`] for its cleanup.
pub const CLEANUP_RESERVE_INSTRUCTIONS: u64 = UPDATE_INSTRUCTIONS / 20;
/// Instruction limit of installing or upgrading code.
pub const INSTALL_INSTRUCTIONS: u64 = 300_000_000_000;
/// Instruction limit of a query or a transform.
pub const QUERY_INSTRUCTIONS: u64 = 5_000_000_000;
/// Instruction limit of `canister_inspect_message`.
pub const INSPECT_INSTRUCTIONS: u64 = 200_000_000;

/// Largest response of a canister in replicated execution, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 2 * 1024 * 1024;
/// Largest response of a query by a user, in bytes.
pub const MAX_QUERY_RESPONSE_BYTES: usize = 3 * 1024 * 1024;
/// Longest name of a method that can be called, in bytes.
pub const MAX_METHOD_NAME_BYTES: usize = 20_000;
/// Largest payload of a call between canisters of one subnet, in bytes: method name and argument.
pub const MAX_CALL_PAYLOAD_BYTES: usize = 10 * 1024 * 1024;
/// The same, to a canister on another subnet.
pub const MAX_STREAM_PAYLOAD_BYTES: usize = 2 * 1024 * 1024;

/// How many calls of one canister to another may be open at once.
pub const MAX_OPEN_CALLS_PER_CALLEE: usize = 500;

/// The fees of a subnet with `nodes` nodes. All amounts are cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    nodes: u128,
}

impl Prices {
    pub fn new(nodes: u32) -> Self {
        Self { nodes: u128::from(nodes) }
    }

    pub fn nodes(&self) -> u32 {
        u32::try_from(self.nodes).expect("made from a u32")
    }

    fn scaled(&self, at_reference: u128) -> u128 {
        at_reference * self.nodes / REFERENCE_NODES
    }

    /// Executing one message of so many instructions.
    pub fn execution(&self, instructions: u64) -> u128 {
        self.scaled(5_000_000 + u128::from(instructions))
    }

    /// Receiving one ingress message; `bytes` are those of method name and argument.
    pub fn ingress(&self, bytes: usize) -> u128 {
        self.scaled(1_200_000 + 2_000 * bytes as u128)
    }

    /// Sending a request to another canister, without what is set aside for its response.
    pub fn request_transmission(&self, bytes: u64) -> u128 {
        self.scaled(260_000 + 1_000 * u128::from(bytes))
    }

    /// Transmitting a response of so many bytes.
    pub fn response_transmission(&self, bytes: usize) -> u128 {
        self.scaled(1_000 * bytes as u128)
    }

    /// What a call sets aside for its response: the largest reply and the longest callback.
    pub fn response_prepayment(&self) -> u128 {
        self.response_transmission(MAX_RESPONSE_BYTES) + self.execution(UPDATE_INSTRUCTIONS)
    }

    /// What [`call_perform`](https://docs.internetcomputer.org) takes from the balance besides
    /// the attached cycles; part of it returns with the response.
    pub fn call(&self, method_name_bytes: u64, payload_bytes: u64) -> u128 {
        self.request_transmission(method_name_bytes.saturating_add(payload_bytes))
            + self.response_prepayment()
    }

    pub fn create_canister(&self) -> u128 {
        self.scaled(500_000_000_000)
    }

    /// One vetKD derivation or threshold signature. `key_1` lives on a subnet of 34 nodes,
    /// the test keys on one of 13, whatever the size of this subnet.
    pub fn threshold_key(&self, key_name: &str) -> Option<u128> {
        match key_name {
            "key_1" => Some(26_153_846_153),
            "test_key_1" => Some(10_000_000_000),
            _ => None,
        }
    }

    /// Storing so many bytes for so long.
    pub fn storage(&self, bytes: u128, duration_ns: u128) -> u128 {
        self.scaled(127_000).saturating_mul(bytes).saturating_mul(duration_ns) / (GIB * NS_PER_SECOND)
    }

    /// A guaranteed share of the processor for so long.
    pub fn compute_allocation(&self, percent: u64, duration_ns: u128) -> u128 {
        self.scaled(10_000_000).saturating_mul(percent.into()).saturating_mul(duration_ns) / NS_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::Prices;

    #[test]
    fn should_charge_the_published_fees_on_thirteen_nodes_and_scale_them_on_others() {
        assert_eq!(Prices::new(13).execution(1_000), 5_001_000);
        assert_eq!(Prices::new(26).execution(1_000), 10_002_000);
        assert_eq!(Prices::new(13).ingress(10), 1_220_000);
        assert_eq!(Prices::new(13).create_canister(), 500_000_000_000);
    }

    #[test]
    fn should_know_no_price_for_an_unknown_key() {
        assert_eq!(Prices::new(13).threshold_key("key_2"), None);
    }
}
