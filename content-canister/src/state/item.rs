//! An item, and who may read it.

use std::collections::BTreeMap;

use content_types::{CHUNK_BYTES, Format, Grant, OwnerName, Part};
use serde::Serialize;

/// Content that an owner announced or stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub owner: OwnerName,
    pub title: String,
    pub format: Format,
    pub size_bytes: u64,
    pub stored_at_ns: Option<u64>,
    pub(super) grants: BTreeMap<OwnerName, Grant>,
}

impl Item {
    /// How many chunks its envelope has.
    pub fn chunks(&self) -> u32 {
        u32::try_from(self.size_bytes.div_ceil(CHUNK_BYTES))
            .expect("the size was checked when it was announced")
    }

    /// The bytes of a chunk; none if the envelope has no such chunk.
    pub fn chunk_bytes(&self, index: u32) -> Option<usize> {
        let rest = self.size_bytes.checked_sub(u64::from(index) * CHUNK_BYTES).filter(|rest| *rest > 0)?;
        usize::try_from(rest.min(CHUNK_BYTES)).ok()
    }

    pub fn grants(&self) -> &BTreeMap<OwnerName, Grant> {
        &self.grants
    }

    /// The grant that lets `reader` know of it now.
    pub fn grant_of(&self, reader: &OwnerName, time_ns: u64) -> Option<&Grant> {
        self.grants.get(reader).filter(|grant| grant.until_ns.is_none_or(|until_ns| time_ns < until_ns))
    }

    /// Whether `reader` may have this part of it opened now; all of it if there is no part.
    pub fn may_be_read(&self, reader: &OwnerName, part: Option<&Part>, time_ns: u64) -> bool {
        if *reader == self.owner {
            return true;
        }
        self.grant_of(reader, time_ns).is_some_and(|grant| match (&grant.part, part) {
            (None, _) => true,
            (Some(granted), Some(part)) => granted.contains(part),
            (Some(_), None) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(offset_bytes: u64, length_bytes: u64) -> Part {
        Part { offset_bytes, length_bytes }
    }

    #[test]
    fn should_let_a_reader_have_what_was_granted_and_nothing_else() {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| name.parse().expect("a name"));
        let mut item = Item {
            owner: alice,
            title: String::new(),
            format: Format::Age,
            size_bytes: CHUNK_BYTES + 1,
            stored_at_ns: None,
            grants: BTreeMap::new(),
        };
        assert!(item.may_be_read(&item.owner, None, 0) && !item.may_be_read(&bob, None, 0));
        let grant = Grant { reader: bob.clone(), until_ns: Some(10), part: Some(part(100, 50)) };
        item.grants.insert(bob.clone(), grant);
        for (asked, allowed) in [
            (Some(part(100, 50)), true),
            (Some(part(149, 1)), true),
            (Some(part(99, 2)), false),
            (Some(part(149, 2)), false),
            (Some(part(u64::MAX, 2)), false),
            (None, false),
        ] {
            assert_eq!(item.may_be_read(&bob, asked.as_ref(), 9), allowed, "{asked:?}");
            assert!(
                !item.may_be_read(&bob, asked.as_ref(), 10) && !item.may_be_read(&carol, asked.as_ref(), 9)
            );
        }
        assert_eq!((item.chunks(), item.chunk_bytes(0), item.chunk_bytes(1)), (2, Some(1_048_576), Some(1)));
        assert_eq!(item.chunk_bytes(2), None);
    }
}
