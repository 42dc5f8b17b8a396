//! What can go wrong between a program and the server.

use backstay_api::Problem;
use backstay_model::ErrorKind;

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address of the server is no `http` or `https` URL.
    #[error("`{url}` is not the address of a server: it must begin with http:// or https://")]
    BadAddress {
        /// What was given.
        url: String,
    },
    /// The client could not be made.
    #[error("the HTTP client could not be set up")]
    Setup {
        /// Why not.
        source: reqwest::Error,
    },
    /// The server could not be reached, or the connection broke.
    #[error("{method} {path}: the server at {server} did not answer")]
    Transport {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The server.
        server: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The server refused or failed, and says why.
    #[error("{}", problem.detail)]
    Problem {
        /// What it says.
        problem: Box<Problem>,
        /// The seconds after which it may be tried again.
        retry_after_seconds: Option<u64>,
    },
    /// The answer is not one of this API: the address may be that of something else.
    #[error("{method} {path}: status {status} with an answer that is not of this API")]
    Unexpected {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer could not be read.
    #[error("{method} {path}: the answer does not have the expected form")]
    Decode {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// What was streamed does not have the expected form.
    #[error("an event of the stream does not have the expected form")]
    BadEvent {
        /// Where it differs.
        source: serde_json::Error,
    },
}

impl ClientError {
    /// The problem details, when the server sent some.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// The kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadAddress { .. } => ErrorKind::BadRequest,
            Self::Setup { .. } | Self::Decode { .. } | Self::BadEvent { .. } | Self::Unexpected { .. } => {
                ErrorKind::Internal
            }
            Self::Transport { .. } => ErrorKind::Unavailable,
            Self::Problem { problem, .. } => ErrorKind::ALL
                .into_iter()
                .find(|kind| kind.traits().code == problem.code)
                .or_else(|| {
                    // A narrower word than that of the kind, such as `stale_plan`.
                    ErrorKind::ALL.into_iter().find(|kind| kind.traits().http_status == problem.status)
                })
                .unwrap_or(if problem.status < 500 { ErrorKind::BadRequest } else { ErrorKind::Internal }),
        }
    }

    /// What to do next, when that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Problem { problem, .. } => problem.hint.as_deref(),
            Self::Transport { .. } => Some("Check the address, and that the server runs (`backstay serve`)."),
            Self::Unexpected { .. } => Some("Check that the address is that of a Backstay server."),
            Self::Decode { .. } | Self::BadEvent { .. } => {
                Some("Client and server may be of different versions; update the older one.")
            }
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Transport { source, .. } => !source.is_builder() && !source.is_redirect(),
            Self::Problem { problem, .. } => {
                // The first attempt, of which the answer was lost, is still being carried out.
                matches!(problem.status, 429 | 502 | 503 | 504) || problem.code == "request_under_way"
            }
            Self::Unexpected { status, .. } => matches!(status, 502..=504),
            _ => false,
        }
    }
}
