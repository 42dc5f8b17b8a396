//! The shared part of the documentation of every endpoint: which problems it may answer with.
//!
//! An endpoint lists what it returns when all is well and names the groups that apply, for example
//! `responses((status = 200, body = Workspace), Signed, OfOne)`.

use std::collections::BTreeMap;

use backstay_api::problem::PROBLEM_MEDIA_TYPE;
use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

fn problem(description: &str) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(PROBLEM_MEDIA_TYPE, content)
}

fn text_header(description: &str) -> utoipa::openapi::header::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .build()
}

/// The documented response of `status`.
fn documented(status: u16) -> Response {
    match status {
        400 => problem("The request cannot be understood."),
        401 => {
            problem("The caller could not be identified: the token, session or password is missing or wrong.")
                .header("WWW-Authenticate", text_header("How to identify."))
        }
        403 => problem("The caller is known and may not do this."),
        404 => problem("There is no such thing, or the caller may not see it."),
        405 => problem("The path has no such method.").header("Allow", text_header("The methods it has.")),
        409 => {
            problem("The thing is in a state that does not allow this, or another operation holds its lock.")
        }
        412 => problem("A precondition such as `If-Match` does not hold."),
        413 => problem("The request is larger than allowed."),
        415 => problem("The body has another media type than `application/json`."),
        416 => problem("The range cannot be served.")
            .header("Content-Range", text_header("The size of the content.")),
        422 => {
            problem("The request is understood and its values are not acceptable; `errors` names each field.")
        }
        429 => problem("Too many attempts.").header("Retry-After", text_header("Seconds to wait.")),
        500 => problem(
            "The server failed, or stored content is damaged; nothing internal is told but `request_id`.",
        ),
        503 => problem("Something needed is not reachable just now.")
            .header("Retry-After", text_header("Seconds to wait.")),
        507 => problem("There is no space left."),
        _ => problem("The request failed."),
    }
    .build()
}

/// Declares a group of problems.
macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident: $($status:literal),+;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    [$($status),+].into_iter().map(|status| (status.to_string(), documented(status).into())).collect()
                }
            }
        )+
    };
}

groups! {
    /// What any endpoint may answer, also without a sign-in.
    Open: 400, 500, 503;
    /// What any endpoint that needs a sign-in may answer.
    Signed: 400, 401, 403, 500, 503;
    /// What an endpoint about one thing may answer.
    OfOne: 404;
    /// What an endpoint with parameters in the query may answer.
    Queried: 422;
    /// What an endpoint with a JSON body may answer.
    WithBody: 413, 415, 422;
    /// What an endpoint that changes something may answer.
    Conflicting: 409;
    /// What an endpoint that takes a body of limited size may answer.
    TooLarge: 413;
    /// What an endpoint that stores something may answer.
    Storing: 507;
    /// What an endpoint that serves ranges may answer.
    Ranged: 412, 416;
    /// What an endpoint with a limited rate may answer.
    Limited: 429;
}
