//! Tells those who follow a tenant's runs what became of snapshots.

use std::time::Duration;

use backstay_model::{Caller, Event, Kind, SnapshotId};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::registry::Follower;
use crate::error::Result;
use crate::service::Service;
use crate::training::view::attributes_of;

/// How long somebody who wants to follow runs waits for the event log to be followed.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// Says that nobody follows any more, when it is dropped.
struct Following<'l>(&'l watch::Sender<Follower>);

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.send_replace(Follower::Absent);
    }
}

impl Service {
    /// Puts what the event log tells of snapshots of runs into the telemetry, as it is committed, whichever process did it. Begins when
    /// somebody first follows runs, for it reads every event. Works until it is dropped.
    ///
    /// A restore into a run of this process is told by the run itself, before the state that follows it.
    pub async fn follow_training_snapshots(&self) {
        let follower = self.live().follower();
        let _following = Following(follower);
        follower.send_replace(Follower::Waiting);
        // The sender is in our hands.
        drop(follower.subscribe().wait_for(|state| *state == Follower::Wanted).await);
        let caller = Caller::system("telemetry");
        let mut events = match self.subscribe_events(&caller, None).await {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(%error, "the event log cannot be followed; telemetry tells of no snapshot");
                return;
            }
        };
        follower.send_replace(Follower::Active);
        while let Some(event) = events.next().await {
            let told = match event {
                Ok(event) => self.tell_of_snapshot(&event).await,
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::warn!(%error, "an event of a snapshot could not be told to those who follow runs");
            }
        }
    }

    /// Has the event log followed, where somebody is there to do it.
    pub(super) async fn want_snapshots_followed(&self) {
        let follower = self.live().follower();
        follower.send_if_modified(|state| {
            let waits = *state == Follower::Waiting;
            if waits {
                *state = Follower::Wanted;
            }
            waits
        });
        let mut state = follower.subscribe();
        let settled = state.wait_for(|state| *state != Follower::Wanted);
        // Without it frames about snapshots may come late; all others come.
        drop(tokio::time::timeout(MOST_WAIT, settled).await);
    }

    async fn tell_of_snapshot(&self, event: &Event) -> Result<()> {
        let (Some(Kind::Training), Some(run)) = (event.kind, &event.source) else { return Ok(()) };
        let event_type = match event.action.as_str() {
            "snapshot.created" => "snapshot_created",
            "snapshot.deleted" => "snapshot_deleted",
            "snapshot.failed" => "snapshot_failed",
            _ => return Ok(()),
        };
        let Ok(id) = SnapshotId::parse(&event.subject.id) else { return Ok(()) };
        let Some(row) = self.read().await?.snapshot(&id).await? else { return Ok(()) };
        let about = attributes_of(&row);
        let mut details = json!({
            "snapshot_id": id, "name": row.label.as_deref().unwrap_or(id.as_str()),
            "epoch": about.epoch, "trigger": row.trigger,
        });
        if let Some(reason) = &row.failure {
            details["reason"] = Value::from(reason.as_str());
        }
        let feed = self.live().feed(&event.tenant, self.now());
        feed.publish("event", run, self.now(), &json!({"event_type": event_type, "details": details}));
        Ok(())
    }
}
