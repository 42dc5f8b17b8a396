//! Serving until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use backstay_service::Service;
use tokio::net::TcpListener;

use crate::router::router;
use crate::settings::ServerSettings;
use crate::state::AppState;

/// Serves on `listener` until `shutdown` completes. Then live streams end, requests that are under way may finish
/// within the grace period, and what is left after it is broken off.
pub async fn serve(
    service: Service,
    settings: ServerSettings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let state = AppState::new(service, settings);
    let stopping = state.shutdown().clone();
    let grace = state.settings().shutdown_grace;
    let begun = stopping.clone();
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        begun.cancel();
    });
    let out_of_time = async move {
        stopping.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        result = async move { server.await } => result,
        () = out_of_time => {
            tracing::warn!("some requests did not finish in time and were broken off");
            Ok(())
        }
    }
}
