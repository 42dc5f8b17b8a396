//! `GET /api/v1/audit`

use axum::Json;
use backstay_api::event::{EventPage, EventQuery};
use backstay_model::{Action, ErrorKind, Subject, policy};

use super::list_events::event_page;
use crate::denied;
use crate::error::{ApiError, Result};
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Queried, Signed};

/// Searches the audit trail, newest first: every event of the tenant, those of access and refusals among them.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "events",
    params(EventQuery),
    responses((status = 200, description = "A page of events.", body = EventPage), Signed, Queried)
)]
pub(crate) async fn search_audit(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventPage>> {
    if !policy::allows(caller.role, None, Action::Audit) {
        let subject = Subject::new("audit", "trail");
        denied::record(&state, &caller, "audit.search", subject, "the role may not read the audit trail")
            .await;
        return Err(ApiError::new(ErrorKind::Forbidden, "Only an admin may read the audit trail"));
    }
    event_page(&state, &caller, query).await
}
