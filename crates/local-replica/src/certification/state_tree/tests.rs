use super::*;
use ic_certification::LookupResult;

fn path(labels: &[&str]) -> Path {
    labels.iter().map(|label| label.as_bytes().to_vec()).collect()
}

/// `count` canisters named `b0`, `b2`, … (even numbers only), each with two leaves.
fn tree_of(count: usize) -> StateTree {
    let mut tree = StateTree::new();
    tree.insert(&[b"time"], vec![1]);
    for index in 0..count {
        let name = format!("b{:03}", 2 * index);
        tree.insert(&[b"canister", name.as_bytes(), b"controllers"], vec![2]);
        tree.insert(&[b"canister", name.as_bytes(), b"module_hash"], name.as_bytes().to_vec());
    }
    tree
}

#[test]
fn should_keep_the_root_hash_in_every_witness() {
    for count in 0..9 {
        let tree = tree_of(count);
        for paths in [
            vec![],
            vec![vec![]],
            vec![path(&["time"])],
            vec![path(&["canister"])],
            vec![path(&["canister", "b002", "module_hash"]), path(&["canister", "b003"])],
            vec![path(&["absent", "path"]), path(&["time", "below a leaf"])],
        ] {
            assert_eq!(tree.witness(&paths).digest(), tree.digest(), "{count} canisters, {paths:?}");
        }
    }
}

#[test]
fn should_agree_with_the_digest_of_the_whole_tree() {
    let tree = tree_of(5);
    let whole = tree.witness(&[vec![]]);
    assert_eq!(whole.list_paths().len(), 11);
    assert_eq!(whole.digest(), tree.digest());
}

#[test]
fn should_reveal_what_was_asked_for_and_nothing_else() {
    let witness = tree_of(8).witness(&[path(&["canister", "b006", "module_hash"])]);
    let lookup = |labels: &[&str]| witness.lookup_path(path(labels).iter().map(Vec::as_slice));
    assert_eq!(lookup(&["canister", "b006", "module_hash"]), LookupResult::Found(b"b006"));
    assert_eq!(lookup(&["canister", "b006", "controllers"]), LookupResult::Unknown);
    assert_eq!(lookup(&["canister", "b008", "module_hash"]), LookupResult::Unknown);
    assert_eq!(lookup(&["time"]), LookupResult::Unknown);
}

#[test]
fn should_prove_absence_before_between_and_after_the_labels() {
    for count in 1..9 {
        let tree = tree_of(count);
        for absent in ["a", "b001", "b003", "b005", "b011", "c"] {
            let asked = path(&["canister", absent, "module_hash"]);
            let witness = tree.witness(std::slice::from_ref(&asked));
            assert_eq!(
                witness.lookup_path(asked.iter().map(Vec::as_slice)),
                LookupResult::Absent,
                "{absent} among {count}"
            );
        }
    }
}

#[test]
fn should_prove_absence_in_an_empty_tree() {
    let tree = StateTree::new();
    let witness = tree.witness(&[path(&["time"])]);
    assert_eq!(witness.lookup_path([&b"time"[..]]), LookupResult::Absent);
    assert_eq!(witness.digest(), tree.digest());
}

#[test]
fn should_show_a_neighbours_label_without_its_content() {
    let witness = tree_of(4).witness(&[path(&["canister", "b003"])]);
    let below = [&b"canister"[..], b"b002", b"module_hash"];
    assert_eq!(witness.lookup_path(below), LookupResult::Unknown);
}

#[test]
fn should_have_the_same_root_hash_whatever_came_before() {
    let names: Vec<String> = (0..50).map(|index| format!("b{index}")).collect();
    let insert = |tree: &mut StateTree, name: &str| {
        tree.insert(&[b"canister", name.as_bytes(), b"controllers"], name.as_bytes().to_vec());
    };
    let (mut forwards, mut backwards) = (StateTree::new(), StateTree::new());
    names.iter().for_each(|name| insert(&mut forwards, name));
    names.iter().rev().for_each(|name| insert(&mut backwards, name));
    assert_eq!(forwards.digest(), backwards.digest());

    let with_all = forwards.digest();
    for removed in ["b7", "b0", "b49"] {
        forwards.remove(&[b"canister", removed.as_bytes()]);
        assert!(forwards.get(&[b"canister", removed.as_bytes()]).is_none());
    }
    assert_ne!(forwards.digest(), with_all);
    ["b49", "b7", "b0"].into_iter().for_each(|name| insert(&mut forwards, name));
    assert_eq!(forwards.digest(), with_all);
}

#[test]
fn should_leave_copies_as_they_were() {
    let mut tree = tree_of(5);
    let (copy, digest) = (tree.clone(), tree.digest());
    tree.insert(&[b"canister", b"b000", b"controllers"], vec![9]);
    tree.remove(&[b"canister", b"b002"]);
    assert_eq!(copy.digest(), digest);
    assert_ne!(tree.digest(), digest);
    assert_eq!(copy.get(&[b"canister", b"b000", b"controllers"]).and_then(StateTree::value), Some(&[2][..]));
}

#[test]
fn should_keep_labels_in_order() {
    let witness = tree_of(40).witness(&[vec![]]);
    let paths: Vec<Vec<Vec<u8>>> = witness
        .list_paths()
        .iter()
        .map(|path| path.iter().map(|label| label.as_bytes().to_vec()).collect())
        .collect();
    assert!(paths.is_sorted());
    assert_eq!(paths.len(), 81);
}
