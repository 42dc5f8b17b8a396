//! The event log as a live stream.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use backstay_model::{Caller, Event};
use futures_util::stream::BoxStream;

impl Service {
    /// Streams events in the order of their numbers: first those after `after` from the log, then new ones as they are committed;
    /// without `after` only new ones. Visibility as in [`Service::list_events`].
    pub async fn subscribe_events(
        &self,
        caller: &Caller,
        after: Option<u64>,
    ) -> Result<BoxStream<'static, Result<Event>>> {
        let _ = (self, caller, after);
        Err(ServiceError::unfinished("subscribe_events"))
    }
}
