//! How an S3 server is reached.

use std::fmt;
use std::time::Duration;

/// A secret that is never shown.
#[derive(Clone)]
pub struct S3Secret(String);

impl S3Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for S3Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub enum S3Credentials {
    /// What the environment provides, as the tools of AWS take it: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`, a web identity, a container's or the machine's role.
    #[default]
    Environment,
    /// A key.
    Key {
        /// The id of the key.
        access_key_id: String,
        /// Its secret.
        secret_access_key: S3Secret,
        /// The token of a temporary key.
        session_token: Option<S3Secret>,
    },
}

/// How often and how long a request is repeated when the server fails, is too busy or cannot be reached. The pause
/// between two tries grows exponentially, with a random part.
#[derive(Debug, Clone)]
pub struct S3Retry {
    /// How often a request is repeated.
    pub max_retries: usize,
    /// For how long it is repeated at most.
    pub timeout: Duration,
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for S3Retry {
    fn default() -> Self {
        Self {
            max_retries: 8,
            timeout: Duration::from_mins(2),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(15),
        }
    }
}

/// How an S3 server is reached.
#[derive(Debug, Clone, Default)]
pub struct S3Settings {
    /// The address of the server; `None` for AWS, or what `AWS_ENDPOINT_URL` says when the credentials come from the
    /// environment.
    pub endpoint: Option<String>,
    /// The region; `None` for what the environment says, else `us-east-1`.
    pub region: Option<String>,
    /// Who asks.
    pub credentials: S3Credentials,
    /// Allows `http://` to another machine. Requests are signed and objects sealed, but names and sizes show.
    pub allow_http: bool,
    /// Puts the bucket into the host name instead of the path.
    pub virtual_hosted_style: bool,
    /// What happens when the server fails.
    pub retry: S3Retry,
}
