//! Reading very many events, in the order of the log, with little memory.
//!
//! Events are read in groups. On SQLite a group comes as one JSON text, because handing rows over one by one between the threads of
//! the driver costs several times more than reading them.

use std::borrow::Cow;
use std::collections::VecDeque;

use backstay_model::{Actor, Event, EventData, EventHash, Subject};
use futures_util::stream::{self, BoxStream};
use serde::Deserialize;

use super::list::{EventFilter, Matching};
use super::read::{COLUMNS, qualified};
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};

/// Events per group: some hundred KiB.
const GROUP: u32 = 1000;

/// An event as SQLite writes it into JSON.
#[derive(Deserialize)]
struct Raw<'a>(
    u64,
    i64,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
);

impl Raw<'_> {
    /// The event; `None` when a word, an id or a hash is none.
    fn event(self) -> Option<Event> {
        Some(Event {
            seq: self.0,
            at: backstay_model::Timestamp::from_micros(self.1),
            tenant: self.2.parse().ok()?,
            actor: Actor { kind: self.3.parse().ok()?, id: self.4.into_owned(), name: self.5.into_owned() },
            action: self.6.into_owned(),
            kind: self.7.map(|kind| kind.parse()).transpose().ok()?,
            source: self.8.map(|source| source.parse()).transpose().ok()?,
            subject: Subject { kind: self.9.into_owned(), id: self.10.into_owned() },
            outcome: self.11.parse().ok()?,
            data: EventData::from_stored(self.12.into_owned()),
            request_id: self.13.map(Cow::into_owned),
            prev_hash: EventHash::parse(&self.14)?,
            hash: EventHash::parse(&self.15)?,
        })
    }
}

/// Where a long read is.
struct Reading<'s> {
    session: &'s mut Session,
    matching: Matching,
    seq: u64,
    newest: u64,
    ready: VecDeque<Event>,
}

impl Session {
    /// All matching events, oldest first, as a stream that holds only a few hundred KiB at a time; up to the event that is
    /// the newest when it begins.
    pub async fn export_events(&mut self, filter: &EventFilter) -> Result<BoxStream<'_, Result<Event>>> {
        let newest = self.event_head().await?.0;
        let Some(matching) = self.matching_events(filter).await? else {
            return Ok(Box::pin(stream::empty()));
        };
        let reading = Reading { session: self, matching, seq: 0, newest, ready: VecDeque::new() };
        Ok(Box::pin(stream::try_unfold(reading, |mut reading| async move {
            if reading.ready.is_empty() && reading.seq < reading.newest {
                let Reading { session, matching, seq, newest, ready } = &mut reading;
                let group = session.event_group(matching, *seq, *newest).await?;
                let full = group.len() >= GROUP as usize;
                *ready = group.into_iter().collect::<Result<_>>()?;
                *seq = ready.back().filter(|_| full).map_or(*newest, |last| last.seq);
            }
            Ok(reading.ready.pop_front().map(|event| (event, reading)))
        })))
    }

    /// Up to [`GROUP`] matching events after `seq`, each of which may be unreadable by itself.
    pub(super) async fn event_group(
        &mut self,
        matching: &Matching,
        seq: u64,
        newest: u64,
    ) -> Result<Vec<Result<Event>>> {
        if !self.is_postgres()
            && let Some(events) = self.json_group(matching, seq, newest).await?
        {
            return Ok(events.into_iter().map(Ok).collect());
        }
        let (text, condition) = matching.between(&qualified(), seq, newest, GROUP);
        let rows = self.raw(sql("read events", text).bind_all(condition.values)).await?;
        Ok(rows.iter().map(Event::from_row).collect())
    }

    /// A group as JSON; `None` when one of its values is not what it should be, so that rows must tell which.
    async fn json_group(&mut self, matching: &Matching, seq: u64, newest: u64) -> Result<Option<Vec<Event>>> {
        let (inner, condition) = matching.between(&qualified(), seq, newest, GROUP);
        let values = COLUMNS.replace("prev_hash, hash", "hex(prev_hash), hex(hash)");
        let text = format!("SELECT json_group_array(json_array({values})) FROM ({inner})");
        let rows = match self.raw(sql("read events", text).bind_all(condition.values)).await {
            Ok(rows) => rows,
            Err(CatalogError::Query { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(row) = rows.first() else { return Ok(Some(Vec::new())) };
        let text = Fields::new("events", row).text()?;
        let Ok(raw) = serde_json::from_str::<Vec<Raw<'_>>>(&text) else { return Ok(None) };
        let events: Option<Vec<Event>> = raw.into_iter().map(Raw::event).collect();
        Ok(events.map(|mut events| {
            // SQLite does not promise the order in which an aggregate sees its rows.
            if !events.is_sorted_by_key(|event| event.seq) {
                events.sort_by_key(|event| event.seq);
            }
            events
        }))
    }
}
