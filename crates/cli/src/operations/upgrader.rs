//! The upgrader canister's interface, typed.

use candid::Principal;
use ic_agent::Agent;
use release_types::control::{UpgradeId, UpgradeStatus, UpgraderInfo};

use super::call::query;
use crate::failure::Outcome;

/// An upgrader, and whom to speak to it as.
#[derive(Clone, Copy, Debug)]
pub struct Upgrader<'a> {
    pub agent: &'a Agent,
    pub id: Principal,
}

impl Upgrader<'_> {
    pub async fn info(&self) -> Outcome<UpgraderInfo> {
        let (info,) = query(self.agent, self.id, "upgrader_info", ()).await?;
        Ok(info)
    }

    /// An upgrade; none if it was never ordered.
    pub async fn status(&self, id: UpgradeId) -> Outcome<Option<UpgradeStatus>> {
        let (status,) = query(self.agent, self.id, "upgrade_status", (id,)).await?;
        Ok(status)
    }
}
