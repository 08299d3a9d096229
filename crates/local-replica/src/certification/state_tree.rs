//! The state tree: labelled branches down to byte leaves, and the witnesses that prove what it holds
//! at a path, or that it holds nothing there.
//!
//! Copies share their content, and hashes are computed once: a tree costs what was changed in it.

use super::branch::{self, Entry, Hash, Link};
use ic_certification::{HashTree, empty, fork, labeled, leaf, leaf_hash, pruned};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Labels from the root down.
pub type Path = Vec<Vec<u8>>;

/// A node of the tree.
#[derive(Clone)]
pub struct StateTree(Node);

#[derive(Clone)]
enum Node {
    Branch(Link),
    Leaf(Arc<Leaf>),
}

struct Leaf {
    value: Vec<u8>,
    digest: OnceLock<Hash>,
}

impl Default for StateTree {
    fn default() -> Self {
        Self::new()
    }
}

/// What a witness must show of one entry of a branch.
enum Shown<'a> {
    /// Its label: it is a neighbour of a label that is absent.
    Label,
    /// These paths below it; an empty path is the whole subtree.
    Below(Vec<&'a [Vec<u8>]>),
}

impl StateTree {
    /// An empty branch.
    pub fn new() -> Self {
        Self(Node::Branch(None))
    }

    /// A value.
    pub fn leaf(value: Vec<u8>) -> Self {
        Self(Node::Leaf(Arc::new(Leaf { value, digest: OnceLock::new() })))
    }

    /// Puts a leaf at `path`, with the branches that lead there; replaces what is already there.
    ///
    /// # Panics
    /// If the path leads through a leaf: the caller mixed up the tree's layout.
    pub fn insert(&mut self, path: &[&[u8]], value: Vec<u8>) {
        self.graft(path, Self::leaf(value));
    }

    /// Puts a subtree at `path`, as [`Self::insert`] puts a leaf.
    ///
    /// # Panics
    /// As [`Self::insert`].
    pub fn graft(&mut self, path: &[&[u8]], subtree: Self) {
        let Some((label, rest)) = path.split_first() else {
            *self = subtree;
            return;
        };
        let link = self.branch_mut();
        let mut below = branch::get(link, label).cloned().unwrap_or_default();
        below.graft(rest, subtree);
        *link = branch::set(link, label, below);
    }

    /// Removes the subtree at `path`, if there is one; the branch that held it stays.
    ///
    /// # Panics
    /// As [`Self::insert`], and if the path is empty.
    pub fn remove(&mut self, path: &[&[u8]]) {
        let (label, rest) = path.split_first().expect("BUG: the root of the state tree cannot be removed");
        let link = self.branch_mut();
        if rest.is_empty() {
            *link = branch::without(link, label);
        } else if let Some(mut below) = branch::get(link, label).cloned() {
            below.remove(rest);
            *link = branch::set(link, label, below);
        }
    }

    fn branch_mut(&mut self) -> &mut Link {
        match &mut self.0 {
            Node::Branch(link) => link,
            Node::Leaf(_) => panic!("BUG: a path leads through a leaf of the state tree"),
        }
    }

    /// The subtree at `path`.
    pub fn get(&self, path: &[&[u8]]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, label| match &tree.0 {
            Node::Branch(link) => branch::get(link, label),
            Node::Leaf(_) => None,
        })
    }

    /// The value of a leaf.
    pub fn value(&self) -> Option<&[u8]> {
        match &self.0 {
            Node::Branch(_) => None,
            Node::Leaf(leaf) => Some(&leaf.value),
        }
    }

    /// The root hash.
    pub fn digest(&self) -> Hash {
        match &self.0 {
            Node::Leaf(leaf) => *leaf.digest.get_or_init(|| leaf_hash(&leaf.value)),
            Node::Branch(None) => empty().digest(),
            Node::Branch(Some(entry)) => entry.digest(),
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
        match &self.0 {
            Node::Leaf(node) => leaf(node.value.clone()),
            // An absent label in an empty branch is proved by the empty branch itself.
            Node::Branch(None) => empty(),
            Node::Branch(Some(entry)) if paths.iter().any(|path| path.is_empty()) => reveal_all(entry),
            Node::Branch(link @ Some(entry)) => {
                let shown: Vec<_> = what_to_show(link, paths).into_iter().collect();
                reveal_entry(entry, &shown)
            }
        }
    }
}

/// Decides which entries, by their labels, the witness for `paths` must show, and what of them.
fn what_to_show<'a>(link: &'a Link, paths: &[&'a [Vec<u8>]]) -> BTreeMap<&'a [u8], Shown<'a>> {
    let mut shown = BTreeMap::new();
    for (first, rest) in paths.iter().filter_map(|path| path.split_first()) {
        if branch::get(link, first).is_some() {
            match shown.entry(first.as_slice()).or_insert(Shown::Label) {
                Shown::Below(paths) => paths.push(rest),
                label => *label = Shown::Below(vec![rest]),
            }
        } else {
            for neighbour in branch::neighbours(link, first).into_iter().flatten() {
                shown.entry(neighbour).or_insert(Shown::Label);
            }
        }
    }
    shown
}

fn reveal_entry(entry: &Entry, shown: &[(&[u8], Shown<'_>)]) -> HashTree {
    if shown.is_empty() {
        return pruned(entry.digest());
    }
    let before = shown.partition_point(|(label, _)| *label < entry.label());
    let own = shown.get(before).filter(|(label, _)| *label == entry.label());
    let after = before + usize::from(own.is_some());
    let own = match own {
        None => pruned(entry.own_digest()),
        Some((label, Shown::Label)) => labeled(*label, pruned(entry.tree().digest())),
        Some((label, Shown::Below(paths))) => labeled(*label, entry.tree().reveal(paths)),
    };
    let left = entry.before().map(|entry| reveal_entry(entry, &shown[..before]));
    let right = entry.after().map(|entry| reveal_entry(entry, &shown[after..]));
    between(left, own, right)
}

fn reveal_all(entry: &Entry) -> HashTree {
    let own = labeled(entry.label(), entry.tree().reveal(&[&[]]));
    between(entry.before().map(reveal_all), own, entry.after().map(reveal_all))
}

fn between(left: Option<HashTree>, own: HashTree, right: Option<HashTree>) -> HashTree {
    let tree = match left {
        Some(left) => fork(left, own),
        None => own,
    };
    match right {
        Some(right) => fork(tree, right),
        None => tree,
    }
}

#[cfg(test)]
mod tests;
