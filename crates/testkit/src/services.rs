//! The services that `tools/with-services` starts for the tests.

use std::env;

/// What to do with a test whose service is not there.
const HINT: &str = "run the tests with `make test`, or with `tools/with-services cargo nextest run`; \
                    BACKSTAY_TEST_SKIP_SERVICES=1 skips the tests that need a service";

/// How to reach the S3 server of the tests. The bucket exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Service {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The bucket; shared by all tests, so each takes a prefix of its own.
    pub bucket: String,
    /// The region to sign for.
    pub region: String,
    /// The only access key the server knows.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

/// Returns the URL of a PostgreSQL role that may create databases, or `None` when services are to be skipped.
///
/// # Panics
/// When there is no service and no permission to skip: a test that silently does nothing is worse.
pub fn postgres_url() -> Option<String> {
    required("BACKSTAY_TEST_POSTGRES_URL")
}

/// Returns how to reach the S3 server, or `None` when services are to be skipped.
///
/// # Panics
/// As [`postgres_url`].
pub fn s3() -> Option<S3Service> {
    Some(S3Service {
        endpoint: required("BACKSTAY_TEST_S3_ENDPOINT")?,
        bucket: required("BACKSTAY_TEST_S3_BUCKET")?,
        region: required("BACKSTAY_TEST_S3_REGION")?,
        access_key: required("BACKSTAY_TEST_S3_ACCESS_KEY")?,
        secret_key: required("BACKSTAY_TEST_S3_SECRET_KEY")?,
    })
}

fn required(name: &str) -> Option<String> {
    let value = env::var(name).ok();
    let skip = env::var_os("BACKSTAY_TEST_SKIP_SERVICES").is_some_and(|value| value == "1");
    assert!(value.is_some() || skip, "{name} is not set: {HINT}");
    value
}
