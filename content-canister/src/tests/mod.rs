//! The canister's logic on the host.

mod requests;
