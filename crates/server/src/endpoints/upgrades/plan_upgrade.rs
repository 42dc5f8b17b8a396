//! `POST /api/v1/workspaces/{id}/upgrade-plans`

use axum::Json as Answer;
use backstay_api::upgrade::{NewUpgradePlan, UpgradePlan};
use backstay_model::SourceId;
use backstay_service::Run;

use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Plans an upgrade of a dependency, or of all: fetches, reads what the target declares, and tells which migrations and
/// checks would run. Runs none of them and changes nothing. 403 `Commands are disabled` unless the server allows them.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/upgrade-plans",
    tag = "upgrades",
    params(IdPath),
    request_body = Option<NewUpgradePlan>,
    responses(
        (status = 200, description = "The plan.", body = UpgradePlan),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn plan_upgrade(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    JsonOrDefault(new): JsonOrDefault<NewUpgradePlan>,
) -> Result<Answer<UpgradePlan>> {
    let request = wire::upgrade_request(new);
    let plan = state.service().plan_upgrade(&caller, &id, request, &Run::default()).await?;
    Ok(Answer(wire::upgrade_plan(plan)))
}
