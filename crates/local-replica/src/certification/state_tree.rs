//! The state tree: labelled branches down to byte leaves, and the witnesses that prove what it holds
//! at a path, or that it holds nothing there.

use ic_certification::{HashTree, empty, fork, fork_hash, labeled, labeled_hash, leaf, leaf_hash, pruned};
use std::collections::BTreeMap;

/// Labels from the root down.
pub type Path = Vec<Vec<u8>>;

type Hash = [u8; 32];

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateTree {
    /// Labelled subtrees.
    Branch(BTreeMap<Vec<u8>, StateTree>),
    /// A value.
    Leaf(Vec<u8>),
}

impl Default for StateTree {
    fn default() -> Self {
        Self::new()
    }
}

/// What a witness must show of one entry of a branch.
enum Shown<'a> {
    /// Nothing but its share of the hash.
    Nothing,
    /// Its label: it is a neighbour of a label that is absent.
    Label,
    /// These paths below it; an empty path is the whole subtree.
    Below(Vec<&'a [Vec<u8>]>),
}

impl StateTree {
    /// An empty branch.
    pub fn new() -> Self {
        Self::Branch(BTreeMap::new())
    }

    /// Puts a leaf at `path`, with the branches that lead there; replaces a leaf already there.
    ///
    /// # Panics
    /// If the path is empty, or leads through a leaf: the caller mixed up the tree's layout.
    pub fn insert(&mut self, path: &[&[u8]], value: Vec<u8>) {
        let Self::Branch(entries) = self else {
            panic!("BUG: a path leads through a leaf of the state tree");
        };
        match path {
            [] => panic!("BUG: a leaf at the root of the state tree"),
            [label] => {
                entries.insert(label.to_vec(), Self::Leaf(value));
            }
            [label, rest @ ..] => entries.entry(label.to_vec()).or_default().insert(rest, value),
        }
    }

    /// The subtree at `path`.
    pub fn get(&self, path: &[&[u8]]) -> Option<&StateTree> {
        path.iter().try_fold(self, |tree, label| match tree {
            Self::Branch(entries) => entries.get(*label),
            Self::Leaf(_) => None,
        })
    }

    /// The root hash.
    pub fn digest(&self) -> Hash {
        match self {
            Self::Leaf(value) => leaf_hash(value),
            Self::Branch(entries) => digest_of(&entries.iter().collect::<Vec<_>>()),
        }
    }

    /// The pruned tree that reveals the subtrees at `paths`; where a path leads nowhere, the
    /// neighbouring labels, which prove its absence. Its digest is that of the whole tree.
    pub fn witness(&self, paths: &[Path]) -> HashTree {
        self.reveal(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn reveal(&self, paths: &[&[Vec<u8>]]) -> HashTree {
        if paths.is_empty() {
            return pruned(self.digest());
        }
        match self {
            Self::Leaf(value) => leaf(value.clone()),
            Self::Branch(entries) => {
                let shown = what_to_show(entries, paths);
                let entries: Vec<_> = entries.iter().zip(&shown).collect();
                // An absent label in an empty branch is proved by the empty branch itself.
                if entries.is_empty() { empty() } else { reveal_range(&entries) }
            }
        }
    }
}

/// Decides for each entry, in order, what the witness for `paths` must show of it.
fn what_to_show<'a>(entries: &BTreeMap<Vec<u8>, StateTree>, paths: &[&'a [Vec<u8>]]) -> Vec<Shown<'a>> {
    let labels: Vec<&Vec<u8>> = entries.keys().collect();
    let everything = paths.iter().any(|path| path.is_empty());
    let mut shown: Vec<Shown<'a>> =
        labels.iter().map(|_| if everything { Shown::Below(vec![&[]]) } else { Shown::Nothing }).collect();
    for (first, rest) in paths.iter().filter_map(|path| path.split_first()) {
        match labels.binary_search(&first) {
            Ok(found) => match &mut shown[found] {
                Shown::Below(paths) => paths.push(rest),
                other => *other = Shown::Below(vec![rest]),
            },
            Err(gap) => {
                for neighbour in [gap.checked_sub(1), Some(gap)].into_iter().flatten() {
                    if let Some(entry @ Shown::Nothing) = shown.get_mut(neighbour) {
                        *entry = Shown::Label;
                    }
                }
            }
        }
    }
    shown
}

fn reveal_range(entries: &[((&Vec<u8>, &StateTree), &Shown<'_>)]) -> HashTree {
    match entries {
        [((label, tree), shown)] => match shown {
            Shown::Nothing => pruned(labeled_hash(label, &tree.digest())),
            Shown::Label => labeled(label.as_slice(), pruned(tree.digest())),
            Shown::Below(paths) => labeled(label.as_slice(), tree.reveal(paths)),
        },
        _ if entries.iter().all(|(_, shown)| matches!(shown, Shown::Nothing)) => {
            pruned(digest_of(&entries.iter().map(|(entry, _)| *entry).collect::<Vec<_>>()))
        }
        _ => {
            let (left, right) = entries.split_at(left_size(entries.len()));
            fork(reveal_range(left), reveal_range(right))
        }
    }
}

fn digest_of(entries: &[(&Vec<u8>, &StateTree)]) -> Hash {
    match entries {
        [] => empty().digest(),
        [(label, tree)] => labeled_hash(label, &tree.digest()),
        _ => {
            let (left, right) = entries.split_at(left_size(entries.len()));
            fork_hash(&digest_of(left), &digest_of(right))
        }
    }
}

/// Where to split `count` ≥ 2 entries: the left side is a full binary tree.
fn left_size(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests;
