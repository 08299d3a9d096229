//! `GET /api/v2/status`: the root key, for clients that are told to fetch it.

use super::Interface;
use super::response::{Cbor, HttpError};
use axum::extract::State;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Status {
    #[serde(with = "serde_bytes")]
    root_key: Vec<u8>,
    impl_version: &'static str,
    replica_health_status: &'static str,
}

pub(super) async fn status(State(interface): State<Interface>) -> Result<Cbor<Status>, HttpError> {
    let root_key = interface.driver.run(|replica| replica.root_key_der()).await?;
    Ok(Cbor(Status {
        root_key,
        impl_version: concat!("local-replica ", env!("CARGO_PKG_VERSION")),
        replica_health_status: "healthy",
    }))
}
