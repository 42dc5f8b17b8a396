//! The OpenAPI document: what stands in it beside the endpoints.

use backstay_api::Problem;
use backstay_api::upgrade::UpgradeEvent;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi as Document, RefOr, Required, Response, Schema};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::problems::{Conflicting, Queried, TooLarge};

/// No text has a NUL in it.
const NO_NUL: &str = r"^[^\u0000]*$";

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
    components(schemas(Problem, UpgradeEvent)),
    modifiers(&Security),
    security(("token" = []), ("api_key" = []), ("session" = [])),
    tags(
        (name = "workspaces", description = "Directory trees that are captured."),
        (name = "snapshots", description = "Captured states: list, read, compare, verify, hold, delete."),
        (name = "restores", description = "Putting a state back, and undoing it."),
        (name = "dependencies", description = "Content of other git repositories, pinned: list, change."),
        (name = "upgrades", description = "Moving dependencies to other versions, whole or not at all."),
        (name = "groups", description = "Workspaces that are captured and restored together."),
        (name = "checkpoints", description = "States of jobs, saved step by step."),
        (name = "executions", description = "Workflows: their steps, and approvals that nothing bypasses."),
        (name = "executors", description = "What lets a job go on from a state that was restored."),
        (name = "jobs", description = "Jobs as a whole: their list, their retention."),
        (name = "training", description = "Networks in training: their files, comparisons, forks, keep rules."),
        (name = "threads", description = "Typed checkpoints of jobs: a head, channels, pending writes."),
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
        if let Some(head) = &mut item.head {
            name_head(head);
        }
        let operations =
            [&mut item.get, &mut item.head, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            operation.parameters.iter_mut().flatten().for_each(complete_parameter);
            operation.responses.responses.iter_mut().for_each(|(status, response)| locate(status, response));
        }
        if let Some(post) = item.post.as_mut().filter(|post| is_signed(post)) {
            make_repeatable(post);
        }
    }
    document
}

/// Whether an operation is for those who are identified.
fn is_signed(operation: &Operation) -> bool {
    operation.security.as_ref().is_none_or(|any| !any.contains(&SecurityRequirement::default()))
}

/// Every `POST` takes an `Idempotency-Key`.
fn make_repeatable(operation: &mut Operation) {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(200))
        .pattern(Some("^[!-~]+$"));
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A new key for each request: what comes twice with one key is done once and answered the same for 24 hours.",
        ))
        .schema(Some(text))
        .build();
    operation.parameters.get_or_insert_default().push(key.into());
    let problems = [Conflicting::responses(), Queried::responses(), TooLarge::responses()];
    for (status, response) in problems.into_iter().flatten() {
        operation.responses.responses.entry(status).or_insert(response);
    }
}

/// `HEAD` shares the handler of `GET`; its operation id must be its own, and its answers have no body.
fn name_head(head: &mut Operation) {
    if let Some(id) = &head.operation_id {
        head.operation_id =
            Some(format!("head_{}", id.trim_start_matches("get_").trim_start_matches("read_")));
    }
    for response in head.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
}

/// A parameter that need not be given is absent, never null; and no text has a NUL in it.
fn complete_parameter(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(parameter) = parameter else { return };
    if let Some(RefOr::T(Schema::Array(list))) = &mut parameter.schema
        && let ArrayItems::RefOrSchema(item) = &mut list.items
        && let RefOr::T(Schema::Object(item)) = &mut **item
    {
        item.pattern.get_or_insert_with(|| NO_NUL.to_owned());
    }
    let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema else { return };
    if let SchemaType::Array(types) = &object.schema_type {
        let only = types.iter().find(|wanted| **wanted != Type::Null).cloned();
        object.schema_type = only.map_or(SchemaType::AnyValue, SchemaType::Type);
    }
    let is_free_text = object.schema_type == SchemaType::Type(Type::String)
        && object.enum_values.is_none()
        && object.format.is_none();
    if is_free_text && object.pattern.is_none() {
        object.pattern = Some(NO_NUL.to_owned());
    }
}

/// What is created or begun says where it is found.
fn locate(status: &str, response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response
        && matches!(status, "201" | "202")
    {
        let header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some("Where it is found."))
            .build();
        response.headers.insert("Location".to_owned(), header.into());
    }
}
