//! Changes to an input, of the kinds that parsers stumble over.

use rand::{Rng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// Longest input made, in bytes: longer ones are refused before they are parsed.
const MAX_INPUT_BYTES: usize = 1 << 20;
/// Changes made to one input.
const MAX_CHANGES: usize = 6;
/// Longest run of one token.
const MAX_REPEATS: usize = 4_000;

/// Numbers at the edges of types.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// What has a meaning in one of the formats.
const TOKENS: [&[u8]; 40] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"{\"a\":",
    b"[[",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\0",
    b"=",
    b";",
    b"@",
    b"#",
    b"../",
    b"/",
    b"//",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xf0\x9f\x93\xa6",
    b"\xc3",
    b"__proto__",
    b"sha256=",
    b"sha512-",
    b"npm:",
    b"PK\x05\x06",
    b"DIDL",
];

/// A changed copy of one of the seeds.
pub(crate) fn mutated(seeds: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = seeds.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.gen_range(1..=MAX_CHANGES) {
        change(&mut input, seeds, rng);
        input.truncate(MAX_INPUT_BYTES);
    }
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut ChaCha8Rng) {
    let at = rng.gen_range(0..=input.len());
    match rng.gen_range(0..10) {
        0 => flip_bit(input, rng),
        1 => overwrite(input, at, &[rng.r#gen()]),
        2 => overwrite(input, at, &edge(rng)),
        3 => insert(input, at, token(rng)),
        4 => overwrite(input, at, token(rng)),
        5 => insert(input, at, &token(rng).repeat(rng.gen_range(1..MAX_REPEATS))),
        6 => drop(input.drain(range(input.len(), rng))),
        7 => {
            let copied = input[range(input.len(), rng)].to_vec();
            insert(input, at, &copied);
        }
        8 => {
            let other = seeds.choose(rng).map(Vec::as_slice).unwrap_or_default();
            insert(input, at, &other[range(other.len(), rng)]);
        }
        _ => input.truncate(at),
    }
}

fn flip_bit(input: &mut [u8], rng: &mut ChaCha8Rng) {
    if let Some(byte) = input.choose_mut(rng) {
        *byte ^= 1 << rng.gen_range(0..8);
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn overwrite(input: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in input[at..].iter_mut().zip(bytes) {
        *place = *byte;
    }
}

fn token(rng: &mut ChaCha8Rng) -> &'static [u8] {
    TOKENS.choose(rng).expect("there are tokens")
}

/// A number at an edge, in 1 to 8 bytes, in either order, or in decimal or octal digits.
fn edge(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let number = *EDGES.choose(rng).expect("there are numbers");
    let width = *[1, 2, 4, 8].choose(rng).expect("there are widths");
    match rng.gen_range(0..4) {
        0 => number.to_le_bytes()[..width].to_vec(),
        1 => number.to_be_bytes()[8 - width..].to_vec(),
        2 => number.to_string().into_bytes(),
        _ => format!("{number:o}").into_bytes(),
    }
}

/// A part, more often short than long.
fn range(length: usize, rng: &mut ChaCha8Rng) -> std::ops::Range<usize> {
    let start = rng.gen_range(0..=length);
    let longest = (length - start).min(1 << rng.gen_range(0..16));
    start..start + rng.gen_range(0..=longest)
}
