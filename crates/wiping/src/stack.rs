//! The part of the stack that returned functions worked in.

use std::hint::black_box;

/// Bytes of stack that [`scrub_stack`] overwrites below its caller.
const SCRUBBED_STACK_BYTES: usize = 256 * 1024;
/// Bytes between a caller and what it runs [`scrubbed`].
const GAP_BYTES: usize = 256;

/// Overwrites the stack below the caller's frame, where returned functions left what they worked on
/// (an HMAC's key block, a pairing's points). Call it in the frame that called the secret-handling code.
///
/// Its own frame's first bytes, which hold no array, stay: [`scrubbed`] keeps secrets away from there.
#[inline(never)]
pub fn scrub_stack() {
    let mut blank = [0_u8; SCRUBBED_STACK_BYTES];
    // Keeps the array from being optimised away with the writes that fill it.
    black_box(&mut blank);
}

/// Does the work in frames of its own, then overwrites the stack that it used. What it returns is copied out of there,
/// bytes that its type leaves unused and all: let it be small, or lie in the heap.
pub fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let result = below_a_gap(work);
    scrub_stack();
    result
}

/// The gap is where [`scrub_stack`]'s frame will begin.
#[inline(never)]
fn below_a_gap<T>(work: impl FnOnce() -> T) -> T {
    let mut gap = [0_u8; GAP_BYTES];
    black_box(&mut gap);
    let result = in_a_frame_of_its_own(work);
    black_box(&mut gap);
    result
}

#[inline(never)]
fn in_a_frame_of_its_own<T>(work: impl FnOnce() -> T) -> T {
    work()
}
