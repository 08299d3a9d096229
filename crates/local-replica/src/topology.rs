//! The subnets of a network: their keys, ids and canisters, all of which follow from the seed.

use candid::Principal;
use ic_certification::Delegation;
use serde_bytes::ByteBuf;

use crate::certification::{CertifiedTree, StateTree, SubnetKey};
use crate::config::{MAX_SUBNETS, SubnetPlace};
use crate::replica::{Stream, canister_id, is_canister_id, self_described_cbor};

/// How many canister ids each of several subnets has; an only one has them all.
const CANISTERS_PER_SUBNET: u64 = 1 << 20;

/// Why a replica has no place in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    #[error("subnets is {0}; allowed are 1 to {MAX_SUBNETS}")]
    Subnets(u32),
    #[error("index is {index}; allowed are 0 to {last}", last = .subnets - 1)]
    Index { index: u32, subnets: u32 },
}

/// All subnets, as one of them sees them.
#[derive(Clone, Debug)]
pub(crate) struct Topology {
    own: usize,
    subnets: Vec<SubnetEntry>,
}

/// What everyone knows about a subnet.
#[derive(Clone, Debug)]
pub(crate) struct SubnetEntry {
    pub id: Principal,
    pub public_key_der: Vec<u8>,
    /// The numbers of its first and last canister ids.
    pub first_canister: u64,
    pub last_canister: u64,
}

impl Topology {
    /// The network of this seed as the subnet in this place sees it, with the subnet's own key and, unless it is the
    /// root, the root's delegation to it.
    pub fn derive(
        seed: u64,
        place: SubnetPlace,
    ) -> Result<(Self, SubnetKey, Option<Delegation>), InvalidPlace> {
        let SubnetPlace { index, subnets } = place;
        if !(1..=MAX_SUBNETS).contains(&subnets) {
            return Err(InvalidPlace::Subnets(subnets));
        }
        if index >= subnets {
            return Err(InvalidPlace::Index { index, subnets });
        }
        let key = |subnet| SubnetKey::generate(&mut Stream::SubnetKey.of_subnet(seed, subnet));
        let entries = (0..subnets).map(|subnet| SubnetEntry::new(&key(subnet), subnet, subnets)).collect();
        let topology = Self { own: index as usize, subnets: entries };
        let delegation = (index > 0).then(|| topology.own().delegation(key(0)));
        Ok((topology, key(index), delegation))
    }

    pub fn own(&self) -> &SubnetEntry {
        &self.subnets[self.own]
    }

    pub fn root_key_der(&self) -> Vec<u8> {
        self.subnets[0].public_key_der.clone()
    }

    pub fn subnets(&self) -> &[SubnetEntry] {
        &self.subnets
    }

    /// The number of the subnet that has this canister id, if any has.
    pub fn subnet_of(&self, canister: Principal) -> Option<usize> {
        let number = canister_number(canister)?;
        self.subnets.iter().position(|subnet| subnet.has(number))
    }

    /// The number of the subnet of this id.
    pub fn index_of(&self, subnet: Principal) -> Option<usize> {
        self.subnets.iter().position(|entry| entry.id == subnet)
    }

    /// Whether this subnet has this canister id.
    pub fn is_own(&self, canister: Principal) -> bool {
        self.subnet_of(canister) == Some(self.own)
    }

    /// The number of the subnet that has this canister id, if that is another one.
    pub fn elsewhere(&self, canister: Principal) -> Option<usize> {
        if self.subnets.len() == 1 {
            return None;
        }
        self.subnet_of(canister).filter(|subnet| *subnet != self.own)
    }
}

impl SubnetEntry {
    fn new(key: &SubnetKey, index: u32, subnets: u32) -> Self {
        let public_key_der = key.public_key_der();
        let first_canister = u64::from(index) * CANISTERS_PER_SUBNET;
        let last_canister = if subnets == 1 { u64::MAX } else { first_canister + CANISTERS_PER_SUBNET - 1 };
        Self {
            id: Principal::self_authenticating(&public_key_der),
            public_key_der,
            first_canister,
            last_canister,
        }
    }

    fn has(&self, number: u64) -> bool {
        (self.first_canister..=self.last_canister).contains(&number)
    }

    /// Puts what everyone knows into a state tree.
    pub fn insert(&self, tree: &mut StateTree) {
        let subnet = self.id.as_slice();
        let (first, last) = (canister_id(self.first_canister), canister_id(self.last_canister));
        let ranges =
            self_described_cbor(&[[ByteBuf::from(first.as_slice()), ByteBuf::from(last.as_slice())]]);
        tree.insert(&[b"subnet", subnet, b"public_key"], self.public_key_der.clone());
        tree.insert(&[b"subnet", subnet, b"canister_ranges"], ranges.clone());
        tree.insert(&[b"subnet", subnet, b"type"], b"application".to_vec());
        tree.insert(&[b"canister_ranges", subnet, first.as_slice()], ranges);
    }

    /// The root's certificate of this subnet's key and canisters. It is as old as the network.
    fn delegation(&self, root: SubnetKey) -> Delegation {
        let mut tree = StateTree::new();
        self.insert(&mut tree);
        tree.insert(&[b"time"], vec![0]);
        let id = self.id.as_slice().to_vec();
        let paths = [
            vec![b"subnet".to_vec(), id.clone(), b"public_key".to_vec()],
            vec![b"subnet".to_vec(), id.clone(), b"canister_ranges".to_vec()],
            vec![b"canister_ranges".to_vec(), id.clone()],
        ];
        let certificate = CertifiedTree::new(root, None, tree).certificate(&paths);
        Delegation { subnet_id: id, certificate }
    }
}

/// Which canister id of the network this is. None for principals of other kinds.
fn canister_number(id: Principal) -> Option<u64> {
    let number = id.as_slice().first_chunk::<8>().filter(|_| is_canister_id(id))?;
    Some(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(index: u32, subnets: u32) -> SubnetPlace {
        SubnetPlace { index, subnets }
    }

    #[test]
    fn should_give_every_canister_id_to_one_subnet() {
        let (topology, _, delegation) = Topology::derive(1, place(1, 3)).expect("a place");
        assert_eq!(topology.subnet_of(canister_id(0)), Some(0));
        assert_eq!(topology.subnet_of(canister_id(CANISTERS_PER_SUBNET - 1)), Some(0));
        assert_eq!(topology.subnet_of(canister_id(CANISTERS_PER_SUBNET)), Some(1));
        assert_eq!(topology.elsewhere(canister_id(CANISTERS_PER_SUBNET)), None, "here");
        assert_eq!(topology.elsewhere(canister_id(0)), Some(0));
        assert_eq!(topology.subnet_of(canister_id(3 * CANISTERS_PER_SUBNET)), None);
        assert_eq!(topology.elsewhere(Principal::management_canister()), None);
        assert!(delegation.is_some_and(|delegation| delegation.subnet_id == topology.own().id.as_slice()));
    }

    #[test]
    fn should_be_its_own_root_with_all_canister_ids_when_alone() {
        let (topology, key, delegation) = Topology::derive(1, SubnetPlace::default()).expect("a place");
        assert_eq!(topology.root_key_der(), key.public_key_der());
        assert_eq!(topology.subnet_of(canister_id(u64::MAX)), Some(0));
        assert!(delegation.is_none());
    }

    #[test]
    fn should_refuse_a_place_that_there_is_not() {
        assert_eq!(Topology::derive(1, place(0, 0)).err(), Some(InvalidPlace::Subnets(0)));
        assert_eq!(Topology::derive(1, place(0, 17)).err(), Some(InvalidPlace::Subnets(17)));
        assert_eq!(
            Topology::derive(1, place(2, 2)).err(),
            Some(InvalidPlace::Index { index: 2, subnets: 2 })
        );
    }
}
