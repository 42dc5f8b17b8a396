//! One socket, from its first frame to its close code.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use backstay_model::{ErrorKind, Role, SourceId, Subject};
use backstay_service::{Feed, Frame, ServiceError};
use futures_util::SinkExt;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::identify::{Identity, Opener, Refusal};
use super::open::SocketQuery;
use super::registry::{Socket, seconds};
use super::{Channel, code, commands};
use crate::denied;
use crate::extract::RemoteAddress;
use crate::state::AppState;

/// So many frames a client may be behind.
const MOST_BEHIND: u64 = 1024;

/// So many frames are sent between two looks at what the client says.
const BATCH: usize = 64;

/// How long a client may take to hear why it is sent away.
const LAST_WORD: Duration = Duration::from_secs(10);

/// A connection to somebody who is known.
struct Connection {
    state: AppState,
    channel: Channel,
    identity: Identity,
    socket: WebSocket,
    entry: Arc<Socket>,
    feed: Arc<Feed>,
    newest: watch::Receiver<u64>,
    /// The number of the last frame that was dealt with.
    seen: u64,
    /// The newest frame when the client came: what it asked to be repeated does not make it slow.
    began_at: u64,
    run: Option<(SourceId, String)>,
}

/// Why a connection ends.
enum End {
    /// The client is gone.
    Gone,
    /// The server closes it.
    Close(Refusal),
}

/// Serves a socket until one side closes it.
pub(super) async fn serve(
    mut socket: WebSocket,
    state: AppState,
    channel: Channel,
    opener: Opener,
    remote: RemoteAddress,
    query: SocketQuery,
) {
    let shared = state.clone();
    let Some(mut place) = shared.sockets().place(state.settings().max_sockets) else {
        return close(socket, (code::FULL, "Too many sockets are open".to_owned())).await;
    };
    let identity = match opener.identified(&mut socket, &state, remote).await {
        Ok(identity) => identity,
        Err(refusal) => return close(socket, refusal).await,
    };
    if let Err(refusal) = may_use(channel, identity.caller.role) {
        let subject = Subject::new("socket", "/ws/control");
        denied::record(&state, &identity.caller, "access_denied", subject, &refusal.1).await;
        return close(socket, refusal).await;
    }
    let now = state.service().clock().now();
    let client_id = format!("client-{}", backstay_model::id::random_suffix(state.rng(), 12));
    let entry = place.occupy(client_id, identity.caller.tenant.clone(), now);
    let feed = match state.service().training_feed(&identity.caller).await {
        Ok(feed) => feed,
        Err(error) => return close(socket, refusal_of(&error)).await,
    };
    let newest = feed.watch();
    let began_at = feed.newest();
    let seen = query.after.map_or(began_at, |after| after.min(began_at));
    let mut connection =
        Connection { state, channel, identity, socket, entry, feed, newest, seen, began_at, run: None };
    let end = match connection.greet(query).await {
        Ok(()) => connection.follow().await,
        Err(end) => end,
    };
    if let End::Close(refusal) = end {
        close(connection.socket, refusal).await;
    }
}

impl Connection {
    /// The frames before those of the feed.
    async fn greet(&mut self, query: SocketQuery) -> Result<(), End> {
        let about = json!({
            "client_id": self.entry.client_id,
            "server_time": seconds(self.state.service().clock().now()),
        });
        self.say_also("connection_established", about).await?;
        if let Some(run) = query.run {
            let found = self.state.service().training_state(&self.identity.caller, Some(&run)).await;
            let (id, _) = found.map_err(|error| End::Close(refusal_of(&error)))?;
            self.run = Some((id, run));
        }
        if self.channel == Channel::Training {
            self.tell_run().await?;
        }
        if query.after.is_some() && self.feed.after(self.seen, 1).missed {
            // What comes next is the oldest that is there.
            let oldest = self.feed.after(0, 1).frames.first().map_or(self.began_at, |frame| frame.seq - 1);
            self.seen = self.seen.max(oldest);
            let message = "Frames after that number are not kept any more; what follows begins later";
            self.say_also("error", json!({"message": message})).await?;
        }
        Ok(())
    }

    /// Status and state of the run, when there is one.
    async fn tell_run(&mut self) -> Result<(), End> {
        let (service, caller) = (self.state.service().clone(), self.identity.caller.clone());
        let run = self.run.as_ref().map(|(id, _)| id.as_str().to_owned());
        let Ok((id, state)) = service.training_state(&caller, run.as_deref()).await else { return Ok(()) };
        let Ok(status) = service.training_status(&caller, Some(id.as_str())).await else { return Ok(()) };
        self.say("initial_status", of_run(&id, serde_json::to_value(status))).await?;
        self.say("state", of_run(&id, serde_json::to_value(state))).await
    }

    /// Sends what comes, and listens.
    async fn follow(&mut self) -> End {
        let shutdown = self.state.shutdown().clone();
        let settings = self.state.settings();
        let mut heartbeat = tokio::time::interval(settings.heartbeat);
        let mut recheck = tokio::time::interval(settings.stream_lifetime);
        heartbeat.tick().await;
        recheck.tick().await;
        loop {
            if let Err(end) = self.send_batch().await {
                return end;
            }
            let more = *self.newest.borrow_and_update() > self.seen;
            let done = tokio::select! {
                biased;
                () = shutdown.cancelled() => self.say_goodbye().await,
                message = self.socket.recv() => self.hear(message).await,
                _ = recheck.tick() => self.check_again().await,
                _ = heartbeat.tick() => self.send(Message::Ping(bytes::Bytes::new())).await,
                () = std::future::ready(()), if more => Ok(()),
                // The feed lives as long as this connection.
                _ = self.newest.changed(), if !more => Ok(()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Sends the next frames.
    async fn send_batch(&mut self) -> Result<(), End> {
        let found = self.feed.after(self.seen, BATCH);
        if found.missed {
            return Err(slow());
        }
        let Some(last) = found.frames.last().map(|frame| frame.seq) else { return Ok(()) };
        let run = self.run.as_ref().map(|(id, _)| id);
        let wanted: Vec<Arc<Frame>> =
            found.frames.into_iter().filter(|frame| run.is_none_or(|run| frame.run == *run)).collect();
        let count = wanted.len() as u64;
        let messages = wanted.into_iter().filter_map(|frame| {
            // What the service renders is UTF-8.
            Some(Message::Text(Utf8Bytes::try_from(frame.text.clone()).ok()?))
        });
        self.send_all(messages.collect()).await?;
        self.seen = last;
        if count > 0 {
            self.entry.sent(count, self.state.service().clock().now());
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.send_all(vec![message]).await
    }

    /// Sends, unless the client falls too far behind meanwhile.
    async fn send_all(&mut self, messages: Vec<Message>) -> Result<(), End> {
        let Self { socket, newest, seen, began_at, .. } = self;
        let sending = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        tokio::pin!(sending);
        let mut watched = newest.clone();
        let from = (*seen).max(*began_at);
        loop {
            if watched.borrow_and_update().saturating_sub(from) > MOST_BEHIND {
                return Err(slow());
            }
            tokio::select! {
                biased;
                sent = &mut sending => return sent.map_err(|_| End::Gone),
                _ = watched.changed() => {}
            }
        }
    }

    /// What the client says.
    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_))) => return self.complain().await,
            // The protocol answers these itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        let kind = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
            let kind = value.get("type")?.as_str()?;
            value.get("command").is_none().then(|| kind.to_owned())
        });
        match (kind.as_deref(), self.channel) {
            (Some("ping"), _) => self.say("pong", json!({})).await,
            // Whoever has said by header or cookie who it is may say it again.
            (Some("auth"), _) => Ok(()),
            (_, Channel::Control) => {
                let run = self.run.as_ref().map(|(id, _)| id.as_str().to_owned());
                let answer = commands::obey(&self.state, &self.identity.caller, run.as_deref(), &text).await;
                let answer = serde_json::to_string(&answer).unwrap_or_default();
                self.send(Message::Text(answer.into())).await
            }
            _ => self.complain().await,
        }
    }

    async fn complain(&mut self) -> Result<(), End> {
        let message = "Not understood; this socket takes {\"type\": \"ping\"}";
        self.say_also("error", json!({"message": message})).await
    }

    async fn say_goodbye(&mut self) -> Result<(), End> {
        let message = "The server is shutting down";
        self.say_also("server_shutdown", json!({"message": message})).await?;
        Err(End::Close((code::AWAY, message.to_owned())))
    }

    async fn check_again(&mut self) -> Result<(), End> {
        self.identity.check_again(&self.state).await.map_err(End::Close)?;
        may_use(self.channel, self.identity.caller.role).map_err(End::Close)
    }

    /// A frame for this client alone.
    async fn say(&mut self, kind: &str, data: Value) -> Result<(), End> {
        let now = self.state.service().clock().now();
        let frame = json!({"type": kind, "timestamp": seconds(now), "data": data});
        self.entry.sent(1, now);
        self.send(Message::Text(frame.to_string().into())).await
    }

    /// The same with the data beside the type too, where clients look for them in these frames.
    async fn say_also(&mut self, kind: &str, data: Value) -> Result<(), End> {
        let now = self.state.service().clock().now();
        let mut frame = match &data {
            Value::Object(fields) => fields.clone(),
            _ => Map::new(),
        };
        frame.insert("type".to_owned(), kind.into());
        frame.insert("timestamp".to_owned(), seconds(now).into());
        frame.insert("data".to_owned(), data);
        self.entry.sent(1, now);
        self.send(Message::Text(Value::Object(frame).to_string().into())).await
    }
}

/// Says why and closes; a client that does not listen is left.
async fn close(mut socket: WebSocket, (code, reason): Refusal) {
    // A close frame has at most 125 bytes.
    let mut reason = reason;
    while reason.len() > 120 {
        reason.pop();
    }
    let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let _ = tokio::time::timeout(LAST_WORD, async {
        socket.send(frame).await?;
        // The client closes in turn; what it says until then is not heard.
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<(), axum::Error>(())
    })
    .await;
}

fn slow() -> End {
    End::Close((code::SLOW, format!("More than {MOST_BEHIND} frames behind")))
}

/// Whether a role may use a socket.
fn may_use(channel: Channel, role: Role) -> Result<(), Refusal> {
    let needed = if channel == Channel::Control { Role::Operator } else { Role::Viewer };
    if role >= needed {
        return Ok(());
    }
    Err((code::FORBIDDEN, format!("Your role `{role}` does not allow this; it takes `{needed}`")))
}

fn refusal_of(error: &ServiceError) -> Refusal {
    match error.kind {
        ErrorKind::Forbidden => (code::FORBIDDEN, error.message.clone()),
        ErrorKind::NotFound => (code::NOT_FOUND, error.message.clone()),
        ErrorKind::Internal => {
            tracing::error!(%error, "a socket could not be served");
            (code::FAILED, "The server failed".to_owned())
        }
        _ => (code::FAILED, error.message.clone()),
    }
}

fn of_run(run: &SourceId, data: serde_json::Result<Value>) -> Value {
    let mut data = data.unwrap_or_default();
    data["run_id"] = run.as_str().into();
    data
}
