//! Adding, changing and removing checkpoints.

use super::content::ContentTable;
use super::row::{CheckpointFlags, CheckpointRow};
use crate::error::Result;
use crate::sql::{any_of, batches, rows, sql};
use crate::transaction::Tx;

impl Tx {
    /// Adds checkpoints.
    pub async fn insert_checkpoints(&mut self, checkpoints: &[CheckpointRow]) -> Result<()> {
        for batch in batches(checkpoints) {
            let text = format!(
                "INSERT INTO checkpoints (number, job, sequence, step, at, flags, revision, expires_at, base, parent,
                     namespace, name, run, record, body) VALUES {}",
                rows(15, batch.len())
            );
            let mut statement = sql("add checkpoints", text);
            for CheckpointRow { head, record, body } in batch {
                statement = statement
                    .bind(head.number)
                    .bind(head.job)
                    .bind(head.sequence)
                    .bind(head.step)
                    .bind(head.at)
                    .bind(head.flags.number())
                    .bind(head.revision)
                    .bind(head.expires_at)
                    .bind(head.base)
                    .bind(head.parent)
                    .bind(&head.namespace)
                    .bind(&head.name)
                    .bind(head.run)
                    .bind(&record[..])
                    .bind(&body[..]);
            }
            self.execute_later(statement).await?;
        }
        Ok(())
    }

    /// Changes what a checkpoint is.
    pub async fn set_checkpoint_flags(&mut self, number: i64, flags: CheckpointFlags) -> Result<()> {
        let text = "UPDATE checkpoints SET flags = $2, revision = revision + 1 WHERE number = $1";
        self.execute(sql("change a checkpoint", text).bind(number).bind(flags.number())).await.map(|_| ())
    }

    /// Replaces the content of a typed checkpoint.
    pub async fn replace_checkpoint(&mut self, row: &CheckpointRow) -> Result<()> {
        let text =
            "UPDATE checkpoints SET step = $2, at = $3, flags = $4, revision = $5, base = $6, parent = $7,
                        run = $8, record = $9, body = $10 WHERE number = $1";
        let head = &row.head;
        let statement = sql("replace a checkpoint", text)
            .bind(head.number)
            .bind(head.step)
            .bind(head.at)
            .bind(head.flags.number())
            .bind(head.revision)
            .bind(head.base)
            .bind(head.parent)
            .bind(head.run)
            .bind(&row.record[..])
            .bind(&row.body[..]);
        self.execute(statement).await.map(|_| ())
    }

    /// Removes checkpoints, and drops what they hold in the repository. What is encoded against them must have another base
    /// by then.
    pub async fn delete_checkpoints(&mut self, numbers: &[i64]) -> Result<u64> {
        let mut removed = 0;
        for batch in numbers.chunks(256) {
            self.drop_contents(ContentTable::Checkpoints, batch).await?;
            let statement = sql("remove checkpoints", "DELETE FROM checkpoints WHERE number");
            removed += self.execute(any_of(statement, batch)).await?;
        }
        Ok(removed)
    }

    /// Lets what follows a checkpoint follow `parent` instead.
    pub async fn replace_parent(&mut self, number: i64, parent: Option<i64>) -> Result<()> {
        let text = "UPDATE checkpoints SET parent = $2 WHERE parent = $1";
        self.execute(sql("change a parent", text).bind(number).bind(parent)).await.map(|_| ())
    }
}
