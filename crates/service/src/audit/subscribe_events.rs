//! The event log as a live stream.

use std::collections::VecDeque;

use backstay_catalog::{EventFilter as RowFilter, EventWatch};
use backstay_model::{Action, Caller, Event, Subject};
use futures_util::stream::{self, BoxStream};

use super::visible::visible;
use crate::error::Result;
use crate::service::Service;
use crate::view::EventFilter;

/// How many events are read from the log at once.
const BATCH: u32 = 256;

struct Subscription {
    service: Service,
    watch: EventWatch,
    filter: RowFilter,
    seen: u64,
    ready: VecDeque<Event>,
}

impl Service {
    /// Streams events in the order of their numbers: first those after `after` from the log, then new ones as they are
    /// committed; without `after` only new ones. Visibility as in [`Service::list_events`].
    ///
    /// The log itself is read, so a slow reader misses nothing and holds nothing in memory. An error ends the stream.
    pub async fn subscribe_events(
        &self,
        caller: &Caller,
        after: Option<u64>,
    ) -> Result<BoxStream<'static, Result<Event>>> {
        self.permit(caller, None, Action::View, &Subject::new("events", &caller.tenant)).await?;
        let Some(filter) = visible(caller, &EventFilter::default())? else {
            return Ok(Box::pin(stream::pending()));
        };
        let watch = self.catalog().subscribe().await?;
        let head = self.read().await?.event_head().await?.0;
        let seen = after.map_or(head, |after| after.min(head));
        let start = Subscription { service: self.clone(), watch, filter, seen, ready: VecDeque::new() };
        Ok(Box::pin(stream::try_unfold(start, |mut subscription| async move {
            let event = subscription.next().await?;
            Ok(Some((event, subscription)))
        })))
    }
}

impl Subscription {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let (events, seen) =
                self.service.read().await?.events_after(self.seen, &self.filter, BATCH).await?;
            self.ready.extend(events);
            let advanced = seen > self.seen;
            self.seen = self.seen.max(seen);
            if self.ready.is_empty() && !advanced {
                self.watch.wait_beyond(self.seen).await?;
            }
        }
    }
}
