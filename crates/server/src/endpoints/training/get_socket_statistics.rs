//! `GET /api/statistics`

use axum::Json;
use backstay_api::telemetry::SocketStatistics;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::Signed;

/// Lists the open WebSockets of the tenant.
#[utoipa::path(
    get,
    path = "/api/statistics",
    tag = "training",
    responses((status = 200, description = "The sockets.", body = SocketStatistics), Signed)
)]
pub(crate) async fn get_socket_statistics(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<SocketStatistics>> {
    let feed = state.service().training_feed(&caller).await?;
    let connections_info = state.sockets().of(&caller.tenant);
    Ok(Json(SocketStatistics {
        active_connections: connections_info.len() as u64,
        total_messages_broadcast: feed.published(),
        connections_info,
    }))
}
