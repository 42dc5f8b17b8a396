//! Events and the audit trail.

mod export_csv;
mod export_jsonl;
mod list_events;
mod search_audit;
mod stream_events;
mod verify_audit;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) use stream_events::last_event_id;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_events::list_events))
        .routes(routes!(stream_events::stream_events))
        .routes(routes!(search_audit::search_audit))
        .routes(routes!(export_csv::export_audit_csv))
        .routes(routes!(export_jsonl::export_audit_jsonl))
        .routes(routes!(verify_audit::verify_audit))
}
