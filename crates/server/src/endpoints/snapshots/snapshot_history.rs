//! `GET /api/v1/snapshots/history`

use axum::Json;
use backstay_api::history::{HistoryAction, HistoryPage, HistoryQuery};
use backstay_service::PageRequest;
use backstay_service::view;

use super::list_snapshots::source_of;
use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists what was created, restored and deleted, newest first. It comes from the event log, so it survives what it
/// tells of.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/history",
    tag = "snapshots",
    params(HistoryQuery),
    responses((status = 200, description = "A page of the history.", body = HistoryPage), Signed, Queried)
)]
pub(crate) async fn snapshot_history(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<HistoryPage>> {
    let source = source_of(&state, &caller, query.source.as_deref(), query.run.as_deref()).await?;
    let Some(source) = source else {
        return Ok(Json(HistoryPage { history: vec![], total: 0, message: None, next: None }));
    };
    let action = query.action.map(|action| match action {
        HistoryAction::Create => view::HistoryAction::Create,
        HistoryAction::Restore => view::HistoryAction::Restore,
        HistoryAction::Delete => view::HistoryAction::Delete,
    });
    let page = PageRequest {
        limit: query.limit.unwrap_or(50),
        offset: query.offset.unwrap_or(0).into(),
        cursor: query.cursor,
    };
    let filter = view::HistoryFilter { action, source };
    let page = state.service().snapshot_history(&caller, &filter, &page).await?.map(wire::history_entry);
    Ok(Json(HistoryPage { history: page.items, total: page.total, message: None, next: page.next }))
}
