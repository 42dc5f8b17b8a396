//! Webhooks.

mod create_webhook;
mod delete_webhook;
mod get_webhook;
mod list_deliveries;
mod list_webhooks;
mod test_webhook;
mod update_webhook;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_webhook::create_webhook, list_webhooks::list_webhooks))
        .routes(routes!(
            get_webhook::get_webhook,
            update_webhook::update_webhook,
            delete_webhook::delete_webhook
        ))
        .routes(routes!(test_webhook::test_webhook))
        .routes(routes!(list_deliveries::list_deliveries))
}
