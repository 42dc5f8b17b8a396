//! Contents that lie in the repository, and which row each belongs to.

use super::content::ContentTable;
use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, any_of, batches, rows, sql};
use crate::transaction::Tx;

/// A content in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContentRow {
    /// The root manifest under which it lies; no two rows share one.
    pub manifest: String,
    /// The job.
    pub job: i64,
    /// What holds it.
    pub holder: ContentTable,
    /// The number of the row that refers to it.
    pub number: i64,
}

impl ContentTable {
    const fn holder(self) -> i64 {
        match self {
            Self::Checkpoints => 1,
            Self::Values => 2,
        }
    }
}

impl Session {
    /// Which of these manifests hold contents of jobs, also those that were dropped and are still to be removed.
    pub async fn known_contents(&mut self, manifests: &[String]) -> Result<Vec<String>> {
        let mut known = Vec::new();
        for batch in manifests.chunks(256) {
            let text = "SELECT manifest FROM stored_contents WHERE manifest";
            known.extend(self.manifests(any_of(sql("look for contents", text), batch)).await?);
        }
        Ok(known)
    }

    /// Up to `limit` manifests of contents whose rows are gone.
    pub async fn dropped_contents(&mut self, limit: u32) -> Result<Vec<String>> {
        let text = "SELECT manifest FROM stored_contents WHERE dropped = 1 ORDER BY manifest LIMIT $1";
        self.manifests(sql("list dropped contents", text).bind(limit)).await
    }

    /// Whether a job has contents in the repository.
    pub async fn has_stored_contents(&mut self, job: i64) -> Result<bool> {
        let text = "SELECT number FROM stored_contents WHERE job = $1 AND dropped = 0 LIMIT 1";
        Ok(self.number(sql("look for contents", text).bind(job)).await?.is_some())
    }

    /// The numbers of the checkpoints whose states lie under these manifests.
    pub async fn checkpoints_of_contents(&mut self, manifests: &[String]) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        for batch in manifests.chunks(256) {
            let text = "SELECT number FROM stored_contents WHERE holder = $1 AND dropped = 0 AND manifest";
            let statement = sql("look for contents", text).bind(ContentTable::Checkpoints.holder());
            for row in self.raw(any_of(statement, batch)).await? {
                found.push(Fields::new("stored_contents", &row).int()?);
            }
        }
        Ok(found)
    }

    async fn manifests(&mut self, statement: crate::sql::Statement) -> Result<Vec<String>> {
        let rows = self.raw(statement).await?;
        rows.iter().map(|row| Fields::new("stored_contents", row).text()).collect()
    }
}

impl Tx {
    /// Notes which rows contents in the repository belong to.
    pub async fn insert_stored_contents(&mut self, contents: &[StoredContentRow]) -> Result<()> {
        for batch in batches(contents) {
            let text = format!(
                "INSERT INTO stored_contents (manifest, job, holder, number, dropped) VALUES {}",
                rows(5, batch.len())
            );
            let mut statement = sql("note contents", text);
            for content in batch {
                statement = statement
                    .bind(&content.manifest)
                    .bind(content.job)
                    .bind(content.holder.holder())
                    .bind(content.number)
                    .bind(0i64);
            }
            self.execute(statement).await?;
        }
        Ok(())
    }

    /// Notes that rows are gone, so that what they refer to in the repository can go.
    pub(super) async fn drop_contents(&mut self, holder: ContentTable, numbers: &[i64]) -> Result<()> {
        let text = "UPDATE stored_contents SET dropped = 1 WHERE holder = $1 AND number";
        self.execute(any_of(sql("drop contents", text).bind(holder.holder()), numbers)).await.map(|_| ())
    }

    /// Forgets dropped contents that are removed from the repository.
    pub async fn forget_contents(&mut self, manifests: &[String]) -> Result<()> {
        for batch in manifests.chunks(256) {
            let text = "DELETE FROM stored_contents WHERE dropped = 1 AND manifest";
            self.execute(any_of(sql("forget contents", text), batch)).await?;
        }
        Ok(())
    }
}
