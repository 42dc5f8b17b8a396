//! Pending writes of typed checkpoints.

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, Value, any_of, batches, rows, sql};
use crate::transaction::Tx;

/// A pending write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRow {
    /// Its number; another one when it was overwritten.
    pub number: i64,
    /// Its job.
    pub job: i64,
    /// The namespace of its checkpoint.
    pub namespace: String,
    /// The client's id of its checkpoint.
    pub name: String,
    /// The task that wrote.
    pub task: String,
    /// Its place among the writes of the task; negative for special ones.
    pub index: i64,
    /// The path of the task.
    pub task_path: String,
    /// The channel.
    pub channel: String,
    /// The type of the value, for the client.
    pub value_type: String,
    /// The sealed value.
    pub body: Vec<u8>,
}

const COLUMNS: &str = "number, job, namespace, name, task, idx, task_path, channel, value_type, body";

impl Record for WriteRow {
    const TABLE: &'static str = "checkpoint_writes";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            job: fields.int()?,
            namespace: fields.text()?,
            name: fields.text()?,
            task: fields.text()?,
            index: fields.int()?,
            task_path: fields.text()?,
            channel: fields.text()?,
            value_type: fields.text()?,
            body: fields.bytes()?,
        })
    }
}

impl Session {
    /// The pending writes of these checkpoints of a job, by task path, task and index.
    pub async fn checkpoint_writes(&mut self, job: i64, names: &[String]) -> Result<Vec<WriteRow>> {
        let mut found = Vec::new();
        for batch in names.chunks(64) {
            let text = format!("SELECT {COLUMNS} FROM checkpoint_writes WHERE job = $1 AND name");
            found.extend(self.all::<WriteRow>(any_of(sql("read writes", text).bind(job), batch)).await?);
        }
        found.sort_by(|a, b| (&a.task_path, &a.task, a.index).cmp(&(&b.task_path, &b.task, b.index)));
        Ok(found)
    }

    /// Every pending write of a job.
    pub async fn writes_of_job(&mut self, job: i64) -> Result<Vec<WriteRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM checkpoint_writes WHERE job = $1 ORDER BY namespace, name, task_path, task, idx"
        );
        self.all(sql("read writes", text).bind(job)).await
    }
}

impl Tx {
    /// Adds pending writes. One whose key (checkpoint, task, index) exists already overwrites it with `overwrite`, and
    /// is passed over without. Returns how many were stored.
    pub async fn insert_writes(&mut self, writes: &[WriteRow], overwrite: bool) -> Result<u64> {
        let conflict = if overwrite {
            "DO UPDATE SET number = excluded.number, task_path = excluded.task_path, channel = excluded.channel,
                 value_type = excluded.value_type, body = excluded.body"
        } else {
            "DO NOTHING"
        };
        let mut stored = 0;
        for batch in batches(writes) {
            let text = format!(
                "INSERT INTO checkpoint_writes ({COLUMNS}) VALUES {}
                 ON CONFLICT (job, namespace, name, task, idx) {conflict}",
                rows(10, batch.len())
            );
            let mut statement = sql("add writes", text);
            for write in batch {
                statement = statement
                    .bind(write.number)
                    .bind(write.job)
                    .bind(&write.namespace)
                    .bind(&write.name)
                    .bind(&write.task)
                    .bind(write.index)
                    .bind(&write.task_path)
                    .bind(&write.channel)
                    .bind(&write.value_type)
                    .bind(&write.body[..]);
            }
            stored += self.execute(statement).await?;
        }
        Ok(stored)
    }

    /// Removes the pending writes of a job; of these checkpoints `(namespace, name)` alone when `only` is given.
    /// Returns how many.
    pub async fn delete_writes(&mut self, job: i64, only: Option<&[(String, String)]>) -> Result<u64> {
        let Some(only) = only else {
            let text = "DELETE FROM checkpoint_writes WHERE job = $1";
            return self.execute(sql("remove writes", text).bind(job)).await;
        };
        let mut removed = 0;
        for batch in batches(only) {
            let keys = (0..batch.len())
                .map(|n| format!("(namespace = ${} AND name = ${})", 2 * n + 2, 2 * n + 3))
                .collect::<Vec<_>>();
            let text = format!("DELETE FROM checkpoint_writes WHERE job = $1 AND ({})", keys.join(" OR "));
            let values =
                batch.iter().flat_map(|(namespace, name)| [Value::from(namespace), Value::from(name)]);
            removed += self.execute(sql("remove writes", text).bind(job).bind_all(values)).await?;
        }
        Ok(removed)
    }
}
