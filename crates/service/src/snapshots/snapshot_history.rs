//! What was created, restored and deleted, from the event log.

use std::collections::BTreeMap;

use backstay_catalog::EventFilter;
use backstay_model::{Action, Caller, Event, Kind, Outcome, SnapshotId, Subject};
use serde_json::Value;

use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{HistoryAction, HistoryEntry, HistoryFilter};

impl Service {
    /// Lists the history of snapshots, newest first.
    pub async fn snapshot_history(
        &self,
        caller: &Caller,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<HistoryEntry>> {
        self.permit(caller, None, Action::View, &Subject::new("snapshots", &caller.tenant)).await?;
        let actions = match filter.action {
            Some(action) => vec![word_of(action).to_owned()],
            None => [HistoryAction::Create, HistoryAction::Restore, HistoryAction::Delete]
                .into_iter()
                .map(|action| word_of(action).to_owned())
                .collect(),
        };
        let wanted = EventFilter {
            tenant: Self::visible_tenant(caller),
            source: filter.source.clone(),
            actions,
            outcome: Some(Outcome::Ok),
            ..EventFilter::default()
        };
        let found = self.read().await?.list_events(&wanted, &page.paging()?).await?;
        let items = found.items.iter().filter_map(entry).collect();
        Ok(Page { items, total: found.total, next: found.next })
    }
}

const fn word_of(action: HistoryAction) -> &'static str {
    match action {
        HistoryAction::Create => "snapshot.created",
        HistoryAction::Restore => "snapshot.restored",
        HistoryAction::Delete => "snapshot.deleted",
    }
}

fn entry(event: &Event) -> Option<HistoryEntry> {
    let action = match event.action.as_str() {
        "snapshot.created" => HistoryAction::Create,
        "snapshot.restored" => HistoryAction::Restore,
        _ => HistoryAction::Delete,
    };
    let snapshot = SnapshotId::parse(&event.subject.id).ok()?;
    let mut details: BTreeMap<String, Value> = match event.data.value() {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    details.insert("mode".to_owned(), Value::String("real".to_owned()));
    if let Some(source) = &event.source {
        details.insert("source_id".to_owned(), Value::String(source.to_string()));
        if event.kind == Some(Kind::Training) {
            details.insert("run_id".to_owned(), Value::String(source.to_string()));
        }
    }
    details.insert("actor".to_owned(), Value::String(event.actor.name.clone()));
    let done = match action {
        HistoryAction::Create => "taken",
        HistoryAction::Restore => "put back",
        HistoryAction::Delete => "deleted",
    };
    let message = format!("Snapshot {snapshot} was {done} by {}", event.actor.name);
    Some(HistoryEntry { timestamp: event.at, action, snapshot, details, message })
}
