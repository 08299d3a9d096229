//! Unmodified clients against a replica that runs as a process of its own. They are found where `scripts/clients`
//! puts them; a client that is not there is a failure here, so run `scripts/clients install` first.

mod browser;
mod icp;
mod network;
mod node;
