//! `DELETE /api/v1/tokens/{id}`

use backstay_model::TokenId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};

/// Revokes an API token, at once.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    tag = "access",
    params(IdPath),
    responses((status = 204, description = "It is revoked."), Signed, OfOne)
)]
pub(crate) async fn delete_token(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<TokenId>,
) -> Result<StatusCode> {
    state.service().revoke_token(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
