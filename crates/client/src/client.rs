//! The client: how calls are sent and answers read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_api::Problem;
use backstay_api::problem::PROBLEM_MEDIA_TYPE;
use backstay_api::snapshot::WaitQuery;
use backstay_model::Rng;
use backstay_model::id::random_suffix;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ClientError;
use crate::retry;

/// The result of a call.
pub(crate) type Result<T> = std::result::Result<T, ClientError>;

/// How to reach the server.
#[derive(Clone)]
pub struct ClientOptions {
    /// The API token. It is sent as a header and never part of a URL or an error.
    pub token: Option<String>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for an answer, beside what the server is asked to wait. Streams are not limited.
    pub timeout: Duration,
    /// Makes the keys by which the server recognizes a creation that is sent twice.
    pub rng: Arc<dyn Rng>,
}

impl ClientOptions {
    /// The options with their defaults, and these two without one.
    pub fn new(token: Option<&str>, rng: Arc<dyn Rng>) -> Self {
        Self {
            token: token.map(str::to_owned),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(40),
            rng,
        }
    }
}

/// The client of one server. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    options: Arc<ClientOptions>,
    lock_wait: Option<u32>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// One call that can be sent again.
pub(crate) struct Call {
    method: Method,
    url: Url,
    body: Option<Vec<u8>>,
    headers: Vec<(&'static str, String)>,
    extra_time: Duration,
    unlimited: bool,
    lock_wait: Option<u32>,
}

impl Client {
    /// A client of the server at `address`, for example `http://127.0.0.1:8470`. Nothing is sent yet.
    pub fn new(address: &str, options: ClientOptions) -> Result<Self> {
        let bad = || ClientError::BadAddress { url: address.chars().take(200).collect() };
        let base = Url::parse(address).map_err(|_| bad())?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() || base.username() != "" {
            return Err(bad());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("backstay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| ClientError::Setup { source })?;
        Ok(Self { http, base, options: Arc::new(options), lock_wait: None })
    }

    /// The same client, whose work waits on the server for `seconds` (0 to 3600) for the lock of a workspace and fails as busy then.
    #[must_use]
    pub fn waiting_for_locks(&self, seconds: u32) -> Self {
        Self { lock_wait: Some(seconds), ..self.clone() }
    }

    /// The address of the server.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A call of `method` on the path of these segments; each is encoded.
    pub(crate) fn call(&self, method: Method, segments: &[&str]) -> Call {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Call {
            method,
            url,
            body: None,
            headers: vec![],
            extra_time: Duration::ZERO,
            unlimited: false,
            lock_wait: self.lock_wait,
        }
    }

    /// A call below `/api/v1`.
    pub(crate) fn api(&self, method: Method, segments: &[&str]) -> Call {
        let mut all = vec!["api", "v1"];
        all.extend(segments);
        self.call(method, &all)
    }

    /// A new key for a creation.
    pub(crate) fn new_key(&self) -> String {
        random_suffix(&*self.options.rng, 26)
    }

    /// Sends `call`, again where that is harmless, and returns the answer of a success.
    pub(crate) async fn send(&self, call: Call) -> Result<Response> {
        let mut attempt = 1;
        loop {
            let error = match self.send_once(&call).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match retry::pause(attempt, &error).filter(|_| call.may_be_repeated()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn send_once(&self, call: &Call) -> Result<Response> {
        let mut request = self.http.request(call.method.clone(), call.url.clone());
        if !call.unlimited {
            request = request.timeout(self.options.timeout + call.extra_time);
        }
        request = self.decorate(request, call);
        let response = request.send().await.map_err(|source| ClientError::Transport {
            method: call.method.to_string(),
            path: call.url.path().to_owned(),
            server: self.address().to_owned(),
            source: source.without_url(),
        })?;
        if response.status().is_success() || response.status() == reqwest::StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        Err(failure(call, response).await)
    }

    fn decorate(&self, mut request: RequestBuilder, call: &Call) -> RequestBuilder {
        if let Some(token) = &self.options.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        request
    }

    /// Sends `call` and reads the JSON of its answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let (method, path) = (call.method.to_string(), call.url.path().to_owned());
        let server = self.address().to_owned();
        let response = self.send(call).await?;
        let body = response.bytes().await.map_err(|source| ClientError::Transport {
            method: method.clone(),
            path: path.clone(),
            server,
            source: source.without_url(),
        })?;
        serde_json::from_slice(&body).map_err(|source| ClientError::Decode { method, path, source })
    }

    /// Sends `call`, whose answer has no body.
    pub(crate) async fn done(&self, call: Call) -> Result<()> {
        self.send(call).await.map(drop)
    }

    /// Sends a `DELETE`. When an earlier attempt may have been carried out, it is no error that nothing is left.
    pub(crate) async fn delete(&self, segments: &[&str]) -> Result<()> {
        self.send_delete(self.api(Method::DELETE, segments)).await
    }

    /// The same for a `DELETE` that is ready to be sent.
    pub(crate) async fn send_delete(&self, call: Call) -> Result<()> {
        let mut attempt = 1;
        loop {
            let Err(error) = self.send_once(&call).await else { return Ok(()) };
            if attempt > 1 && error.problem().is_some_and(|problem| problem.status == 404) {
                return Ok(());
            }
            let Some(pause) = retry::pause(attempt, &error) else { return Err(error) };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }
}

impl Call {
    /// The same with these query parameters.
    pub(crate) fn query<Q: Serialize>(mut self, query: &Q) -> Self {
        let value = serde_json::to_value(query).unwrap_or_default();
        let mut given = Vec::new();
        for (name, member) in value.as_object().cloned().unwrap_or_default() {
            let members = match member {
                Value::Null => vec![],
                Value::Array(members) => members,
                one => vec![one],
            };
            given.extend(members.into_iter().map(|member| match member {
                Value::String(text) => (name.clone(), text),
                other => (name.clone(), other.to_string()),
            }));
        }
        if !given.is_empty() {
            self.url.query_pairs_mut().extend_pairs(given);
        }
        self
    }

    /// The same with a JSON body.
    pub(crate) fn json<B: Serialize>(mut self, body: &B) -> Self {
        self.body = Some(serde_json::to_vec(body).expect("a wire type is JSON"));
        self
    }

    /// The same with a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with a key by which the server recognizes it when it comes twice.
    pub(crate) fn key(self, key: String) -> Self {
        self.header("idempotency-key", key)
    }

    /// The same, asking the server to wait for the work.
    pub(crate) fn wait(mut self, seconds: u32) -> Self {
        self.extra_time = Duration::from_secs(seconds.into());
        let lock_wait = self.lock_wait;
        self.query(&WaitQuery { wait: Some(seconds), lock_wait })
    }

    /// The same, given so many seconds more to answer.
    pub(crate) fn longer(mut self, seconds: u32) -> Self {
        self.extra_time = Duration::from_secs(seconds.into());
        self
    }

    /// The same without a limit on how long it takes: for streams.
    pub(crate) fn unlimited(mut self) -> Self {
        self.unlimited = true;
        self
    }

    fn may_be_repeated(&self) -> bool {
        self.method.is_idempotent() || self.headers.iter().any(|(name, _)| *name == "idempotency-key")
    }
}

async fn failure(call: &Call, response: Response) -> ClientError {
    let status = response.status().as_u16();
    let retry_after_seconds = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(PROBLEM_MEDIA_TYPE.as_bytes()));
    let body = if is_problem { response.bytes().await.unwrap_or_default() } else { bytes::Bytes::new() };
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => ClientError::Problem { problem: Box::new(problem), retry_after_seconds },
        Err(_) => ClientError::Unexpected {
            method: call.method.to_string(),
            path: call.url.path().to_owned(),
            status,
        },
    }
}
