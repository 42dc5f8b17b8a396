//! `GET /api/v1/events`

use axum::Json;
use backstay_api::event::{EventPage, EventQuery};
use backstay_model::{Caller, SourceId};
use backstay_service::view::EventFilter;

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::state::AppState;
use crate::wire;

/// Lists events, newest first. Those of access (users, tokens, sessions, refusals) take the role that may read the audit
/// trail.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    params(EventQuery),
    responses((status = 200, description = "A page of events.", body = EventPage), Signed, Queried)
)]
pub(crate) async fn list_events(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventPage>> {
    event_page(&state, &caller, query).await
}

/// The page that `query` asks for. A source that cannot exist has no events.
pub(super) async fn event_page(
    state: &AppState,
    caller: &Caller,
    query: EventQuery,
) -> Result<Json<EventPage>> {
    let Ok(source) = query.source.as_deref().map(SourceId::parse).transpose() else {
        return Ok(Json(EventPage {
            events: vec![],
            total: 0,
            total_exact: true,
            next: None,
            message: None,
        }));
    };
    let filter = EventFilter {
        actions: query.action.into_iter().collect(),
        source,
        subject: query.subject,
        actor: query.actor,
        outcome: query.outcome.map(|outcome| outcome.as_str().to_owned()),
        since: query.since,
        until: query.until,
        text: query.q,
    };
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_events(caller, &filter, &page).await?;
    Ok(Json(EventPage {
        events: page.items.into_iter().map(wire::event).collect(),
        total: page.total,
        total_exact: page.total_exact,
        next: page.next,
        message: None,
    }))
}
