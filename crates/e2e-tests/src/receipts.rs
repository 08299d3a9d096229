//! Receipts as an outsider reads them: under a key derived offline from the network's master key.

use candid::Principal;
use ic_ed25519::{DerivationPath, PublicKey};
use registry_protocols::receipt::{Envelope, KEY_DERIVATION_PATH};
use release_types::{OrderId, ProposalId, custody::ReceiptView};

use crate::{World, people::stranger};

impl World {
    /// The key that a custody canister signs receipts with, derived without asking it.
    pub fn receipt_key(&self, custody: Principal) -> [u8; 32] {
        let master = PublicKey::deserialize_raw(&self.replica.schnorr_master_public_key())
            .expect("the replica's master key");
        let path: Vec<_> = KEY_DERIVATION_PATH.iter().map(|part| part.to_vec()).collect();
        let path = DerivationPath::from_canister_id_and_path(custody.as_slice(), &path);
        master.derive_subkey(&path).0.serialize_raw()
    }

    /// The receipt of a release, if there is one.
    pub fn receipt(&mut self, proposal: ProposalId) -> Option<Envelope> {
        let id = OrderId(format!("proposal-{proposal}"));
        let view: Option<ReceiptView> =
            self.query(stranger(), self.custody, "receipt", (id,)).expect("answers");
        view.map(|view| serde_json::from_str(&view.envelope_json).expect("an envelope"))
    }
}
