//! Tenants: the boundary of visibility.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};

/// A boundary of visibility: nobody but a superadmin sees anything of another tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenant {
    /// The id.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

page!(
    /// A page of tenants, by name.
    TenantPage,
    tenants: Tenant
);

list_query!(
    /// Which tenants to list.
    TenantQuery {}
);

/// A tenant to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// The id; a random one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    pub id: Option<String>,
    /// The name shown to people.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9 ._-]+$")]
    pub name: String,
}
