//! The custody canister's interface, typed. Everything here only reads: custody obeys its authority alone.

use candid::Principal;
use ic_agent::Agent;
use release_types::{
    AmendmentStatus, CredentialId, OrderId, OrderStatus, Settings,
    alarms::{Alarm, Funds},
    credential::{CredentialView, ListCredentialsArgs, MAX_LISTED_CREDENTIALS},
    custody::{CustodyInfo, ListReceiptsArgs, ReceiptView},
    freeze::FreezeView,
    watch::WatchView,
};

use super::{call::query, pages};
use crate::failure::Outcome;

/// Receipts asked for in one query.
const RECEIPTS_PAGE: u32 = 100;

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

    /// Every credential, oldest first.
    ///
    /// # Errors
    /// When there seems to be no end to them.
    pub async fn credentials(&self) -> Outcome<Vec<CredentialView>> {
        let limit = Some(MAX_LISTED_CREDENTIALS);
        let page = async |start| {
            query(self.agent, self.id, "list_credentials", (ListCredentialsArgs { start, limit },)).await
        };
        pages::collect("credentials", async |start| page(start).await.map(|(credentials,)| credentials)).await
    }

    pub async fn credential(&self, id: CredentialId) -> Outcome<Option<CredentialView>> {
        let (credential,) = query(self.agent, self.id, "credential", (id,)).await?;
        Ok(credential)
    }

    /// What custody may not derive keys for.
    pub async fn freezes(&self) -> Outcome<Vec<FreezeView>> {
        let (freezes,) = query(self.agent, self.id, "freezes", ()).await?;
        Ok(freezes)
    }

    /// How far an order has come, as of now.
    pub async fn order_status(&self, id: OrderId) -> Outcome<Option<OrderStatus>> {
        let (status,) = query(self.agent, self.id, "order_status", (id,)).await?;
        Ok(status)
    }

    /// Everything that people must look at, newest first.
    pub async fn alarms(&self) -> Outcome<Vec<Alarm>> {
        let (alarms,) = query(self.agent, self.id, "alarms", ()).await?;
        Ok(alarms)
    }

    /// What custody can pay for.
    pub async fn funds(&self) -> Outcome<Funds> {
        let (funds,) = query(self.agent, self.id, "funds", ()).await?;
        Ok(funds)
    }

    pub async fn settings(&self) -> Outcome<Settings> {
        let (settings,) = query(self.agent, self.id, "settings", ()).await?;
        Ok(settings)
    }

    /// What custody watches.
    pub async fn watches(&self) -> Outcome<Vec<WatchView>> {
        let (watches,) = query(self.agent, self.id, "watched_packages", ()).await?;
        Ok(watches)
    }

    /// How far an amendment has come, as of now.
    pub async fn amendment_status(&self, id: OrderId) -> Outcome<Option<AmendmentStatus>> {
        let (status,) = query(self.agent, self.id, "amendment_status", (id,)).await?;
        Ok(status)
    }

    pub async fn receipt(&self, id: OrderId) -> Outcome<Option<ReceiptView>> {
        let (receipt,) = query(self.agent, self.id, "receipt", (id,)).await?;
        Ok(receipt)
    }

    /// Every receipt, oldest first.
    ///
    /// # Errors
    /// When there seems to be no end to them.
    pub async fn receipts(&self) -> Outcome<Vec<ReceiptView>> {
        let limit = Some(RECEIPTS_PAGE);
        let page = async |start| {
            query(self.agent, self.id, "list_receipts", (ListReceiptsArgs { start, limit },)).await
        };
        pages::collect("receipts", async |start| page(start).await.map(|(receipts,)| receipts)).await
    }
}
