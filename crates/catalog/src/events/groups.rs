//! Reading events in groups.
//!
//! Handing rows over one by one costs several times more than reading them, on SQLite between the threads of the driver, on
//! PostgreSQL in describing each of them. So a group comes as a whole: on SQLite as one row with one JSON text, on PostgreSQL as
//! what `COPY` writes. While the database makes a group, the one before is decoded.

use std::borrow::Cow;

use backstay_model::{Actor, Event, EventData, EventHash, Subject, Timestamp};
use serde::Deserialize;

use super::copied;
use super::list::Matching;
use super::read::{COLUMNS, qualified};
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, RawRow, Record, sql};

/// Events per group: about a MiB. The database waits between two groups.
const GROUP: u32 = 4000;

/// How many events a group has, the number of the last, and the group.
type Whole = (u64, Option<i64>, Form);

/// Reads groups of matching events, oldest first.
pub(super) struct Groups<'s> {
    session: &'s mut Session,
    matching: Matching,
    newest: u64,
    /// After which number the group after the fetched one begins; `None` when there is none.
    after: Option<u64>,
    fetched: Option<Fetched>,
}

/// A group as it came from the database, and between which numbers it lies.
struct Fetched {
    after: u64,
    last: u64,
    form: Form,
}

enum Form {
    /// The whole group as one JSON text (SQLite).
    Packed(String),
    /// The whole group as `COPY` gave it (PostgreSQL).
    Copied(Vec<u8>),
    /// One row for each event, where the database could not pack them.
    Rows(Vec<RawRow>),
}

impl<'s> Groups<'s> {
    /// The events that match, up to number `newest`.
    pub(super) fn new(session: &'s mut Session, matching: Matching, newest: u64) -> Self {
        Self { session, matching, newest, after: Some(0), fetched: None }
    }

    /// The next group, each of whose events may be unreadable by itself; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Result<Event>>>> {
        if self.fetched.is_none() {
            self.fetched = self.fetch().await?;
        }
        let Some(Fetched { after, last, form }) = self.fetched.take() else { return Ok(None) };
        // Not on the task that receives the following group: the database would wait for it.
        let decoding = tokio::task::spawn_blocking(move || decode(form));
        let (following, events) = tokio::join!(self.fetch(), decoding);
        self.fetched = following?;
        match events {
            Ok(Some(events)) => return Ok(Some(events)),
            Ok(None) => {}
            Err(stopped) => {
                if let Ok(panic) = stopped.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        let rows = self.rows(after, last).await?;
        Ok(Some(rows.iter().map(Event::from_row).collect()))
    }

    async fn fetch(&mut self) -> Result<Option<Fetched>> {
        let Some(after) = self.after.take() else { return Ok(None) };
        // A value that is not what it should be does not fit into a whole; rows tell which.
        let whole =
            if self.session.is_postgres() { self.copied(after).await? } else { self.packed(after).await? };
        let (count, last, form) = if let Some(whole) = whole {
            whole
        } else {
            let rows = self.rows(after, self.newest).await?;
            let last = rows.last().map(|row| Fields::new("events", row).int()).transpose()?;
            (rows.len() as u64, last, Form::Rows(rows))
        };
        let Some(last) = last.and_then(|last| u64::try_from(last).ok()) else { return Ok(None) };
        self.after = (count >= u64::from(GROUP)).then_some(last);
        Ok(Some(Fetched { after, last, form }))
    }

    async fn packed(&mut self, after: u64) -> Result<Option<Whole>> {
        let (inner, condition) = self.matching.between(&qualified(), after, self.newest, GROUP);
        let text = format!("SELECT count(*), max(seq), {} FROM ({inner}) AS events", json());
        match self.session.raw(sql("read events", text).bind_all(condition.values)).await {
            Ok(mut rows) => rows
                .pop()
                .map(|row| {
                    let mut fields = Fields::new("events", &row);
                    Ok((fields.count()?, fields.optional_int()?, Form::Packed(fields.text()?)))
                })
                .transpose(),
            Err(CatalogError::Query { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn copied(&mut self, after: u64) -> Result<Option<Whole>> {
        let (text, condition) = self.matching.between(&qualified(), after, self.newest, GROUP);
        let bytes = self.session.copy(sql("read events", text).bind_all(condition.values)).await?;
        Ok(copied::outline(&bytes).map(|(count, last)| (count, last, Form::Copied(bytes))))
    }

    async fn rows(&mut self, after: u64, newest: u64) -> Result<Vec<RawRow>> {
        let (text, condition) = self.matching.between(&qualified(), after, newest, GROUP);
        self.session.raw(sql("read events", text).bind_all(condition.values)).await
    }
}

/// The events of a group in order; `None` when one of its values is not what it should be.
fn decode(group: Form) -> Option<Vec<Result<Event>>> {
    let mut events: Vec<Event> = match group {
        Form::Rows(rows) => return Some(rows.iter().map(Event::from_row).collect()),
        Form::Copied(bytes) => copied::events(&bytes)?,
        Form::Packed(text) => {
            let packed: Vec<Packed<'_>> = serde_json::from_str(&text).ok()?;
            packed.into_iter().map(Packed::event).collect::<Option<_>>()?
        }
    };
    // An aggregate may see its rows in any order.
    if !events.is_sorted_by_key(|event| event.seq) {
        events.sort_by_key(|event| event.seq);
    }
    Some(events.into_iter().map(Ok).collect())
}

/// A group as one JSON text.
fn json() -> String {
    let values = COLUMNS.replace("prev_hash, hash", "hex(prev_hash), hex(hash)");
    format!("json_group_array(json_array({values}))")
}

/// An event as SQLite writes it into JSON, in the order of the columns.
#[derive(Deserialize)]
struct Packed<'a>(
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

impl Packed<'_> {
    /// The event; `None` when a word, an id or a hash is none.
    fn event(self) -> Option<Event> {
        Some(Event {
            seq: self.0,
            at: Timestamp::from_micros(self.1),
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
