//! The shipped content canister on the replica: what opens for whom, and what does not.

#[path = "content/attacks.rs"]
mod attacks;
#[path = "content/callers.rs"]
mod callers;
#[path = "content/command.rs"]
mod command;
#[path = "content/keeping.rs"]
mod keeping;
#[path = "content/memory.rs"]
mod memory;
#[path = "content/pages.rs"]
mod pages;
#[path = "content/requests.rs"]
mod requests;
