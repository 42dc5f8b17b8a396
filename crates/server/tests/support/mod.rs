//! A real server on a real socket, over a real SQLite catalog and a local repository.
#![expect(unreachable_pub, clippy::unwrap_used, reason = "it belongs to the tests")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod sockets;
pub mod things;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backstay_client::{Client, ClientOptions};
use backstay_model::{Caller, FakeClock, Role, SeededRng, TenantId, Timestamp};
use backstay_server::{ServerSettings, Tls};
use backstay_service::view::{NewTenant, NewToken, NewUser, User};
use backstay_service::{Run, ServerOptions, Service, Settings};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// When the tests happen.
pub const NOW: Timestamp = Timestamp::from_micros(1_767_435_330_123_456);

/// With room for so many sockets, little of what is sent is on its way.
pub const NARROW: usize = 777;

/// A running server. It ends when it is dropped.
pub struct TestServer {
    pub service: Service,
    pub clock: Arc<FakeClock>,
    pub address: SocketAddr,
    pub http: reqwest::Client,
    rng: Arc<SeededRng>,
    directory: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<std::io::Result<()>>>,
    worker: JoinHandle<()>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(ServerSettings::default()).await
    }

    pub async fn start_with(settings: ServerSettings) -> Self {
        Self::start_on(None, settings, None).await
    }

    /// A server whose catalog is at `catalog`, or beside its repository; with TLS when there is a certificate.
    pub async fn start_on(catalog: Option<String>, settings: ServerSettings, tls: Option<Tls>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("roots")).unwrap();
        Self::start_in(directory, 7, catalog, settings, tls).await
    }

    async fn start_in(
        directory: tempfile::TempDir,
        seed: u64,
        catalog: Option<String>,
        settings: ServerSettings,
        tls: Option<Tls>,
    ) -> Self {
        let roots = directory.path().join("roots");
        let clock = Arc::new(FakeClock::new(NOW));
        let service = Service::open(ServerOptions {
            data_directory: directory.path().join("data"),
            catalog,
            repository: None,
            clock: clock.clone(),
            rng: Arc::new(SeededRng::new(seed)),
            settings: Settings {
                allowed_roots: Some(vec![roots]),
                webhooks_to_private_addresses: true,
                allow_commands: true,
                ..Settings::default()
            },
        })
        .await
        .unwrap();
        service.ensure_administrator().await.unwrap();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Connections inherit it; it is large unless a test wants to see what does not fit.
        if settings.max_sockets == NARROW {
            socket.set_send_buffer_size(8192).unwrap();
        }
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server =
            tokio::spawn(backstay_server::serve(service.clone(), settings, listener, tls, async move {
                let _ = stopped.await;
            }));
        let worker = tokio::spawn(work(service.clone()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let rng = Arc::new(SeededRng::new(9));
        Self { service, clock, address, http, rng, directory, stop: Some(stop), server: Some(server), worker }
    }

    /// Stops the server in an orderly way and waits for it.
    pub async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.server.take().unwrap().await.unwrap().unwrap();
    }

    /// Stops the server in an orderly way and starts another one on the same data.
    pub async fn restart(mut self) -> Self {
        let _ = self.stop.take().unwrap().send(());
        self.server.take().unwrap().await.unwrap().unwrap();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        drop(self);
        Self::start_in(directory, 77, None, ServerSettings::default(), None).await
    }

    /// The caller that may do everything in `tenant`.
    pub fn local(tenant: &str) -> Caller {
        Caller { tenant: TenantId::parse(tenant).unwrap(), ..Service::local_caller("test") }
    }

    /// An API token of the default tenant.
    pub async fn token(&self, role: Role) -> String {
        self.token_in("default", role).await
    }

    /// An API token of `tenant`.
    pub async fn token_in(&self, tenant: &str, role: Role) -> String {
        let new = NewToken { name: format!("{role} of {tenant}"), role, expires_at: None };
        self.service.create_token(&Self::local(tenant), new).await.unwrap().secret
    }

    /// Another tenant.
    pub async fn tenant(&self, id: &str) {
        let new = NewTenant { id: Some(TenantId::parse(id).unwrap()), name: id.to_owned() };
        self.service.create_tenant(&Self::local("default"), new).await.unwrap();
    }

    /// A user with a password.
    pub async fn user(&self, name: &str, password: &str, role: Role) -> User {
        let new = NewUser { name: name.to_owned(), password: Some(password.to_owned()), role, tenant: None };
        self.service.create_user(&Self::local("default"), new).await.unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without a sign-in.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// The typed client with this token.
    pub fn client(&self, token: &str) -> Client {
        let options = ClientOptions::new(Some(token), self.rng.clone());
        Client::new(&format!("http://{}", self.address), options).unwrap()
    }

    /// Where the catalog and the repository are.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A directory that may be a workspace.
    pub fn root(&self, name: &str) -> PathBuf {
        let root = self.directory.path().join("roots").join(name);
        std::fs::create_dir_all(&root).unwrap();
        root
    }

    /// Registers a workspace with some files in it; returns its id and root.
    pub async fn workspace(&self, name: &str) -> (String, PathBuf) {
        self.workspace_in("default", name).await
    }

    pub async fn workspace_in(&self, tenant: &str, name: &str) -> (String, PathBuf) {
        let root = self.root(name);
        write(&root, "README.md", b"# hello\n");
        write(&root, "src/main.rs", b"fn main() {}\n");
        let big: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        write(&root, "data/big.bin", &big);
        let new =
            backstay_service::view::NewSource { name: name.to_owned(), root: root.clone(), retention: None };
        let source = self.service.register_source(&Self::local(tenant), new).await.unwrap();
        (source.id.into(), root)
    }

    /// Takes a snapshot by REST and waits for it.
    pub async fn snapshot(&self, token: &str, workspace: &str, label: &str) -> String {
        let new = backstay_api::snapshot::NewSnapshot { label: label.to_owned(), ..Default::default() };
        let accepted = self.client(token).create_snapshot(workspace, &new, 30).await.unwrap();
        assert_eq!(accepted.state, backstay_model::SnapshotState::Ready, "{accepted:?}");
        accepted.id
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.worker.abort();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// What a worker does, in the smallest form.
async fn work(service: Service) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    loop {
        match service.claim_task("test").await {
            Ok(Some(task)) => {
                let result = service.run_task(&task, &Run::default()).await;
                let _ = service.finish_task(&task, result).await;
            }
            _ => drop(tick.tick().await),
        }
    }
}

pub fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Sends `request` with `token` and returns status and JSON (null without a body).
pub async fn send(request: RequestBuilder, token: &str) -> (StatusCode, Value) {
    let response = request.bearer_auth(token).send().await.unwrap();
    let status = response.status();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// Asserts that `request` is refused with `status` as a problem, and returns the problem.
pub async fn refused(request: RequestBuilder, token: Option<&str>, status: u16) -> Value {
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = request.send().await.unwrap();
    let got = response.status().as_u16();
    let url = response.url().to_string();
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let request_id = response.headers().get("x-request-id").map(|value| value.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{url}: {text}");
    assert_eq!(content_type.as_deref(), Some("application/problem+json"), "{url}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status, "{url}");
    assert_eq!(problem["request_id"].as_str(), request_id.as_deref(), "{url}");
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{url}");
    problem
}
