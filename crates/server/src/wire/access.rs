//! Users, tokens, sessions, tenants.

use backstay_api::session::Session;
use backstay_api::tenant::Tenant;
use backstay_api::token::{CreatedToken, Token};
use backstay_api::user::User;
use backstay_model::Caller;
use backstay_service::view;

/// A user.
pub fn user(from: view::User) -> User {
    User {
        id: from.id.into(),
        name: from.name,
        tenant_id: from.tenant.into(),
        role: from.role,
        disabled: from.disabled,
        created_at: from.created_at,
        last_login_at: from.last_login_at,
    }
}

/// A token.
pub fn token(from: view::Token) -> Token {
    Token {
        id: from.id.into(),
        name: from.name,
        tenant_id: from.tenant.into(),
        role: from.role,
        created_at: from.created_at,
        expires_at: from.expires_at,
        last_used_at: from.last_used_at,
    }
}

/// A token just created.
pub fn created_token(from: view::CreatedToken) -> CreatedToken {
    CreatedToken { token: token(from.token), secret: from.secret }
}

/// Who the caller is.
pub fn session(caller: Caller, session: Option<view::Session>) -> Session {
    let expires_at = session.as_ref().map(|session| session.expires_at);
    Session {
        actor: caller.actor.into(),
        tenant_id: caller.tenant.into(),
        role: caller.role,
        csrf_token: session.map(|session| session.csrf_token),
        expires_at,
    }
}

/// A tenant.
pub fn tenant(from: view::Tenant) -> Tenant {
    Tenant { id: from.id.into(), name: from.name, created_at: from.created_at }
}
