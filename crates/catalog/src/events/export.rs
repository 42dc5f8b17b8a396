//! Reading very many events, in the order of the log, with little memory.

use backstay_model::Event;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::groups::Groups;
use super::list::EventFilter;
use crate::error::Result;
use crate::session::Session;

/// How many groups wait for a slow reader.
const GROUPS_WAITING: usize = 2;

impl Session {
    /// All matching events, oldest first, in groups that together hold a few MiB at a time; up to the event that is the newest
    /// when it begins.
    ///
    /// The session reads in a task of its own, ahead of whoever takes the groups; it ends when the stream is dropped. After an
    /// error the stream ends.
    pub async fn export_events(
        mut self,
        filter: &EventFilter,
    ) -> Result<BoxStream<'static, Result<Vec<Event>>>> {
        let newest = self.event_head().await?.0;
        let Some(matching) = self.matching_events(filter).await? else {
            return Ok(Box::pin(stream::empty()));
        };
        let (sender, receiver) = mpsc::channel(GROUPS_WAITING);
        tokio::spawn(async move {
            let mut groups = Groups::new(&mut self, matching, newest);
            loop {
                let group = match groups.next().await {
                    Ok(Some(group)) => group.into_iter().collect::<Result<Vec<_>>>(),
                    Ok(None) => return,
                    Err(error) => Err(error),
                };
                let ended = group.is_err();
                if sender.send(group).await.is_err() || ended {
                    return;
                }
            }
        });
        Ok(Box::pin(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|group| (group, receiver))
        })))
    }
}
