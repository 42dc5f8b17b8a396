//! The OpenAPI document: what stands in it beside the endpoints.

use backstay_api::Problem;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, PathItem};
use utoipa::{Modify, OpenApi};

/// The document without its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Backstay",
        description = "Backstay captures the state of what changes, keeps it, proves that it can be put back, and puts it back.\n\n\
            Errors are problem details (RFC 9457). Lists answer with their items, the true `total` and `next`, the \
            `cursor` of the next page. Work that takes time answers 202 with a task.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem)),
    modifiers(&Security),
    security(("token" = []), ("api_key" = []), ("session" = [])),
    tags(
        (name = "workspaces", description = "Directory trees that are captured."),
        (name = "snapshots", description = "Captured states: list, read, compare, verify, hold, delete."),
        (name = "restores", description = "Putting a state back, and undoing it."),
        (name = "groups", description = "Workspaces that are captured and restored together."),
        (name = "tasks", description = "Work in the background."),
        (name = "events", description = "What happened: history, live stream, audit trail."),
        (name = "webhooks", description = "Events sent to other systems."),
        (name = "access", description = "Users, tokens, sessions, tenants."),
        (name = "operation", description = "Health, metrics, statistics, documentation."),
    )
)]
pub(crate) struct BaseDocument;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let mut add = |name: &str, scheme| components.add_security_scheme(name, scheme);
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token.")).build();
        add("token", SecurityScheme::Http(bearer));
        let key = ApiKeyValue::with_description(
            "X-API-Key",
            "An API token, for clients that cannot send the other header.",
        );
        add("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let cookie = ApiKeyValue::with_description(
            crate::session_cookie::SESSION_COOKIE,
            "A session. Unsafe requests also send its `csrf_token` as `X-CSRF-Token`.",
        );
        add("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// What is the same for every operation and therefore added here and not at each.
pub(crate) fn complete(mut document: Document) -> Document {
    for item in document.paths.paths.values_mut() {
        rename_head(item);
    }
    document
}

/// `HEAD` shares the handler of `GET`; its operation id must be its own.
fn rename_head(item: &mut PathItem) {
    if let Some(head) = &mut item.head
        && let Some(id) = &head.operation_id
    {
        head.operation_id = Some(format!("head_{}", id.trim_start_matches("get_")));
    }
}
