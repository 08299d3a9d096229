//! The part of the stack that returned functions worked in.

/// Bytes of stack that [`scrub_stack`] overwrites below its caller.
const SCRUBBED_STACK_BYTES: usize = 256 * 1024;

/// Overwrites the stack below the caller's frame, where returned functions left what they worked on
/// (an HMAC's key block, a pairing's points). Call it in the frame that called the secret-handling code.
#[inline(never)]
pub fn scrub_stack() {
    let mut blank = [0_u8; SCRUBBED_STACK_BYTES];
    // Keeps the array from being optimised away with the writes that fill it.
    std::hint::black_box(&mut blank);
}
