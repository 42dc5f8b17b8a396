//! `backstay serve`

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use backstay_model::{Caller, ErrorKind};
use backstay_server::Tls;
use backstay_service::Service;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::login_link;
use crate::backend::{admin, opening};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::settings::{ServerFlags, ServerSettings};
use crate::{interrupt, logging};

/// Serve the REST API for workspaces, users and programs
///
/// With no configuration: SQLite and a local repository in the data directory, on 127.0.0.1:8470. The first start prints
/// a one-time login link.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay serve
  backstay serve --config /etc/backstay.toml
  backstay serve --allowed-root /srv/projects --listen 127.0.0.1:9000
  backstay serve --listen 0.0.0.0:8470 --tls-certificate chain.pem --tls-key key.pem

Every option can also come from the configuration file or the environment: flags win over the environment, the
environment over the file. `backstay config show` tells where each value comes from.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Serves until it is asked to stop.
pub(crate) async fn run(cx: &Context, args: ServeArgs) -> CommandResult {
    if cx.globals.server.is_some() {
        return Err(Failure::usage("serve is a server and needs no --server").hint("unset BACKSTAY_SERVER"));
    }
    let settings = admin::settings(cx, &args.flags)?;
    logging::start(&settings.log.value, settings.log_format.value)?;
    let tls = tls(&settings)?;
    let service = admin::service(cx, &settings).await?;
    let first = service.ensure_administrator().await?.is_some();
    let listener = listen(&settings).await?;
    announce(cx, &service, &settings, &listener, first).await?;
    serve(cx, service, &settings, listener, tls).await
}

/// The certificate and its key, when the configuration names them; SIGHUP reads them again.
fn tls(settings: &ServerSettings) -> Result<Option<Tls>, Failure> {
    let (Some(certificate), Some(key)) = (&settings.tls_certificate.value, &settings.tls_key.value) else {
        return Ok(None);
    };
    let tls = Tls::load(certificate, key)
        .map_err(|error| Failure::usage(error.to_string()).caused_by(error.source()).hint(error.hint()))?;
    let shared = tls.clone();
    interrupt::on_hangup(move || match shared.reload() {
        Ok(()) => tracing::info!("the certificate was read again"),
        Err(error) => {
            let cause = error.source().map(ToString::to_string);
            tracing::error!(%error, cause, "the certificate stays as it was");
        }
    });
    Ok(Some(tls))
}

/// How long the connections to the catalog may take to come to rest when the server stops.
const CLOSING: Duration = Duration::from_secs(10);

/// Takes the address.
pub(crate) async fn listen(settings: &ServerSettings) -> Result<TcpListener, Failure> {
    let address = settings.listen.value;
    TcpListener::bind(address).await.map_err(|error| {
        Failure::io(format!("cannot listen on {address}"), &error)
            .hint("another server may run there already; --listen chooses another address")
    })
}

/// Says where the server is and, on the first start, how to log in.
async fn announce(
    cx: &Context,
    service: &Service,
    settings: &ServerSettings,
    listener: &TcpListener,
    first: bool,
) -> Result<(), Failure> {
    let address = local_address(listener)?;
    let mut shown = settings.clone();
    shown.listen.value = address;
    let url = shown.url();
    cx.output.event("listening", &json!({"address": address.to_string(), "url": url}));
    cx.output.note(&format!("Backstay serves on {url} (API: {url}/api/docs)"));
    if first {
        let (url, until) =
            login_link::create(service, &Caller::system("first start"), Some("admin"), &shown).await?;
        cx.output.event("login_link", &json!({"url": url, "expires_at": until}));
        cx.output.note(&format!("log in once with {url}"));
    }
    Ok(())
}

/// The address that was taken, also when the port was left to the system.
pub(crate) fn local_address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::io("cannot tell where it listens", &error))
}

/// Serves and works until Ctrl-C or SIGTERM.
pub(crate) async fn serve(
    cx: &Context,
    service: Service,
    settings: &ServerSettings,
    listener: TcpListener,
    tls: Option<Tls>,
) -> CommandResult {
    let cancel = cx.cancel.clone();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        interrupt::requested(&cancel).await;
        stopping.cancel();
    });
    let options = backstay_worker::WorkerOptions {
        name: format!("{}-{}", opening::host(), std::process::id()),
        concurrency: usize::from(settings.workers.value),
        schedules: settings.schedules.value,
        ..backstay_worker::WorkerOptions::default()
    };
    let worker = tokio::spawn(backstay_worker::run(service.clone(), options, stop.clone()));
    let server_settings = backstay_server::ServerSettings {
        secure_cookies: settings.public_url.value.as_deref().is_some_and(|url| url.starts_with("https://")),
        trust_forwarded_for: settings.trust_forwarded_for.value,
        ..backstay_server::ServerSettings::default()
    };
    let closing = service.clone();
    let served =
        backstay_server::serve(service, server_settings, listener, tls, stop.clone().cancelled_owned()).await;
    stop.cancel();
    let ended = worker.await;
    // SQLite moves what its log holds into the file of the catalog. Nothing is lost without.
    if tokio::time::timeout(CLOSING, closing.close()).await.is_err() {
        tracing::warn!("the catalog is in use, and is left as it is");
    }
    served.map_err(|error| Failure::io("the server stopped", &error))?;
    if let Err(error) = ended {
        return Err(Failure::new(ErrorKind::Internal, "the worker stopped").because(error.to_string()));
    }
    cx.output.note("stopped");
    Ok(Exit::Done)
}
