//! A branch of the state tree: labelled subtrees in a search tree of shared nodes.
//!
//! The interface specification leaves the shape of a branch open, as long as its labels are in order.
//! Here it is a treap whose priorities are hashes of the labels: its shape follows from its labels alone,
//! a change costs the logarithm of their number, and a copy costs nothing.

use super::StateTree;
use ic_certification::{fork_hash, labeled_hash};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

pub(super) type Hash = [u8; 32];
pub(super) type Link = Option<Arc<Entry>>;

/// One label with its subtree, and the entries before and after it.
pub(super) struct Entry {
    label: Arc<[u8]>,
    priority: u64,
    tree: StateTree,
    before: Link,
    after: Link,
    digest: OnceLock<Hash>,
}

impl Entry {
    fn link(label: Arc<[u8]>, priority: u64, tree: StateTree, before: Link, after: Link) -> Link {
        Some(Arc::new(Self { label, priority, tree, before, after, digest: OnceLock::new() }))
    }

    fn with_sides(&self, before: Link, after: Link) -> Link {
        Self::link(self.label.clone(), self.priority, self.tree.clone(), before, after)
    }

    pub(super) fn label(&self) -> &[u8] {
        &self.label
    }

    pub(super) fn tree(&self) -> &StateTree {
        &self.tree
    }

    pub(super) fn before(&self) -> Option<&Entry> {
        self.before.as_deref()
    }

    pub(super) fn after(&self) -> Option<&Entry> {
        self.after.as_deref()
    }

    /// The hash of this entry alone.
    pub(super) fn own_digest(&self) -> Hash {
        labeled_hash(&self.label, &self.tree.digest())
    }

    /// The hash of this entry with those before and after it.
    pub(super) fn digest(&self) -> Hash {
        *self.digest.get_or_init(|| {
            let mut digest = self.own_digest();
            if let Some(before) = &self.before {
                digest = fork_hash(&before.digest(), &digest);
            }
            if let Some(after) = &self.after {
                digest = fork_hash(&digest, &after.digest());
            }
            digest
        })
    }
}

/// The subtree under `label`.
pub(super) fn get<'a>(link: &'a Link, label: &[u8]) -> Option<&'a StateTree> {
    let mut next = link.as_deref();
    while let Some(entry) = next {
        next = match label.cmp(&entry.label) {
            Ordering::Less => entry.before(),
            Ordering::Equal => return Some(&entry.tree),
            Ordering::Greater => entry.after(),
        };
    }
    None
}

/// The labels next to an absent one.
pub(super) fn neighbours<'a>(link: &'a Link, absent: &[u8]) -> [Option<&'a [u8]>; 2] {
    let (mut last_before, mut first_after) = (None, None);
    let mut next = link.as_deref();
    while let Some(entry) = next {
        if absent < entry.label() {
            first_after = Some(entry.label());
            next = entry.before();
        } else {
            last_before = Some(entry.label());
            next = entry.after();
        }
    }
    [last_before, first_after]
}

/// The branch with `tree` under `label`, in place of what was there.
pub(super) fn set(link: &Link, label: &[u8], tree: StateTree) -> Link {
    set_with_priority(link, label, priority_of(label), tree)
}

fn set_with_priority(link: &Link, label: &[u8], priority: u64, tree: StateTree) -> Link {
    let Some(entry) = link else {
        return Entry::link(label.into(), priority, tree, None, None);
    };
    match label.cmp(&entry.label) {
        Ordering::Equal => {
            Entry::link(entry.label.clone(), priority, tree, entry.before.clone(), entry.after.clone())
        }
        // Labels of equal priority are ordered, so that the shape stays unique.
        _ if (priority, label) > (entry.priority, &*entry.label) => {
            let (before, after) = split(link, label);
            Entry::link(label.into(), priority, tree, before, after)
        }
        Ordering::Less => {
            entry.with_sides(set_with_priority(&entry.before, label, priority, tree), entry.after.clone())
        }
        Ordering::Greater => {
            entry.with_sides(entry.before.clone(), set_with_priority(&entry.after, label, priority, tree))
        }
    }
}

/// The branch without `label`.
pub(super) fn without(link: &Link, label: &[u8]) -> Link {
    let entry = link.as_ref()?;
    match label.cmp(&entry.label) {
        Ordering::Equal => join(&entry.before, &entry.after),
        Ordering::Less => entry.with_sides(without(&entry.before, label), entry.after.clone()),
        Ordering::Greater => entry.with_sides(entry.before.clone(), without(&entry.after, label)),
    }
}

/// The entries before and after an absent label.
fn split(link: &Link, label: &[u8]) -> (Link, Link) {
    let Some(entry) = link else { return (None, None) };
    if label < entry.label() {
        let (before, between) = split(&entry.before, label);
        (before, entry.with_sides(between, entry.after.clone()))
    } else {
        let (between, after) = split(&entry.after, label);
        (entry.with_sides(entry.before.clone(), between), after)
    }
}

fn join(before: &Link, after: &Link) -> Link {
    match (before, after) {
        (None, other) | (other, None) => other.clone(),
        (Some(left), Some(right)) => {
            if (left.priority, &left.label) > (right.priority, &right.label) {
                left.with_sides(left.before.clone(), join(&left.after, after))
            } else {
                right.with_sides(join(before, &right.before), right.after.clone())
            }
        }
    }
}

fn priority_of(label: &[u8]) -> u64 {
    let hash = Sha256::digest(label);
    u64::from_be_bytes(hash[..8].try_into().expect("a hash has 32 bytes"))
}
