//! Everything that a registry shows of a package, by name and digest: what a watch compares from look to look.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::reading::{Reading, Unreadable};

/// Most versions or files of a package that are listed.
pub const MAX_LISTED: usize = 20_000;
/// Longest reduction of a listing, in bytes.
pub const MAX_LISTING_BYTES: usize = 1_500_000;
/// Bytes kept of each digest: enough that nobody finds other bytes with the same.
const DIGEST_PREFIX_BYTES: usize = 16;

/// The start of the digest that a registry shows for a version or a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct DigestPrefix(#[serde(with = "hex::serde")] [u8; DIGEST_PREFIX_BYTES]);

impl DigestPrefix {
    /// Of a digest that proves the bytes: npm's SHA-512, PyPI's SHA-256.
    pub fn of(digest: &[u8]) -> Self {
        let mut prefix = [0; DIGEST_PREFIX_BYTES];
        let len = digest.len().min(DIGEST_PREFIX_BYTES);
        prefix[..len].copy_from_slice(&digest[..len]);
        Self(prefix)
    }

    /// Where only the name counts.
    pub(crate) fn none() -> Self {
        Self([0; DIGEST_PREFIX_BYTES])
    }

    /// Of whatever else the registry shows in its place: it cannot be compared with a vote, but a change of it shows.
    pub(crate) fn of_text(text: &str) -> Self {
        Self::of(&Sha256::digest(text))
    }
}

impl fmt::Display for DigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A package's versions or files. Names that no version or file has stand there by their digest: no text that
/// a registry made up gets any further.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Listing {
    /// Each with the start of its digest.
    pub entries: BTreeMap<String, DigestPrefix>,
}

/// What a registry shows of a package.
pub type ListingReading = Reading<Listing>;

impl Listing {
    /// A listing of what was shown, unless it is too long.
    pub(crate) fn reading(
        shown: impl Iterator<Item = (String, DigestPrefix)>,
        is_proper_name: impl Fn(&str) -> bool,
    ) -> ListingReading {
        let mut entries = BTreeMap::new();
        for (name, digest) in shown {
            let name = if is_proper_name(&name) { name } else { improper(&name) };
            // Two entries of one name: neither digest alone is the truth.
            let both = entries.get(&name).map(|first| format!("{first:?} {digest:?}"));
            entries.insert(name, both.map_or(digest, |both| DigestPrefix::of_text(&both)));
            if entries.len() > MAX_LISTED {
                return Reading::unreadable(Unreadable::TooMany);
            }
        }
        Reading::Present(Self { entries })
    }
}

fn improper(name: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(shown: &[(&str, u8)]) -> Listing {
        let shown = shown.iter().map(|(name, byte)| ((*name).to_owned(), DigestPrefix::of(&[*byte; 32])));
        match Listing::reading(shown, |name| name.starts_with('1')) {
            Reading::Present(listing) => listing,
            reading => panic!("not read: {reading:?}"),
        }
    }

    #[test]
    fn should_list_improper_names_by_their_digest() {
        let listing = listing(&[("1.0.0", 1), ("npm_secret", 2)]);
        assert_eq!(listing.entries.len(), 2);
        assert_eq!(listing.entries["1.0.0"], DigestPrefix::of(&[1; 64]));
        assert!(listing.entries.keys().all(|name| !name.contains("secret")));
    }

    #[test]
    fn should_take_a_name_shown_twice_for_neither_of_the_two() {
        let twice = listing(&[("1.0.0", 1), ("1.0.0", 2)]).entries["1.0.0"];
        assert!(![DigestPrefix::of(&[1; 32]), DigestPrefix::of(&[2; 32])].contains(&twice));
    }

    #[test]
    fn should_keep_the_longest_listing_within_its_bound() {
        let shown =
            |count: usize| (0..count).map(|n| (format!("1{n:0>25}"), DigestPrefix::of(&n.to_be_bytes())));
        let longest = Listing::reading(shown(MAX_LISTED), |_| true);
        let reduced = longest.reduced();
        assert!(reduced.len() <= MAX_LISTING_BYTES, "{}", reduced.len());
        assert_eq!(ListingReading::parse_reduced_within(&reduced, MAX_LISTING_BYTES), Ok(longest));
        let too_long = Listing::reading(shown(MAX_LISTED + 1), |_| true);
        assert_eq!(too_long, Reading::Unreadable { why: Unreadable::TooMany });
    }
}
