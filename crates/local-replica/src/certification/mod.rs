//! What makes answers believable: the state tree, certificates signed by the subnet's root key, and
//! the nodes' own keys, which sign query responses.

mod branch;
mod certificate;
mod node_key;
mod state_tree;
mod subnet_key;

pub use certificate::CertifiedTree;
pub use node_key::NodeKey;
pub use state_tree::{Path, StateTree};
pub use subnet_key::SubnetKey;
