//! Reading events in groups, each as one row.
//!
//! Handing rows over one by one costs several times more than reading them, on SQLite between the threads of the driver, on
//! PostgreSQL in describing each of them. So a group comes as one row: on SQLite as one JSON text, on PostgreSQL as one array
//! for each column. While the database makes a group, the one before is decoded.

use std::borrow::Cow;

use backstay_model::{Actor, Event, EventData, EventHash, Subject, Timestamp};
use serde::Deserialize;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::list::Matching;
use super::read::{COLUMNS, qualified};
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, RawRow, Record, sql};

/// Events per group: some hundred KiB.
const GROUP: u32 = 1000;

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
    /// The whole group.
    Packed(RawRow),
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
        let Some(group) = self.fetched.take() else { return Ok(None) };
        let (following, events) = tokio::join!(self.fetch(), async { decode(&group) });
        self.fetched = following?;
        if let Some(events) = events {
            return Ok(Some(events));
        }
        let rows = self.rows(group.after, group.last).await?;
        Ok(Some(rows.iter().map(Event::from_row).collect()))
    }

    async fn fetch(&mut self) -> Result<Option<Fetched>> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let (inner, condition) = self.matching.between(&qualified(), after, self.newest, GROUP);
        let values = if self.session.is_postgres() { arrays() } else { json() };
        let text = format!("SELECT count(*), max(seq), {values} FROM ({inner}) AS events");
        let packed = match self.session.raw(sql("read events", text).bind_all(condition.values)).await {
            Ok(mut rows) => rows.pop(),
            // A value that is not what it should be does not fit; rows tell which.
            Err(CatalogError::Query { .. }) => None,
            Err(error) => return Err(error),
        };
        let (count, last, form) = if let Some(row) = packed {
            let mut fields = Fields::new("events", &row);
            (fields.count()?, fields.optional_int()?, Form::Packed(row))
        } else {
            let rows = self.rows(after, self.newest).await?;
            let last = rows.last().map(|row| Fields::new("events", row).int()).transpose()?;
            (rows.len() as u64, last, Form::Rows(rows))
        };
        let Some(last) = last.and_then(|last| u64::try_from(last).ok()) else { return Ok(None) };
        self.after = (count >= u64::from(GROUP)).then_some(last);
        Ok(Some(Fetched { after, last, form }))
    }

    async fn rows(&mut self, after: u64, newest: u64) -> Result<Vec<RawRow>> {
        let (text, condition) = self.matching.between(&qualified(), after, newest, GROUP);
        self.session.raw(sql("read events", text).bind_all(condition.values)).await
    }
}

/// The events of a group in order; `None` when one of its values is not what it should be.
fn decode(group: &Fetched) -> Option<Vec<Result<Event>>> {
    let row = match &group.form {
        Form::Rows(rows) => return Some(rows.iter().map(Event::from_row).collect()),
        Form::Packed(row) => row,
    };
    let mut events = match row {
        RawRow::Sqlite(row) => serde_json::from_str::<Vec<Packed<'_>>>(row.try_get(2).ok()?)
            .ok()?
            .into_iter()
            .map(Packed::event)
            .collect(),
        RawRow::Postgres(row) => from_arrays(row),
    }?;
    // No database promises the order in which an aggregate sees its rows.
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

/// A group as one array for each column.
fn arrays() -> String {
    COLUMNS.split(", ").map(|column| format!("array_agg({})", column.trim())).collect::<Vec<_>>().join(", ")
}

/// The events of a row of [`arrays`]; `None` when a word, an id or a hash is none.
fn from_arrays(row: &PgRow) -> Option<Vec<Event>> {
    let integers = |column| row.try_get::<Vec<i64>, _>(column).map(Vec::into_iter).ok();
    let texts = |column| row.try_get::<Vec<String>, _>(column).map(Vec::into_iter).ok();
    let optional = |column| row.try_get::<Vec<Option<String>>, _>(column).map(Vec::into_iter).ok();
    let hashes = |column| row.try_get::<Vec<Vec<u8>>, _>(column).map(Vec::into_iter).ok();
    let (mut at, mut tenant, mut actor_kind) = (integers(3)?, texts(4)?, texts(5)?);
    let (mut actor_id, mut actor_name, mut action) = (texts(6)?, texts(7)?, texts(8)?);
    let (mut kind, mut source, mut subject_kind) = (optional(9)?, optional(10)?, texts(11)?);
    let (mut subject_id, mut outcome, mut data) = (texts(12)?, texts(13)?, texts(14)?);
    let (mut request_id, mut prev_hash, mut hash) = (optional(15)?, hashes(16)?, hashes(17)?);
    integers(2)?
        .map(|seq| {
            Some(Event {
                seq: u64::try_from(seq).ok()?,
                at: Timestamp::from_micros(at.next()?),
                tenant: tenant.next()?.parse().ok()?,
                actor: Actor {
                    kind: actor_kind.next()?.parse().ok()?,
                    id: actor_id.next()?,
                    name: actor_name.next()?,
                },
                action: action.next()?,
                kind: kind.next()?.map(|kind| kind.parse()).transpose().ok()?,
                source: source.next()?.map(|source| source.parse()).transpose().ok()?,
                subject: Subject { kind: subject_kind.next()?, id: subject_id.next()? },
                outcome: outcome.next()?.parse().ok()?,
                data: EventData::from_stored(data.next()?),
                request_id: request_id.next()?,
                prev_hash: EventHash::from_bytes(prev_hash.next()?.try_into().ok()?),
                hash: EventHash::from_bytes(hash.next()?.try_into().ok()?),
            })
        })
        .collect()
}
