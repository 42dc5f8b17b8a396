//! Sealed contents and the chains in which they are encoded against each other.

use std::fmt::Write;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, any_of, batches, rows, sql};
use crate::transaction::Tx;

/// Where contents lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentTable {
    /// States and manifests, in the rows of their checkpoints.
    Checkpoints,
    /// Values of channels.
    Values,
}

impl ContentTable {
    const fn name(self) -> &'static str {
        match self {
            Self::Checkpoints => "checkpoints",
            Self::Values => "channel_values",
        }
    }
}

/// One content of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub number: i64,
    /// The content against which it is encoded.
    pub base: Option<i64>,
    /// The sealed bytes.
    pub body: Vec<u8>,
}

impl Record for Link {
    const TABLE: &'static str = "contents";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { number: fields.int()?, base: fields.optional_int()?, body: fields.bytes()? })
    }
}

/// A channel value to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRow {
    /// Its number.
    pub number: i64,
    /// Its job.
    pub job: i64,
    /// The value against which it is encoded.
    pub base: Option<i64>,
    /// The sealed bytes.
    pub body: Vec<u8>,
}

impl Session {
    /// The contents with these numbers and everything that is needed to decode them, each once, lowest number first:
    /// a base comes before what is encoded against it.
    pub async fn content_chains(&mut self, table: ContentTable, numbers: &[i64]) -> Result<Vec<Link>> {
        let mut links: Vec<Link> = Vec::new();
        let name = table.name();
        for batch in numbers.chunks(128) {
            let mut statement = any_of(
                sql(
                    "read contents",
                    format!(
                        "WITH RECURSIVE chain (number, base) AS (SELECT number, base FROM {name} WHERE number"
                    ),
                ),
                batch,
            );
            write!(
                statement.text.to_mut(),
                " UNION SELECT t.number, t.base FROM {name} t JOIN chain ON t.number = chain.base)
                 SELECT t.number, t.base, t.body FROM chain JOIN {name} t ON t.number = chain.number ORDER BY 1"
            )
            .expect("a String takes everything");
            links.extend(self.all::<Link>(statement).await?);
        }
        links.sort_by_key(|link| link.number);
        links.dedup_by_key(|link| link.number);
        Ok(links)
    }

    /// The contents that are encoded against one of `bases`: their numbers and bases.
    pub async fn encoded_against(&mut self, table: ContentTable, bases: &[i64]) -> Result<Vec<(i64, i64)>> {
        let mut found = Vec::new();
        for batch in bases.chunks(256) {
            let text = format!("SELECT number, base FROM {} WHERE base", table.name());
            for row in self.raw(any_of(sql("find dependent contents", text), batch)).await? {
                let mut fields = Fields::new("contents", &row);
                found.push((fields.int()?, fields.int()?));
            }
        }
        Ok(found)
    }

    /// The numbers of all channel values of a job.
    pub async fn values_of_job(&mut self, job: i64) -> Result<Vec<i64>> {
        let text = "SELECT number FROM channel_values WHERE job = $1 ORDER BY number";
        let rows = self.raw(sql("list channel values", text).bind(job)).await?;
        rows.iter().map(|row| Fields::new("channel_values", row).int()).collect()
    }
}

impl Tx {
    /// Adds channel values.
    pub async fn insert_values(&mut self, values: &[ValueRow]) -> Result<()> {
        for batch in batches(values) {
            let text = format!(
                "INSERT INTO channel_values (number, job, base, body) VALUES {}",
                rows(4, batch.len())
            );
            let mut statement = sql("add channel values", text);
            for value in batch {
                statement =
                    statement.bind(value.number).bind(value.job).bind(value.base).bind(&value.body[..]);
            }
            self.execute_later(statement).await?;
        }
        Ok(())
    }

    /// Stores a content again, encoded against another base or alone.
    pub async fn rebase_content(
        &mut self,
        table: ContentTable,
        number: i64,
        base: Option<i64>,
        body: &[u8],
    ) -> Result<()> {
        let text = format!("UPDATE {} SET base = $2, body = $3 WHERE number = $1", table.name());
        self.execute(sql("rebase a content", text).bind(number).bind(base).bind(body)).await.map(|_| ())
    }

    /// Removes channel values that nothing needs, and drops what they hold in the repository.
    pub async fn delete_values(&mut self, numbers: &[i64]) -> Result<()> {
        for batch in numbers.chunks(256) {
            self.drop_contents(ContentTable::Values, batch).await?;
            let statement = sql("remove channel values", "DELETE FROM channel_values WHERE number");
            self.execute(any_of(statement, batch)).await?;
        }
        Ok(())
    }
}
