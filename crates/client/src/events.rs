//! Events: the history and the live stream.

use std::collections::VecDeque;
use std::time::Duration;

use backstay_api::event::{Event, EventPage, EventQuery, StreamQuery};
use backstay_api::history::{HistoryPage, HistoryQuery};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::Method;

use crate::client::{Client, Result};
use crate::error::ClientError;
use crate::sse::SseParser;

/// A live stream of events. It never ends by itself: a broken connection is made again after the last event seen,
/// so that none is missed or sent twice.
pub type EventStream = BoxStream<'static, std::result::Result<Event, ClientError>>;

impl Client {
    /// Lists events, newest first.
    pub async fn list_events(&self, query: &EventQuery) -> Result<EventPage> {
        self.fetch(self.api(Method::GET, &["events"]).query(query)).await
    }

    /// Lists what was created, restored and deleted, newest first.
    pub async fn snapshot_history(&self, query: &HistoryQuery) -> Result<HistoryPage> {
        self.fetch(self.api(Method::GET, &["snapshots", "history"]).query(query)).await
    }

    /// Follows events as they happen. Only an error that another attempt cannot mend ends the stream.
    pub fn events(&self, query: StreamQuery) -> EventStream {
        let follower =
            Follower { client: self.clone(), query, connection: None, ready: VecDeque::new(), failures: 0 };
        futures_util::stream::unfold(Some(follower), |state| async move {
            let mut follower = state?;
            match follower.next().await {
                Ok(event) => Some((Ok(event), Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

struct Follower {
    client: Client,
    query: StreamQuery,
    connection: Option<Connection>,
    ready: VecDeque<Event>,
    failures: u32,
}

struct Connection {
    bytes: std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    parser: SseParser,
}

impl Follower {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.query.after = Some(event.seq);
                self.failures = 0;
                return Ok(event);
            }
            let Some(connection) = &mut self.connection else {
                self.connect().await?;
                continue;
            };
            if let Some(Ok(bytes)) = connection.bytes.next().await {
                for event in connection.parser.push(&bytes) {
                    let event: Event = serde_json::from_str(&event.data)
                        .map_err(|source| ClientError::BadEvent { source })?;
                    self.ready.push_back(event);
                }
            } else {
                self.connection = None;
                self.pause().await;
            }
        }
    }

    async fn connect(&mut self) -> Result<()> {
        let mut call = self.client.api(Method::GET, &["events", "stream"]).query(&self.query).unlimited();
        if let Some(after) = self.query.after {
            call = call.header("last-event-id", after.to_string());
        }
        match self.client.send(call).await {
            Ok(response) => {
                let bytes = Box::pin(response.bytes_stream());
                self.connection = Some(Connection { bytes, parser: SseParser::default() });
                Ok(())
            }
            Err(error) if error.is_temporary() => {
                self.pause().await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn pause(&mut self) {
        self.failures = (self.failures + 1).min(6);
        tokio::time::sleep(Duration::from_millis(50 << self.failures)).await;
    }
}
