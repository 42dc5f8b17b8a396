//! Appending events, as part of a transaction's commit.

use backstay_model::{Event, EventDraft, EventHash, TenantId};
use serde_json::Value as Json;

use super::facet;
use super::read::COLUMNS;
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, RawRow, batches, rows, sql};
use crate::transaction::Tx;
use crate::words::{scope_word, words};

/// How many bytes of an event's particulars are searchable.
const SEARCHED_BYTES: usize = 4096;

impl Session {
    /// The number and hash of the newest event; 0 and zeros when there is none.
    pub async fn event_head(&mut self) -> Result<(u64, EventHash)> {
        let rows = self
            .raw(sql("read the head of the log", "SELECT seq, hash FROM event_head WHERE id = 1"))
            .await?;
        let row = rows.first().ok_or_else(|| CatalogError::not_found("head of the event log", &1))?;
        head(row)
    }
}

fn head(row: &RawRow) -> Result<(u64, EventHash)> {
    let mut fields = Fields::new("event_head", row);
    Ok((fields.count()?, EventHash::from_bytes(fields.hash()?)))
}

impl Tx {
    /// Appends events behind the head, moves the head, and queues the webhook deliveries.
    pub(crate) async fn append_events(&mut self, drafts: Vec<EventDraft>) -> Result<Vec<Event>> {
        let (mut seq, mut hash) = self.event_head().await?;
        let first = seq + 1;
        let mut events = Vec::with_capacity(drafts.len());
        for draft in drafts {
            seq += 1;
            let event = Event::seal(draft, seq, hash);
            hash = event.hash;
            events.push(event);
        }
        for batch in batches(&events) {
            self.insert_events(batch).await?;
        }
        let text = "UPDATE event_head SET seq = $1, hash = $2 WHERE id = 1";
        let statement = sql("move the head of the log", text).bind(seq).bind(hash.as_bytes().as_slice());
        self.execute_later(statement).await?;
        self.queue_deliveries(first, seq).await?;
        if self.is_postgres() {
            let text = "SELECT pg_notify('backstay_events_' || current_schema(), $1)";
            self.execute(sql("announce events", text).bind(seq.to_string())).await?;
        }
        Ok(events)
    }

    async fn insert_events(&mut self, events: &[Event]) -> Result<()> {
        let text = format!("INSERT INTO events ({COLUMNS}, facet) VALUES {}", rows(17, events.len()));
        let mut statement = sql("append events", text);
        for event in events {
            statement = statement
                .bind(event.seq)
                .bind(event.at)
                .bind(&event.tenant)
                .bind(event.actor.kind)
                .bind(&event.actor.id)
                .bind(&event.actor.name)
                .bind(&event.action)
                .bind(event.kind)
                .bind(&event.source)
                .bind(&event.subject.kind)
                .bind(&event.subject.id)
                .bind(event.outcome)
                .bind(event.data.as_json())
                .bind(&event.request_id)
                .bind(event.prev_hash.as_bytes().as_slice())
                .bind(event.hash.as_bytes().as_slice())
                .bind(facet::number(&event.action, event.outcome));
        }
        self.execute_later(statement).await?;
        let text = if self.is_postgres() {
            let rows = (0..events.len())
                .map(|n| format!("(${}, array_to_tsvector(string_to_array(${}, ' ')))", 2 * n + 1, 2 * n + 2))
                .collect::<Vec<_>>();
            format!("INSERT INTO event_text (seq, body) VALUES {}", rows.join(", "))
        } else {
            format!("INSERT INTO event_text (rowid, body) VALUES {}", rows(2, events.len()))
        };
        let mut statement = sql("index events", text);
        for event in events {
            statement = statement.bind(event.seq).bind(searchable(event));
        }
        self.execute_later(statement).await
    }
}

/// The words by which an event is found.
pub(crate) fn searchable(event: &Event) -> String {
    let mut body = vec![
        scope_word('t', event.tenant.as_str()),
        scope_word('a', &event.actor.id),
        actor_word(&event.tenant, &event.actor.id),
    ];
    body.extend(event.source.as_ref().map(|source| scope_word('s', source.as_str())));
    for text in [&event.actor.name, &event.actor.id, &event.action, &event.subject.kind, &event.subject.id] {
        body.extend(words(text));
    }
    body.extend(event.source.iter().flat_map(|source| words(source.as_str()).collect::<Vec<_>>()));
    let mut left = SEARCHED_BYTES;
    values(&event.data.value(), &mut |text| {
        if let Some(rest) = left.checked_sub(text.len()) {
            left = rest;
            body.extend(words(text));
        }
    });
    body.join(" ")
}

/// The word of an actor in a tenant. SQLite goes through all places of each word that is asked for, and a tenant has far more of
/// them than an actor.
pub(super) fn actor_word(tenant: &TenantId, actor: &str) -> String {
    scope_word('b', &format!("{tenant}/{actor}"))
}

/// Calls `take` with every text and number among the values of `json`.
fn values(json: &Json, take: &mut dyn FnMut(&str)) {
    match json {
        Json::String(text) => take(text),
        Json::Number(number) => take(&number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| values(item, take)),
        Json::Object(fields) => fields.values().for_each(|item| values(item, take)),
        Json::Null | Json::Bool(_) => {}
    }
}
