//! Leaving nothing of a secret behind: in memory that is freed, and on the stack.
//!
//! A canister that opens secrets sets [`ZeroizingAllocator`] as its allocator, works in a frame of its own, and calls
//! [`scrub_stack`] in the frame that called it.

mod allocator;
mod stack;

pub use allocator::ZeroizingAllocator;
pub use stack::scrub_stack;
