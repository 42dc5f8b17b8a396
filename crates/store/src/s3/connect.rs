//! Building the client of an S3 server.

use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::failure::S3Failure;
use super::settings::{S3Credentials, S3Settings};
use crate::error::StoreErrorKind;

/// Long enough for a pack over a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may say nothing in the middle of an answer.
const SILENCE_TIMEOUT: Duration = Duration::from_mins(1);

/// The client of a bucket. One that does not repeat requests is for those that must not be repeated unseen.
pub(super) fn connect(bucket: &str, settings: &S3Settings, repeat: bool) -> Result<AmazonS3, S3Failure> {
    let mut builder = match &settings.credentials {
        S3Credentials::Environment => AmazonS3Builder::from_env(),
        S3Credentials::Key { access_key_id, secret_access_key, session_token } => {
            let builder = AmazonS3Builder::new()
                .with_access_key_id(access_key_id)
                .with_secret_access_key(secret_access_key.reveal());
            match session_token {
                Some(token) => builder.with_token(token.reveal()),
                None => builder,
            }
        }
    };
    let endpoint = settings.endpoint.clone().or_else(|| endpoint_of_environment(&settings.credentials));
    if let Some(endpoint) = &endpoint {
        check_endpoint(endpoint, settings.allow_http)?;
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    let options = ClientOptions::new()
        .with_timeout(REQUEST_TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(SILENCE_TIMEOUT)
        .with_allow_http(
            settings.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://")),
        );
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: settings.retry.first_pause,
            max_backoff: settings.retry.longest_pause,
            base: 2.0,
        },
        max_retries: if repeat { settings.retry.max_retries } else { 0 },
        retry_timeout: settings.retry.timeout,
    };
    builder
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retry)
        .with_virtual_hosted_style_request(settings.virtual_hosted_style)
        // The deletion of many objects in one request is not known to every server.
        .with_disable_bulk_delete(true)
        .build()
        // The builder's errors can quote settings; none of them is repeated.
        .map_err(|_| {
            S3Failure::local(StoreErrorKind::Misconfigured, "the settings of the S3 server cannot be used")
        })
}

/// The address that the environment names, in the order in which the tools of AWS look for it.
fn endpoint_of_environment(credentials: &S3Credentials) -> Option<String> {
    if !matches!(credentials, S3Credentials::Environment) {
        return None;
    }
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL"))
}

/// Refuses an address that carries credentials, and plain HTTP to another machine unless it is allowed.
fn check_endpoint(endpoint: &str, allow_http: bool) -> Result<(), S3Failure> {
    let refuse = |why: &str| Err(S3Failure::local(StoreErrorKind::Misconfigured, why));
    let Some((scheme, rest)) = endpoint.split_once("://") else {
        return refuse("the endpoint of the S3 server has to start with https:// or http://");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return refuse("the endpoint of the S3 server must not contain credentials; set them apart from it");
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => Ok(()),
        "http" if allow_http || is_loopback => Ok(()),
        "http" => {
            refuse("the endpoint of the S3 server is not encrypted; use https://, or allow http explicitly")
        }
        _ => refuse("the endpoint of the S3 server has to start with https:// or http://"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_unless_allowed() {
        for good in
            ["https://s3.example.com", "http://127.0.0.1:9000", "http://localhost:1", "http://[::1]:9000/x"]
        {
            assert_eq!(check_endpoint(good, false), Ok(()), "{good}");
        }
        for bad in [
            "http://s3.example.com",
            "http://127.0.0.1.example.com",
            "s3.example.com",
            "ftp://x",
            "http://127.0.0.1@evil.example",
        ] {
            assert!(check_endpoint(bad, false).is_err(), "{bad}");
        }
        assert_eq!(check_endpoint("http://s3.example.com", true), Ok(()));
    }

    #[test]
    fn an_endpoint_with_credentials_is_refused_without_repeating_them() {
        let failure = check_endpoint("https://key:hunter2@s3.example.com", true).unwrap_err();
        assert!(!format!("{failure} {failure:?}").contains("hunter2"));
    }
}
