//! Data keys, and the numbers that were given.

use backstay_model::Timestamp;

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A data key, sealed under a key of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentKeyRow {
    /// Its number: 1, 2, 3 …; content names it.
    pub number: i64,
    /// The sealed key.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Record for ContentKeyRow {
    const TABLE: &'static str = "content_keys";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { number: fields.int()?, wrapped: fields.bytes()?, created_at: fields.time()? })
    }
}

/// The last numbers given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobNumbers {
    /// Of a checkpoint.
    pub checkpoint: i64,
    /// Of a channel value or a pending write.
    pub other: i64,
}

impl Session {
    /// Every data key, oldest first.
    pub async fn content_keys(&mut self) -> Result<Vec<ContentKeyRow>> {
        self.all(sql(
            "read data keys",
            "SELECT number, wrapped, created_at FROM content_keys ORDER BY number",
        ))
        .await
    }

    /// The last numbers given. Inside a transaction nobody else gives any.
    pub async fn job_numbers(&mut self) -> Result<JobNumbers> {
        let rows =
            self.raw(sql("read numbers", "SELECT checkpoint, other FROM job_numbers WHERE id = 1")).await?;
        let row = rows.first().ok_or_else(|| CatalogError::not_found("row of numbers", &1))?;
        let mut fields = Fields::new("job_numbers", row);
        Ok(JobNumbers { checkpoint: fields.int()?, other: fields.int()? })
    }
}

impl Tx {
    /// Adds a data key.
    pub async fn insert_content_key(&mut self, row: &ContentKeyRow) -> Result<()> {
        let text = "INSERT INTO content_keys (number, wrapped, created_at) VALUES ($1, $2, $3)";
        let statement =
            sql("add a data key", text).bind(row.number).bind(&row.wrapped[..]).bind(row.created_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Notes the last numbers given.
    pub async fn set_job_numbers(&mut self, numbers: JobNumbers) -> Result<()> {
        let text = "UPDATE job_numbers SET checkpoint = $1, other = $2 WHERE id = 1";
        self.execute_later(sql("note numbers", text).bind(numbers.checkpoint).bind(numbers.other)).await
    }
}
