//! Errors of the layers below as failures of a command.

use std::error::Error;

use backstay_client::ClientError;
use backstay_repository::RepositoryError;
use backstay_service::ServiceError;
use backstay_source_workspace::WorkspaceError;
use backstay_store::StoreError;
use serde_json::json;

use crate::failure::Failure;

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let mut failure =
            Self::new(error.kind, error.message.clone()).code(error.word()).maybe_hint(error.hint.clone());
        if let Some(owner) = &error.owner {
            failure = failure.because(owner_sentence(owner)).detail("owner", json!(owner));
            if error.hint.is_none() {
                failure = failure.hint("`--wait SECONDS` waits for it");
            }
        }
        for problem in &error.fields {
            failure = failure.because(format!("{}: {}", problem.field, problem.detail));
        }
        failure.caused_by(error.source())
    }
}

fn owner_sentence(owner: &backstay_service::LockOwner) -> String {
    let unknown = || "unknown".to_owned();
    format!(
        "held by process {} on {} since {}{}",
        owner.pid.map_or_else(unknown, |pid| pid.to_string()),
        owner.host.clone().unwrap_or_else(unknown),
        owner.started_at.clone().unwrap_or_else(unknown),
        owner.operation.as_ref().map(|operation| format!(", which runs {operation}")).unwrap_or_default()
    )
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        let code = match &error {
            RepositoryError::WrongCredential { .. } => Some("wrong_credential"),
            RepositoryError::NewerFormat { .. } => Some("newer_format"),
            RepositoryError::NotARepository { .. } => Some("not_a_repository"),
            RepositoryError::AlreadyExists { .. } => Some("already_exists"),
            _ => None,
        };
        let failure = Self::new(error.kind(), error.to_string())
            .maybe_hint(error.hint().map(str::to_owned))
            .caused_by(error.source());
        match code {
            Some(code) => failure.code(code),
            None => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        RepositoryError::Store(error).into()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let mut failure =
            Self::new(error.kind(), error.to_string()).maybe_hint(error.hint().map(str::to_owned));
        if let Some(problem) = error.problem() {
            failure = failure.code(&problem.code).detail("status", problem.status);
            if !problem.request_id.is_empty() {
                failure = failure.detail("request_id", problem.request_id.clone());
            }
            if let Some(owner) = &problem.owner {
                failure = failure.detail("owner", json!(owner));
            }
            for field in &problem.errors {
                failure = failure.because(format!("{}: {}", field.field, field.detail));
            }
            if problem.status == 401 {
                failure = failure.maybe_hint(Some(
                    "set BACKSTAY_TOKEN or give --token-file; `backstay tokens create` makes a token"
                        .to_owned(),
                ));
            }
        }
        failure.caused_by(error.source())
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Repository(error) => error.into(),
            error => Self::new(error.kind(), error.to_string())
                .maybe_hint(error.hint().map(str::to_owned))
                .caused_by(error.source()),
        }
    }
}
