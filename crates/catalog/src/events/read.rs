//! Reading events in the order of the log.

use backstay_model::{Actor, Event, EventData, EventHash, Subject};

use super::list::EventFilter;
use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};

pub(crate) const COLUMNS: &str = "seq, at, tenant_id, actor_kind, actor_id, actor_name, action, kind, source_id, subject_type, \
     subject_id, outcome, data, request_id, prev_hash, hash";

impl Record for Event {
    const TABLE: &'static str = "events";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            seq: fields.count()?,
            at: fields.time()?,
            tenant: fields.parsed()?,
            actor: Actor { kind: fields.parsed()?, id: fields.text()?, name: fields.text()? },
            action: fields.text()?,
            kind: fields.optional_parsed()?,
            source: fields.optional_parsed()?,
            subject: Subject { kind: fields.text()?, id: fields.text()? },
            outcome: fields.parsed()?,
            data: EventData::from_stored(fields.text()?),
            request_id: fields.optional_text()?,
            prev_hash: EventHash::from_bytes(fields.hash()?),
            hash: EventHash::from_bytes(fields.hash()?),
        })
    }
}

impl Session {
    /// The event with this number.
    pub async fn event(&mut self, seq: u64) -> Result<Option<Event>> {
        let text = format!("SELECT {COLUMNS} FROM events WHERE seq = $1");
        self.one(sql("read an event", text).bind(seq)).await
    }

    /// Up to `limit` matching events after number `seq`, oldest first: what a live stream continues with.
    ///
    /// The second value is the number up to which the log has been looked at; a stream that matches little continues there.
    pub async fn events_after(
        &mut self,
        seq: u64,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<(Vec<Event>, u64)> {
        let newest = self.event_head().await?.0;
        if newest <= seq {
            return Ok((Vec::new(), seq));
        }
        let Some(matching) = self.matching_events(filter).await? else {
            return Ok((Vec::new(), newest));
        };
        let (text, condition) = matching.between(&qualified(), seq, newest, limit);
        let events: Vec<Event> =
            self.all(sql("read events", text).bind_all(condition.values).skewed()).await?;
        let seen = match events.last() {
            Some(last) if events.len() >= limit as usize => last.seq,
            _ => newest,
        };
        Ok((events, seen))
    }
}

pub(crate) fn qualified() -> String {
    COLUMNS.split(", ").map(|column| format!("events.{}", column.trim())).collect::<Vec<_>>().join(", ")
}
