//! What the commands do, without arguments to parse and without printing.

pub mod artifact;
pub mod audit;
pub mod call;
pub mod custody;
pub mod dao;
pub mod deploy;
pub mod deployment;
pub mod difference;
pub mod download;
pub mod group;
pub mod identity;
pub mod network;
pub mod network_file;
pub mod network_process;
pub mod proposal;
pub mod receipt;
pub mod registry_config;
pub mod release;
pub mod review;
pub mod seal;
pub mod serve;
pub mod upload;

use std::time::{Duration, SystemTime};

/// A moment, as people read it: UTC, to the second.
pub fn moment(at_ns: u64) -> String {
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_nanos(at_ns)).to_string()
}

/// Now, in nanoseconds since the Unix epoch, by this machine's clock.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
