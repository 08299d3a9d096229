//! Leaving nothing of a secret behind: in memory that is freed, and on the stack.
//!
//! A canister that opens secrets sets [`ZeroizingAllocator`] as its allocator and works [`scrubbed`], or in a frame of its
//! own with a [`scrub_stack`] after it.

mod allocator;
mod stack;

pub use allocator::ZeroizingAllocator;
pub use stack::{scrub_stack, scrubbed};
