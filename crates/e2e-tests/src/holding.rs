//! Five holders of threshold keys, each on a subnet of its own, and a combiner on another: the setting of the tests of
//! content keys.

use std::time::Duration;

use candid::{CandidType, Decode, Principal, encode_one, utils::ArgumentEncoder};
use content_keys::{
    Dh, PublicKey, VaultKey,
    envelopes::{
        Parties, SealingSeed,
        jwe::{self, Jwe},
    },
    threshold::{Group, KeySet, P256},
};
use key_holders::{
    decode,
    interface::{AdmittedOwners, HolderInit, HolderPolicy, HolderView, KeyCurve, KeyName},
    service::{
        BeginCeremonyArgs, CeremonyPurpose, CeremonyStatus, CombinerInit, KeyView, OpenEnvelopeArgs,
        RecipientKeyArgs, ServiceError,
    },
};
use local_replica::{Network, QueryMessage, Reject, ReplicaConfig};
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use crate::{
    canister_wasm::{canister_wasm, module_cache},
    people::{controller, person},
};

/// How many holders there are, on subnets 1 to 5.
pub const HOLDERS: usize = 5;
/// How many it takes to use a key.
pub const THRESHOLD: u8 = 3;
/// How long shares stay open, in seconds.
pub const EPOCH_S: u64 = 3_600;
/// How many ECDHs a holder carries out in an epoch.
pub const QUOTA: u32 = 20;

/// Who may begin ceremonies.
pub fn administrator() -> Principal {
    person(20)
}

/// Whose envelopes are opened, numbered from 0.
pub fn owner(number: u32) -> Principal {
    person(30 + number)
}

/// Who may freeze holders.
pub fn freezer() -> Principal {
    person(40)
}

/// Admitted as a combiner by the holders, and up to no good.
pub fn bad_combiner() -> Principal {
    person(50)
}

/// The key on this curve.
pub fn key(curve: KeyCurve) -> KeyName {
    KeyName { curve, name: "content".to_owned() }
}

/// The canisters and their network.
pub struct HoldingWorld {
    pub network: Network,
    /// In the order of their indices.
    pub holders: Vec<Principal>,
    pub combiner: Principal,
}

impl Default for HoldingWorld {
    fn default() -> Self {
        Self::new()
    }
}

impl HoldingWorld {
    /// Installs everything.
    ///
    /// # Panics
    /// When the modules were not built.
    pub fn new() -> Self {
        let config = ReplicaConfig { nodes: 4, ..ReplicaConfig::default() }.with_module_cache(module_cache());
        let mut network = Network::new(&config, HOLDERS as u32 + 1).expect("a network");
        let combiner = network.subnet(0).create_canister(vec![controller()]);
        let holders: Vec<_> =
            (1..=HOLDERS).map(|subnet| network.subnet(subnet).create_canister(vec![controller()])).collect();
        let mut world = Self { network, holders, combiner };
        for holder in world.holders.clone() {
            let init = encode_one(world.holder_init()).expect("encodes");
            world
                .network
                .host(holder)
                .install(holder, &canister_wasm("holder_canister"), init)
                .expect("the holder installs");
        }
        let init = CombinerInit {
            holders: world.holders.clone(),
            threshold: THRESHOLD,
            administrators: vec![administrator()],
            owners: (0..3).map(owner).collect(),
        };
        let init = encode_one(init).expect("encodes");
        world
            .network
            .host(combiner)
            .install(combiner, &canister_wasm("combiner_canister"), init)
            .expect("the combiner installs");
        world
    }

    /// With what every holder is installed.
    pub fn holder_init(&self) -> HolderInit {
        let policy = HolderPolicy {
            combiners: vec![self.combiner, bad_combiner()],
            owners: AdmittedOwners::Any,
            quota: QUOTA,
            epoch_s: EPOCH_S,
            freezers: vec![freezer()],
        };
        HolderInit {
            vetkd_key_name: "key_1".to_owned(),
            holders: self.holders.clone(),
            threshold: THRESHOLD,
            coordinator: self.combiner,
            policy,
        }
    }

    /// A world with this key made.
    pub fn with_key(curve: KeyCurve) -> Self {
        let mut world = Self::new();
        let view = world.hold(curve, CeremonyPurpose::Generate);
        assert_eq!(view.status, CeremonyStatus::Completed, "{:?}", view.faults);
        world
    }

    /// Calls an update method that answers with one value.
    ///
    /// # Errors
    /// The reject.
    pub fn call<T: CandidType + DeserializeOwned>(
        &mut self,
        sender: Principal,
        canister: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> Result<T, Reject> {
        let arg = candid::encode_args(args).expect("encodes");
        let reply = self.network.call(sender, canister, method, arg)?;
        Ok(Decode!(&reply, T).expect("an answer of this type"))
    }

    /// Asks a query method that answers with one value.
    pub fn query<T: CandidType + DeserializeOwned>(
        &mut self,
        canister: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> T {
        let message = QueryMessage {
            sender: person(60),
            canister_id: canister,
            method_name: method.to_owned(),
            arg: candid::encode_args(args).expect("encodes"),
        };
        let reply = self.network.host(canister).query(message).expect("an answer");
        Decode!(&reply, T).expect("an answer of this type")
    }

    /// Begins a ceremony.
    pub fn begin(&mut self, curve: KeyCurve, purpose: CeremonyPurpose) {
        let args = BeginCeremonyArgs { key: key(curve), purpose };
        let combiner = self.combiner;
        let begun: Result<(), ServiceError> =
            self.call(administrator(), combiner, "begin_ceremony", (args,)).expect("an answer");
        assert_eq!(begun, Ok(()));
    }

    /// Begins a ceremony and waits for its end.
    pub fn hold(&mut self, curve: KeyCurve, purpose: CeremonyPurpose) -> KeyView {
        self.begin(curve, purpose);
        self.wait_for_end(curve)
    }

    /// Waits until no ceremony of the key is under way.
    pub fn wait_for_end(&mut self, curve: KeyCurve) -> KeyView {
        for _ in 0..60 {
            self.network.run_until_idle();
            let view = self.key_view(curve);
            if view.status != CeremonyStatus::Running {
                return view;
            }
            self.network.advance_time(Duration::from_secs(6));
            self.network.round();
        }
        panic!("the ceremony does not end: {:?}", self.key_view(curve));
    }

    /// The key and its last ceremony.
    pub fn key_view(&mut self, curve: KeyCurve) -> KeyView {
        let combiner = self.combiner;
        let views: Vec<KeyView> = self.query(combiner, "keys", ());
        views.into_iter().find(|view| view.key == key(curve)).expect("the key was begun")
    }

    /// The public side of the key, as the combiner has it.
    pub fn key_set<G: Group>(&mut self, curve: KeyCurve) -> KeySet<G> {
        decode(&self.key_view(curve).key_set.expect("the key is made")).expect("a key set")
    }

    /// What a holder shows of itself.
    pub fn holder_view(&mut self, holder: usize) -> HolderView {
        let holder = self.holders[holder];
        self.query(holder, "holder_info", ())
    }

    /// The public key to which envelopes for this owner are made.
    pub fn recipient_key(&mut self, curve: KeyCurve, owner: Principal) -> PublicKey {
        let combiner = self.combiner;
        let args = RecipientKeyArgs { key: key(curve), owner };
        let jwk: Result<String, ServiceError> = self.query(combiner, "recipient_key", (args,));
        PublicKey::from_jwk(&jwk.expect("the key is made")).expect("a public key")
    }

    /// What anyone with a JOSE library writes for the owner.
    pub fn envelope(&mut self, curve: KeyCurve, owner: Principal, content: &[u8]) -> Vec<u8> {
        let recipient = self.recipient_key(curve, owner);
        let seed = SealingSeed::new(Zeroizing::new([9; 32]));
        jwe::seal(&recipient, content, &Parties::default(), seed).into_bytes()
    }

    /// Has the combiner open an envelope, and reads what it answers.
    ///
    /// # Errors
    /// What the combiner says.
    pub fn open(
        &mut self,
        curve: KeyCurve,
        owner: Principal,
        envelope: &[u8],
        proofs: bool,
    ) -> Result<Vec<u8>, ServiceError> {
        let reader = reader();
        let args = OpenEnvelopeArgs {
            key: key(curve),
            envelope: ByteBuf::from(envelope),
            reader: reader.public_key().to_jwk(),
            proofs,
        };
        let combiner = self.combiner;
        let answer: Result<String, ServiceError> =
            self.call(owner, combiner, "open_envelope", (args,)).expect("an answer");
        let answer = Jwe::parse(answer?.as_bytes()).expect("a JWE");
        let content = answer.open(&reader, &Parties::default()).expect("it opens for the reader");
        Ok(content.into_bytes().to_vec())
    }
}

/// Somebody to whom answers are encrypted.
pub fn reader() -> VaultKey<P256> {
    VaultKey::from_uniform(&Zeroizing::new([7; 48])).expect("not zero")
}

/// What upgrades take.
pub fn no_arguments() -> Vec<u8> {
    candid::encode_args(()).expect("encodes")
}
