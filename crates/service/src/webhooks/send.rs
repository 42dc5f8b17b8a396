//! One attempt to deliver: resolve, check where it leads, post.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use backstay_model::Timestamp;
use futures_util::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, redirect};

use super::destination::{check_url, is_public};
use super::signature::sign;
use crate::error::{Result, ServiceError};
use crate::settings::Settings;

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status, when there was an answer.
    pub(super) status: Option<u16>,
    /// Why it did not succeed; free of what the receiver sent and of the path of the URL.
    pub(super) error: Option<String>,
    /// Whether trying again is of no use.
    pub(super) is_final: bool,
}

impl Answer {
    pub(super) fn refused(reason: &str) -> Self {
        Self { status: None, error: Some(reason.to_owned()), is_final: true }
    }
}

/// Sends deliveries. Redirects are not followed, proxies of the environment not used.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
    private_allowed: bool,
}

impl Sender {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Self::within(settings, Duration::from_secs(settings.webhook_timeout_seconds.max(1)))
    }

    /// One whose receivers may take so long to answer.
    pub(crate) fn within(settings: &Settings, timeout: Duration) -> Result<Self> {
        let private_allowed = settings.webhooks_to_private_addresses;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout)
            .user_agent(concat!("backstay/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(CheckedResolver { private_allowed }))
            .build()
            .map_err(|error| ServiceError::internal("Webhooks cannot be sent", error))?;
        Ok(Self { client, private_allowed })
    }

    /// Posts `body`, signed, once.
    pub(super) async fn send(
        &self,
        url: &str,
        secret: &[u8],
        id: &str,
        now: Timestamp,
        body: Vec<u8>,
    ) -> Answer {
        // The settings may have changed since the webhook was created.
        let url = match check_url(url, self.private_allowed) {
            Ok(url) => url,
            Err(error) => return Answer::refused(&error.message),
        };
        match self.signed(url, secret, id, now, body).send().await {
            Ok(response) if response.status().is_success() => {
                Answer { status: Some(response.status().as_u16()), error: None, is_final: true }
            }
            Ok(response) => {
                let status = response.status();
                let error = Some(format!("the receiver answered {status}"));
                // 410: the receiver wants nothing any more.
                Answer { status: Some(status.as_u16()), error, is_final: status.as_u16() == 410 }
            }
            Err(error) => Answer { status: None, error: Some(describe(&error)), is_final: false },
        }
    }

    /// Posts `body`, signed, once; returns the answer of a receiver that succeeds, of at most `most` bytes.
    pub(crate) async fn ask(
        &self,
        url: &str,
        secret: &[u8],
        id: &str,
        now: Timestamp,
        body: Vec<u8>,
        most: usize,
    ) -> Result<Vec<u8>, NoAnswer> {
        let last = |reason: String| NoAnswer { reason, again: false };
        // The settings may have changed since the URL was given.
        let url = check_url(url, self.private_allowed).map_err(|error| last(error.message))?;
        let response =
            self.signed(url, secret, id, now, body).send().await.map_err(|error| NoAnswer::of(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(last(format!("the executor answered {status}")));
        }
        let mut answer = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            answer.extend_from_slice(&piece.map_err(|error| NoAnswer::of(&error))?);
            if answer.len() > most {
                return Err(last("the answer of the executor is too long".to_owned()));
            }
        }
        Ok(answer)
    }

    /// The request with the headers of Standard Webhooks.
    fn signed(
        &self,
        url: reqwest::Url,
        secret: &[u8],
        id: &str,
        now: Timestamp,
        body: Vec<u8>,
    ) -> reqwest::RequestBuilder {
        let timestamp = now.as_seconds();
        self.client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", sign(secret, id, timestamp, &body))
            .body(body)
    }
}

/// Why a receiver gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    /// What happened; free of the URL.
    pub(crate) reason: String,
    /// Whether the same may succeed at once: the connection was not made, or broke off.
    pub(crate) again: bool,
}

impl NoAnswer {
    fn of(error: &reqwest::Error) -> Self {
        let again = !error.is_timeout() && !error.is_builder();
        let reason = describe(error).replace("the receiver", "the executor");
        let is_private = reason.contains("private address");
        Self { reason, again: again && !is_private }
    }
}

/// Without the URL, whose path may be a secret.
fn describe(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "the receiver did not answer in time"
    } else if error.is_connect() {
        "the receiver could not be reached"
    } else {
        "the request failed"
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<PrivateAddress>() {
            return refused.to_string();
        }
        cause = error.source();
    }
    what.to_owned()
}

/// Resolves names and leaves out every address that is not public, so that a name cannot lead into the private network, also not
/// by changing between check and use.
#[derive(Debug)]
struct CheckedResolver {
    private_allowed: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the URL leads to a private address, which the settings do not allow")]
struct PrivateAddress;

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private_allowed = self.private_allowed;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let usable = |address: &IpAddr| private_allowed || is_public(*address);
            let usable: Vec<SocketAddr> = found.into_iter().filter(|address| usable(&address.ip())).collect();
            if usable.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}
