//! Serving until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use backstay_service::Service;
use tokio::net::TcpListener;

use crate::router::router;
use crate::settings::ServerSettings;
use crate::state::AppState;
use crate::tls::{Tls, TlsListener};

/// Serves on `listener` until `shutdown` completes, with TLS when a certificate is given. Then live streams end, requests
/// that are under way may finish within the grace period, and what is left after it is broken off.
pub async fn serve(
    service: Service,
    settings: ServerSettings,
    listener: TcpListener,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let settings = ServerSettings { secure_cookies: settings.secure_cookies || tls.is_some(), ..settings };
    let followed = service.clone();
    let following = tokio::spawn(async move { followed.follow_training_snapshots().await });
    let state = AppState::new(service, settings);
    let served = match tls {
        Some(tls) => match TlsListener::new(listener, tls) {
            Ok(listener) => serve_on(state, listener, shutdown).await,
            Err(error) => Err(error),
        },
        None => serve_on(state, listener, shutdown).await,
    };
    following.abort();
    served
}

async fn serve_on<L>(
    state: AppState,
    listener: L,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    let stopping = state.shutdown().clone();
    let grace = state.settings().shutdown_grace;
    let begun = stopping.clone();
    let (service, asked, ended) = (state.service().clone(), stopping.clone(), stopping.clone());
    let saved = async move {
        asked.cancelled().await;
        service.close_training().await;
    };
    let app = router(state).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        begun.cancel();
    });
    let out_of_time = async move {
        stopping.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    // Runs are saved while the last requests are answered, and however long it takes.
    let served = async {
        let served = tokio::select! {
            result = async move { server.await } => result,
            () = out_of_time => {
                tracing::warn!("some requests did not finish in time and were broken off");
                Ok(())
            }
        };
        ended.cancel();
        served
    };
    let (served, ()) = tokio::join!(served, saved);
    served
}

/// The other end of a connection, with or without TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}
