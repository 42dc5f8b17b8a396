//! Sessions: people who have signed in.

use backstay_model::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::event::ActorRef;
use crate::words;

/// Name and password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// The name of the user.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000]*$")]
    pub name: String,
    /// The password.
    #[schema(min_length = 1, max_length = 1024, format = Password, pattern = r"^[^\u0000]*$")]
    pub password: String,
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The user or token.
    pub actor: ActorRef,
    /// The tenant.
    pub tenant_id: String,
    /// What the caller may do.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// What a browser sends as `X-CSRF-Token` with every unsafe request; only for sessions by cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
    /// When the session ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// The query of a login link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginQuery {
    /// The secret of the link.
    #[param(min_length = 1, max_length = 200)]
    pub token: String,
}
