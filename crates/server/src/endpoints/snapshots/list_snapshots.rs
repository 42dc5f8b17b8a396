//! `GET /api/v1/snapshots`

use axum::Json;
use backstay_api::snapshot::{KindOrAll, SnapshotPage, SnapshotQuery, StateOrAll};
use backstay_model::{Caller, ErrorKind, SnapshotState, SourceId};
use backstay_service::view::SnapshotFilter;

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::state::AppState;
use crate::wire;

/// Lists snapshots, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots",
    tag = "snapshots",
    params(SnapshotQuery),
    responses((status = 200, description = "A page of snapshots.", body = SnapshotPage), Signed, Queried)
)]
pub(crate) async fn list_snapshots(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<SnapshotQuery>,
) -> Result<Json<SnapshotPage>> {
    snapshot_page(&state, &caller, query).await
}

/// The page that `query` asks for. A source that cannot exist has no snapshots.
pub(in crate::endpoints) async fn snapshot_page(
    state: &AppState,
    caller: &Caller,
    query: SnapshotQuery,
) -> Result<Json<SnapshotPage>> {
    let Some(source) = source_of(state, caller, query.source.as_deref(), query.run.as_deref()).await? else {
        return Ok(Json(empty()));
    };
    let filter = SnapshotFilter {
        kind: query.kind.and_then(|kind| match kind {
            KindOrAll::All => None,
            KindOrAll::One(kind) => Some(kind),
        }),
        source,
        label: query.label,
        text: query.q,
        states: match query.state {
            Some(StateOrAll::All) => SnapshotState::ALL.to_vec(),
            Some(StateOrAll::One(state)) => vec![state],
            None => Vec::new(),
        },
        triggers: query.trigger.into_iter().collect(),
        since: query.since,
        until: query.until,
        pinned: query.pinned,
    };
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_snapshots(caller, &filter, &page).await?;
    if page.total == 0 {
        return Ok(Json(empty()));
    }
    let page = page.map(|snapshot| wire::snapshot(snapshot, false));
    Ok(Json(SnapshotPage { snapshots: page.items, total: page.total, next: page.next, message: None }))
}

/// The source that is asked for: `Some(None)` when none is, `None` when there is no such one. A run is named by its name or its id.
pub(super) async fn source_of(
    state: &AppState,
    caller: &Caller,
    source: Option<&str>,
    run: Option<&str>,
) -> Result<Option<Option<SourceId>>> {
    let Ok(source) = source.map(SourceId::parse).transpose() else { return Ok(None) };
    let Some(run) = run else { return Ok(Some(source)) };
    match state.service().resolve_training_run(caller, run).await {
        Ok(run) => Ok(source.is_none_or(|source| source == run.id).then_some(Some(run.id))),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn empty() -> SnapshotPage {
    SnapshotPage {
        snapshots: vec![],
        total: 0,
        next: None,
        message: Some("No snapshots available".to_owned()),
    }
}
