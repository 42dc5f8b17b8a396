//! API tokens: secrets by which programs act.

use backstay_model::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};
use crate::words;

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// The id.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    /// The tenant in which it acts.
    pub tenant_id: String,
    /// What it may do.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// A token just created: the only answer that has its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// The token.
    pub token: Token,
    /// The secret, shown once. Send it as `Authorization: Bearer …` or `X-API-Key`.
    pub secret: String,
}

page!(
    /// A page of tokens, newest first.
    TokenPage,
    tokens: Token
);

list_query!(
    /// Which tokens to list.
    TokenQuery {}
);

/// A token to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The name shown to people.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9 ._@-]+$")]
    pub name: String,
    /// What it may do; not more than the caller may.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// When it ends by itself; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}
