//! The custody canister's interface, typed. Everything here only reads: custody obeys its authority alone.

use candid::Principal;
use ic_agent::Agent;
use release_types::{
    CredentialId, OrderId,
    credential::CredentialView,
    custody::{CustodyInfo, ListReceiptsArgs, ReceiptView},
};

use super::call::query;
use crate::failure::Outcome;

/// A custody canister.
#[derive(Clone, Copy, Debug)]
pub struct Custody<'a> {
    pub agent: &'a Agent,
    pub id: Principal,
}

impl Custody<'_> {
    pub async fn info(&self) -> Outcome<CustodyInfo> {
        let (info,) = query(self.agent, self.id, "custody_info", ()).await?;
        Ok(info)
    }

    pub async fn credentials(&self) -> Outcome<Vec<CredentialView>> {
        let (credentials,) = query(self.agent, self.id, "list_credentials", ()).await?;
        Ok(credentials)
    }

    pub async fn credential(&self, id: CredentialId) -> Outcome<Option<CredentialView>> {
        Ok(self.credentials().await?.into_iter().find(|credential| credential.id == id))
    }

    pub async fn receipt(&self, id: OrderId) -> Outcome<Option<ReceiptView>> {
        let (receipt,) = query(self.agent, self.id, "receipt", (id,)).await?;
        Ok(receipt)
    }

    pub async fn receipts(&self, args: ListReceiptsArgs) -> Outcome<Vec<ReceiptView>> {
        let (receipts,) = query(self.agent, self.id, "list_receipts", (args,)).await?;
        Ok(receipts)
    }
}
