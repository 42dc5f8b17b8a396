//! The addresses of the sockets.

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::Channel;
use super::connection::serve;
use super::identify::Opener;
use crate::error::{ApiError, Result};
use crate::extract::{App, Query, RemoteAddress};
use crate::state::AppState;

/// The largest message that is read at all. One above the limit of commands is answered; one above this ends the socket.
const MOST_MESSAGE: usize = 1 << 20;

/// What a client asks for.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SocketQuery {
    /// The run whose frames are wanted, by id or name; all of the tenant when absent.
    #[param(min_length = 1, max_length = 200)]
    pub(super) run: Option<String>,
    /// The number of the last frame that was received: those after it come first.
    #[param(maximum = 9_007_199_254_740_991_i64)]
    pub(super) after: Option<u64>,
}

/// The sockets. They are no operations of the OpenAPI document; `docs/TRAINING.md` describes them.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/ws/training", get(training))
        .route("/ws/control", get(control))
        .route("/ws", get(frames))
}

type Upgrade = std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

async fn training(
    app: App,
    remote: RemoteAddress,
    opener: Opener,
    query: Query<SocketQuery>,
    upgrade: Upgrade,
) -> Result<Response> {
    open(Channel::Training, app, remote, opener, query, upgrade)
}

async fn control(
    app: App,
    remote: RemoteAddress,
    opener: Opener,
    query: Query<SocketQuery>,
    upgrade: Upgrade,
) -> Result<Response> {
    open(Channel::Control, app, remote, opener, query, upgrade)
}

async fn frames(
    app: App,
    remote: RemoteAddress,
    opener: Opener,
    query: Query<SocketQuery>,
    upgrade: Upgrade,
) -> Result<Response> {
    open(Channel::Frames, app, remote, opener, query, upgrade)
}

/// Who may not open it is told by the code with which it closes: a browser shows no answer to a request for a socket.
fn open(
    channel: Channel,
    App(state): App,
    remote: RemoteAddress,
    opener: Opener,
    Query(query): Query<SocketQuery>,
    upgrade: Upgrade,
) -> Result<Response> {
    let upgrade = upgrade
        .map_err(|rejection| ApiError::bad_request(format!("This address is a WebSocket: {rejection}")))?;
    let upgrade = upgrade.max_message_size(MOST_MESSAGE).max_frame_size(MOST_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, state, channel, opener, remote, query)))
}
