//! Searches memory for traces of a secret, in every form it could have been copied or encoded to.
//!
//! A trace is any 16-byte window of any form. Every 16-byte window holds one whole 8-byte word at an aligned
//! address, whatever its own address, so it suffices to look at aligned words: each is tested against the set of
//! all 8-byte windows of all forms, and only a hit is compared byte by byte. That makes searching all memory after
//! every message affordable.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose as base64_alphabets};

/// Length of a window whose appearance counts as a trace, in bytes.
pub const WINDOW_BYTES: usize = 16;
const WORD_BYTES: usize = 8;
/// Bits of the filter that most words fail at once; a power of two.
const FILTER_BITS: usize = 1 << 18;

/// A secret in one form.
#[derive(Clone)]
struct Form {
    /// For people: which secret, in which form.
    name: String,
    bytes: Vec<u8>,
}

/// What to look for.
#[derive(Default)]
pub struct SecretSearch {
    forms: Vec<Form>,
    /// Where each 8-byte window occurs: form and offset.
    words: HashMap<u64, Vec<(u32, u32)>>,
    filter: Vec<u64>,
}

/// A trace that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Secret and form.
    pub form: String,
    /// Where in the searched bytes it starts.
    pub at: usize,
    /// How many bytes of the form are there.
    pub length: usize,
}

impl SecretSearch {
    /// Adds a secret in all its forms: raw, hexadecimal of both cases, percent-encoded, and base64 in both alphabets
    /// at all three alignments.
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= WINDOW_BYTES, "a secret shorter than a window cannot be searched for");
        for (form, bytes) in forms(secret) {
            self.add_form(format!("{name}, {form}"), bytes);
        }
    }

    /// Adds a secret in this form only.
    pub fn add_form(&mut self, name: String, bytes: Vec<u8>) {
        if self.filter.is_empty() {
            self.filter = vec![0; FILTER_BITS / 64];
        }
        let form = self.forms.len() as u32;
        for (offset, window) in bytes.windows(WORD_BYTES).enumerate() {
            let word = u64::from_le_bytes(window.try_into().expect("eight bytes"));
            let bit = filter_bit(word);
            self.filter[bit / 64] |= 1 << (bit % 64);
            self.words.entry(word).or_default().push((form, offset as u32));
        }
        self.forms.push(Form { name, bytes });
    }

    /// The bytes of each form, for planting canaries.
    pub fn form_bytes(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.forms.iter().map(|form| (form.name.as_str(), form.bytes.as_slice()))
    }

    /// The first trace in `memory`, if any.
    pub fn first_trace(&self, memory: &[u8]) -> Option<Trace> {
        if self.forms.is_empty() {
            return None;
        }
        for (index, word) in memory.chunks_exact(WORD_BYTES).enumerate() {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            let bit = filter_bit(word);
            if self.filter[bit / 64] & (1 << (bit % 64)) == 0 {
                continue;
            }
            let Some(places) = self.words.get(&word) else { continue };
            for (form, offset) in places {
                let form = &self.forms[*form as usize];
                let (at, length) = extend(memory, index * WORD_BYTES, &form.bytes, *offset as usize);
                if length >= WINDOW_BYTES {
                    return Some(Trace { form: form.name.clone(), at, length });
                }
            }
        }
        None
    }
}

fn filter_bit(word: u64) -> usize {
    (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 46) as usize % FILTER_BITS
}

/// The longest run around a matching word: where it starts in memory, and its length.
fn extend(memory: &[u8], at: usize, form: &[u8], offset: usize) -> (usize, usize) {
    let before = (0..at.min(offset)).take_while(|n| memory[at - n - 1] == form[offset - n - 1]).count();
    let after = memory[at..].iter().zip(&form[offset..]).take_while(|(a, b)| a == b).count();
    (at - before, before + after)
}

fn forms(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let percent: String = secret.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut forms = vec![
        ("raw".to_owned(), secret.to_vec()),
        ("hexadecimal".into(), hex::encode(secret).into_bytes()),
        ("upper-case hexadecimal".into(), hex::encode_upper(secret).into_bytes()),
        ("percent-encoded".into(), percent.into_bytes()),
    ];
    for (alphabet, engine) in [
        ("base64", &base64_alphabets::STANDARD_NO_PAD),
        ("URL-safe base64", &base64_alphabets::URL_SAFE_NO_PAD),
    ] {
        for alignment in 0..3 {
            let shifted = [&vec![0; alignment][..], secret].concat();
            let encoded = engine.encode(shifted);
            // Characters that depend on what stands before or after the secret are not part of the form.
            let head = (alignment * 8).div_ceil(6);
            let tail = (alignment + secret.len()) * 8 / 6;
            forms.push((
                format!("{alphabet} at alignment {alignment}"),
                encoded.as_bytes()[head..tail].to_vec(),
            ));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"npm_Zk3vQ9xW2rT7yLb5MfHc8JdPsNgA4eUo1iVq";

    fn search() -> SecretSearch {
        let mut search = SecretSearch::default();
        search.add("the token", SECRET);
        search
    }

    #[test]
    fn should_find_every_window_of_every_form_at_every_address() {
        let search = search();
        for (name, form) in search.form_bytes() {
            for start in 0..=form.len() - WINDOW_BYTES {
                for address in 0..WORD_BYTES {
                    let mut memory = vec![0xEE; 64];
                    memory[address..address + WINDOW_BYTES]
                        .copy_from_slice(&form[start..start + WINDOW_BYTES]);
                    assert!(
                        search.first_trace(&memory).is_some(),
                        "{name} from {start} at address {address}"
                    );
                }
            }
        }
    }

    #[test]
    fn should_find_base64_of_a_longer_text_that_holds_the_secret() {
        let search = search();
        for before in 0..6 {
            let text = [&b"basic:"[..before], SECRET, b" and more"].concat();
            let encoded = base64_alphabets::STANDARD.encode(text);
            let trace = search.first_trace(encoded.as_bytes()).expect("a trace");
            assert!(trace.form.contains(&format!("alignment {}", before % 3)), "{trace:?}");
        }
    }

    #[test]
    fn should_not_find_less_than_a_window() {
        let search = search();
        let mut memory = vec![0; 256];
        memory[9..9 + WINDOW_BYTES - 1].copy_from_slice(&SECRET[..WINDOW_BYTES - 1]);
        assert_eq!(search.first_trace(&memory), None);
    }
}
