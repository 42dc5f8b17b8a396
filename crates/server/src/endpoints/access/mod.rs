//! Users, tokens, sessions, tenants.

mod create_login_link;
mod create_session;
mod create_tenant;
mod create_token;
mod create_user;
mod delete_session;
mod delete_token;
mod get_session;
mod get_user;
mod list_tenants;
mod list_tokens;
mod list_users;
mod login;
mod update_user;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub use create_login_link::login_path;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_session::create_session))
        .routes(routes!(get_session::get_session, delete_session::delete_session))
        .routes(routes!(login::login))
        .routes(routes!(create_user::create_user, list_users::list_users))
        .routes(routes!(get_user::get_user, update_user::update_user))
        .routes(routes!(create_login_link::create_login_link))
        .routes(routes!(create_token::create_token, list_tokens::list_tokens))
        .routes(routes!(delete_token::delete_token))
        .routes(routes!(create_tenant::create_tenant, list_tenants::list_tenants))
}
