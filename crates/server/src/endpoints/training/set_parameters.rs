//! `POST /api/set_params`

use axum::Json;
use backstay_api::telemetry::{NewParameters, ParametersSet, RunQuery};
use serde_json::{Map, Value};

use crate::error::{ApiError, Result};
use crate::extract::{App, Query, SignedIn, Verbatim};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};

/// Sets parameters of a run, all or none. They hold from the next epoch on and are recorded.
#[utoipa::path(
    post,
    path = "/api/set_params",
    tag = "training",
    params(RunQuery),
    request_body = NewParameters,
    responses(
        (status = 200, description = "They are set.", body = ParametersSet),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn set_parameters(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
    Verbatim(params, _): Verbatim<Map<String, Value>>,
) -> Result<Json<ParametersSet>> {
    if params.is_empty() {
        return Err(ApiError::bad_request("No parameters are given").telling_older_clients());
    }
    let state = state.service().set_training_parameters(&caller, query.run.as_deref(), params).await?;
    Ok(Json(ParametersSet { status: "success".to_owned(), state }))
}
