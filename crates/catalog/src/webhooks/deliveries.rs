//! The outbox of webhook deliveries.

use std::fmt;
use std::str::FromStr;

use backstay_model::{Timestamp, WebhookId};

use crate::catalog::{Backend, Catalog};
use crate::error::{CatalogError, Result};
use crate::page::{Page, Paging};
use crate::session::Session;
use crate::sql::{Fields, Record, Value, sql};
use crate::transaction::Tx;
use crate::words::vocabulary;

vocabulary! {
    /// Where a delivery is.
    DeliveryState {
        /// It is to be sent, perhaps again.
        Pending = "pending",
        /// The endpoint took it.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}

/// One event to be sent to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its number.
    pub id: i64,
    /// To which endpoint.
    pub webhook: WebhookId,
    /// Which event.
    pub event_seq: u64,
    /// Where it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before this time.
    pub next_attempt_at: Timestamp,
    /// The HTTP status of the last attempt.
    pub last_status: Option<u32>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the event was committed.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, webhook_id, event_seq, state, attempts, next_attempt_at, last_status, last_error, created_at, \
     finished_at";

impl Record for DeliveryRow {
    const TABLE: &'static str = "webhook_deliveries";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.int()?,
            webhook: fields.parsed()?,
            event_seq: fields.count()?,
            state: fields.parsed()?,
            attempts: fields.small()?,
            next_attempt_at: fields.time()?,
            last_status: fields.optional_int()?.map(|status| status as u32),
            last_error: fields.optional_text()?,
            created_at: fields.time()?,
            finished_at: fields.optional_time()?,
        })
    }
}

/// How an attempt to deliver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The endpoint took it, with this HTTP status.
    Delivered(u32),
    /// It is to be tried again.
    Retry {
        /// Not before this time.
        at: Timestamp,
        /// The HTTP status, when there was an answer.
        status: Option<u32>,
        /// Why it failed.
        error: String,
    },
    /// It is given up.
    Failed {
        /// The HTTP status, when there was an answer.
        status: Option<u32>,
        /// Why it failed.
        error: String,
    },
}

impl Session {
    /// When the next delivery is due.
    pub async fn next_delivery_at(&mut self) -> Result<Option<Timestamp>> {
        let text = "SELECT min(next_attempt_at) FROM webhook_deliveries WHERE state = 'pending'";
        Ok(self.number(sql("look for deliveries", text)).await?.map(Timestamp::from_micros))
    }

    /// The deliveries to an endpoint, newest first.
    pub async fn list_deliveries(
        &mut self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        paging: &Paging,
    ) -> Result<Page<DeliveryRow>> {
        let mut values: Vec<Value> = vec![webhook.into()];
        let mut conditions = "webhook_id = $1".to_owned();
        if let Some(state) = state {
            values.push(state.as_str().into());
            conditions.push_str(" AND state = $2");
        }
        let count = format!("SELECT count(*) FROM webhook_deliveries WHERE {conditions}");
        let total = self.number(sql("count deliveries", count).bind_all(values.clone())).await?.unwrap_or(0);
        if let Some(position) = paging.position()? {
            values.push(position.into());
            conditions = format!("{conditions} AND event_seq < ${}", values.len());
        }
        let list = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries WHERE {conditions}
             ORDER BY event_seq DESC LIMIT {} OFFSET {}",
            u64::from(paging.limit) + 1,
            paging.offset
        );
        let items: Vec<DeliveryRow> = self.all(sql("list deliveries", list).bind_all(values)).await?;
        Ok(Page::cut(items, paging.limit, (total as u64, true), |row| row.event_seq as i64))
    }
}

impl Catalog {
    /// Leases up to `limit` due deliveries for `lease_seconds`; each is given to one worker at a time.
    ///
    /// A worker that dies gives them back when the lease runs out, so an event may be sent twice, never not at all.
    pub async fn claim_deliveries(
        &self,
        owner: &str,
        now: Timestamp,
        lease_seconds: i64,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>> {
        let postgres = matches!(self.inner.backend, Backend::Postgres(_));
        let lock = if postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
        // The lease is the time of the next attempt: no other worker sees the row as due before.
        let text = format!(
            "UPDATE webhook_deliveries SET attempts = attempts + 1, lease_owner = $1, next_attempt_at = $3
             WHERE id IN (SELECT id FROM webhook_deliveries WHERE state = 'pending' AND next_attempt_at <= $2
                          ORDER BY next_attempt_at LIMIT {limit} {lock})
             RETURNING {COLUMNS}"
        );
        let statement =
            sql("lease deliveries", text).bind(owner).bind(now).bind(now.plus_seconds(lease_seconds));
        let mut rows: Vec<DeliveryRow> = if postgres {
            self.read().await?.all(statement).await?
        } else {
            if self.read().await?.next_delivery_at().await?.is_none_or(|next| next > now) {
                return Ok(Vec::new());
            }
            let mut tx = self.begin().await?;
            let rows = tx.all(statement).await?;
            tx.commit().await?;
            rows
        };
        rows.sort_by_key(|row| row.event_seq);
        Ok(rows)
    }
}

impl Tx {
    /// Ends an attempt. Only the worker that leased the delivery last may; another gets a [`CatalogError::Conflict`].
    pub async fn finish_delivery(
        &mut self,
        row: &DeliveryRow,
        owner: &str,
        now: Timestamp,
        end: DeliveryEnd,
    ) -> Result<()> {
        let (state, next, status, error, finished) = match end {
            DeliveryEnd::Delivered(status) => (DeliveryState::Delivered, None, Some(status), None, Some(now)),
            DeliveryEnd::Retry { at, status, error } => {
                (DeliveryState::Pending, Some(at), status, Some(error), None)
            }
            DeliveryEnd::Failed { status, error } => {
                (DeliveryState::Failed, None, status, Some(error), Some(now))
            }
        };
        let text =
            "UPDATE webhook_deliveries SET state = $3, next_attempt_at = coalesce($4, next_attempt_at),
                        last_status = $5, last_error = $6, finished_at = $7, lease_owner = NULL
                    WHERE id = $1 AND lease_owner = $2 AND attempts = $8 AND state = 'pending'";
        let statement = sql("finish a delivery", text)
            .bind(row.id)
            .bind(owner)
            .bind(state.as_str())
            .bind(next)
            .bind(status.map(i64::from))
            .bind(&error)
            .bind(finished)
            .bind(row.attempts);
        match self.execute(statement).await? {
            0 => Err(CatalogError::Conflict {
                what: "delivery",
                id: row.id.to_string(),
                found: "leased to another worker or finished".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Forgets deliveries that ended before `before`; returns how many.
    pub async fn forget_deliveries(&mut self, before: Timestamp) -> Result<u64> {
        let text = "DELETE FROM webhook_deliveries WHERE finished_at IS NOT NULL AND finished_at < $1";
        self.execute(sql("forget deliveries", text).bind(before)).await
    }

    /// Queues the events `first..=last` for every endpoint that wants them.
    pub(crate) async fn queue_deliveries(&mut self, first: u64, last: u64) -> Result<()> {
        let text = "INSERT INTO webhook_deliveries (webhook_id, event_seq, state, attempts, next_attempt_at, created_at)
                    SELECT w.id, e.seq, 'pending', 0, e.at, e.at
                    FROM webhooks w JOIN events e ON e.tenant_id = w.tenant_id
                    WHERE e.seq BETWEEN $1 AND $2 AND w.enabled = 1
                        AND EXISTS (SELECT 1 FROM webhook_actions a WHERE a.webhook_id = w.id
                                    AND a.prefix = substr(e.action, 1, length(a.prefix)))
                    ORDER BY e.seq";
        self.execute_later(sql("queue webhooks", text).bind(first).bind(last)).await
    }
}
