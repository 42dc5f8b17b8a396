//! `POST /api/v1/snapshots/import`

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::snapshot::SnapshotTaken;
use backstay_api::training_snapshot::ImportQuery;
use backstay_model::ErrorKind;
use backstay_service::Run;
use backstay_service::view::NewTrainingSnapshot;
use bytes::Bytes;
use http::header;

use crate::answer::created;
use crate::binary::Binary;
use crate::body_limit::read_body;
use crate::error::{ApiError, Result};
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Conflicting, Queried, Signed, Storing, TooLarge};
use crate::state::AppState;
use crate::wire;

/// The longest text of a form beside the file.
const MOST_TEXT: usize = 8192;

/// Takes an HDF5 file as a snapshot of a run of training: as the body, or as `file` of a form, in which `name`, `description` and `run`
/// may stand, too.
///
/// Files of the formats `juniper.cascor` up to version 2 and `cascor_hdf5_v1` are read. What going on bit for bit lacks is named in
/// `missing`; pickled states are never read.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/import",
    tag = "training",
    params(ImportQuery),
    request_body(content(
        (Binary = "application/x-hdf5"), (Binary = "application/octet-stream"), (Binary = "multipart/form-data")
    )),
    responses(
        (status = 201, description = "The snapshot.", body = SnapshotTaken),
        (status = 404, description = "There is no such run, or the caller may not see it.", body = backstay_api::Problem, content_type = "application/problem+json"),
        (status = 415, description = "A form that is none.", body = backstay_api::Problem, content_type = "application/problem+json"),
        Signed, Queried, TooLarge, Conflicting, Storing
    )
)]
pub(crate) async fn import_training(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<Response> {
    state.service().permit_training_import(&caller).await?;
    let Upload { file, query } = Upload::read(request, query, &state).await?;
    let new = NewTrainingSnapshot {
        label: query.name.unwrap_or_default(),
        description: query.description.unwrap_or_default(),
        ..NewTrainingSnapshot::default()
    };
    let run = Run::default();
    let saved = state.service().import_training(&caller, file, query.run.as_deref(), new, &run).await?;
    let id = saved.snapshot.id;
    let snapshot = state.service().show_snapshot(&caller, &id).await?;
    let message = "Snapshot imported successfully".to_owned();
    let body = SnapshotTaken { snapshot: wire::snapshot(snapshot, false), message };
    Ok(created(&format!("/api/v1/snapshots/{id}"), body))
}

/// What was sent.
struct Upload {
    file: Bytes,
    query: ImportQuery,
}

impl Upload {
    /// Reads the whole request, which may be as large as an import.
    async fn read(request: Request, query: ImportQuery, state: &AppState) -> Result<Self> {
        let (mut parts, body) = request.into_parts();
        let whole = read_body(parts.uri.path(), &parts.headers, body, state).await?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
        {
            return Ok(Self { file: whole, query });
        }
        // It is as long as it may be already.
        parts.headers.remove(header::CONTENT_LENGTH);
        let mut request = Request::from_parts(parts, whole.into());
        DefaultBodyLimit::disable().apply(&mut request);
        let mut form =
            Multipart::from_request(request, state).await.map_err(|error| broken(&error.body_text()))?;
        let (mut file, mut query) = (None, query);
        while let Some(field) = form.next_field().await.map_err(|error| broken(&error.body_text()))? {
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(|error| broken(&error.body_text()))?;
            match name.as_str() {
                "file" => file = Some(bytes),
                "run" => query.run = Some(text(&name, &bytes)?),
                "name" => query.name = Some(text(&name, &bytes)?),
                "description" => query.description = Some(text(&name, &bytes)?),
                _ => return Err(ApiError::fields(vec![FieldError::new(name, "is no field of the form")])),
            }
        }
        match file {
            Some(file) => Ok(Self { file, query }),
            None => Err(ApiError::fields(vec![FieldError::new("file", "is missing in the form")])),
        }
    }
}

fn text(name: &str, bytes: &Bytes) -> Result<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MOST_TEXT);
    text.map(str::to_owned)
        .ok_or_else(|| ApiError::fields(vec![FieldError::new(name, "is too long, or no text")]))
}

fn broken(why: &str) -> ApiError {
    ApiError::new(ErrorKind::BadRequest, format!("The form cannot be read: {why}"))
}
