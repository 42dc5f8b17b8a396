//! Reading checkpoints.

use std::fmt::Write;

use backstay_model::Timestamp;

use super::row::{CheckpointFlags, CheckpointHead, CheckpointPosition, CheckpointRow, FoundCheckpoint, HEAD};
use crate::error::Result;
use crate::jobs::COLUMNS as JOB;
use crate::session::Session;
use crate::sql::{Fields, Value, any_of, batches, sql};

/// Which typed checkpoints of a job to list.
#[derive(Debug, Clone, Default)]
pub struct NamedFilter {
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those with a lower name.
    pub before: Option<String>,
    /// Only those that come after this name and namespace in the list.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: u32,
}

/// Carriers are never read.
fn listed() -> String {
    format!("(c.flags & {}) = 0", CheckpointFlags::CARRIER)
}

impl Session {
    /// The checkpoint with this number, whatever it is.
    pub async fn checkpoint(&mut self, number: i64) -> Result<Option<FoundCheckpoint>> {
        let text = format!(
            "SELECT {HEAD}, c.record, c.body, {JOB} FROM checkpoints c JOIN jobs ON jobs.number = c.job
             WHERE c.number = $1"
        );
        self.one(sql("read a checkpoint", text).bind(number)).await
    }

    /// Those of the checkpoints with these numbers whose content takes at most `most_bytes`, whatever they are, in any order.
    pub async fn small_checkpoints(
        &mut self,
        numbers: &[i64],
        most_bytes: u32,
    ) -> Result<Vec<FoundCheckpoint>> {
        let mut found = Vec::with_capacity(numbers.len());
        for batch in batches(numbers) {
            let text = format!(
                "SELECT {HEAD}, c.record, c.body, {JOB} FROM checkpoints c JOIN jobs ON jobs.number = c.job
                 WHERE length(c.body) <= $1 AND c.number"
            );
            found.extend(self.all(any_of(sql("read checkpoints", text).bind(most_bytes), batch)).await?);
        }
        Ok(found)
    }

    /// The checkpoints with these numbers, with their content.
    pub async fn checkpoints(&mut self, numbers: &[i64]) -> Result<Vec<CheckpointRow>> {
        let mut found = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(64) {
            let text = format!("SELECT {HEAD}, c.record, c.body FROM checkpoints c WHERE c.number");
            found.extend(self.all::<CheckpointRow>(any_of(sql("read checkpoints", text), batch)).await?);
        }
        Ok(found)
    }

    /// The heads of the checkpoints with these numbers.
    pub async fn checkpoint_heads(&mut self, numbers: &[i64]) -> Result<Vec<CheckpointHead>> {
        let mut found = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(64) {
            let text = format!("SELECT {HEAD} FROM checkpoints c WHERE c.number");
            found.extend(self.all::<CheckpointHead>(any_of(sql("read checkpoints", text), batch)).await?);
        }
        Ok(found)
    }

    /// A page of a job's listed checkpoints without their bodies, by sequence, from `from` on; `step` is a hash of a
    /// step's name.
    pub async fn list_checkpoints(
        &mut self,
        job: i64,
        step: Option<i64>,
        newest_first: bool,
        from: Option<u64>,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<CheckpointRow>> {
        let (order, sign) = if newest_first { ("DESC", "<=") } else { ("ASC", ">=") };
        let mut values: Vec<Value> = vec![job.into(), limit.into(), offset.into()];
        let mut conditions = listed();
        if let Some(from) = from {
            values.push(from.into());
            write!(conditions, " AND c.sequence {sign} ${}", values.len())
                .expect("a String takes everything");
        }
        if let Some(step) = step {
            values.push(step.into());
            write!(conditions, " AND c.step = ${}", values.len()).expect("a String takes everything");
        }
        let nothing = if self.is_postgres() { "''::bytea" } else { "x''" };
        let text = format!(
            "SELECT {HEAD}, c.record, {nothing} FROM checkpoints c WHERE c.job = $1 AND {conditions}
             ORDER BY c.sequence {order} LIMIT $2 OFFSET $3"
        );
        self.all(sql("list checkpoints", text).bind_all(values)).await
    }

    /// How many listed checkpoints of a job have this step.
    pub async fn count_step(&mut self, job: i64, step: i64) -> Result<u64> {
        let text =
            format!("SELECT count(*) FROM checkpoints c WHERE c.job = $1 AND c.step = $2 AND {}", listed());
        let count = self.number(sql("count checkpoints", text).bind(job).bind(step)).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// Every checkpoint of a job by sequence, carriers too, without content.
    pub async fn all_checkpoint_heads(&mut self, job: i64) -> Result<Vec<CheckpointHead>> {
        let text = format!("SELECT {HEAD} FROM checkpoints c WHERE c.job = $1 ORDER BY c.sequence");
        self.all(sql("list checkpoints", text).bind(job)).await
    }

    /// The newest listed checkpoint of a job.
    pub async fn newest_checkpoint(&mut self, job: i64) -> Result<Option<CheckpointPosition>> {
        let text = format!(
            "SELECT c.number, c.sequence FROM checkpoints c WHERE c.job = $1 AND {} ORDER BY c.sequence DESC LIMIT 1",
            listed()
        );
        self.position(sql("find the newest checkpoint", text).bind(job)).await
    }

    /// The oldest listed checkpoint of a job.
    pub async fn first_checkpoint(&mut self, job: i64) -> Result<Option<CheckpointPosition>> {
        let text = format!(
            "SELECT c.number, c.sequence FROM checkpoints c WHERE c.job = $1 AND {} ORDER BY c.sequence LIMIT 1",
            listed()
        );
        self.position(sql("find the oldest checkpoint", text).bind(job)).await
    }

    /// The newest listed checkpoint of a job that was saved no later than `time`.
    pub async fn checkpoint_at(&mut self, job: i64, time: Timestamp) -> Result<Option<CheckpointPosition>> {
        let text = format!(
            "SELECT c.number, c.sequence FROM checkpoints c WHERE c.job = $1 AND c.at <= $2 AND {}
             ORDER BY c.sequence DESC LIMIT 1",
            listed()
        );
        self.position(sql("find a checkpoint by time", text).bind(job).bind(time)).await
    }

    async fn position(&mut self, statement: crate::sql::Statement) -> Result<Option<CheckpointPosition>> {
        let rows = self.raw(statement).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut fields = Fields::new("checkpoints", row);
        Ok(Some(CheckpointPosition { number: fields.int()?, sequence: fields.count()? }))
    }

    /// The listed or carrying checkpoint with this namespace and name.
    pub async fn checkpoint_by_name(
        &mut self,
        job: i64,
        namespace: &str,
        name: &str,
    ) -> Result<Option<CheckpointRow>> {
        let text = format!(
            "SELECT {HEAD}, c.record, c.body FROM checkpoints c WHERE c.job = $1 AND c.namespace = $2 AND c.name = $3"
        );
        self.one(sql("read a checkpoint", text).bind(job).bind(namespace).bind(name)).await
    }

    /// The listed or carrying checkpoints with this namespace and any of `names`, at least one.
    pub async fn checkpoints_by_name(
        &mut self,
        job: i64,
        namespace: &str,
        names: &[&str],
    ) -> Result<Vec<CheckpointRow>> {
        let text = format!(
            "SELECT {HEAD}, c.record, c.body FROM checkpoints c WHERE c.job = $1 AND c.namespace = $2 AND c.name"
        );
        let statement = sql("read checkpoints", text).bind(job).bind(namespace);
        self.all(any_of(statement, names)).await
    }

    /// The listed checkpoint of a namespace with the greatest name.
    pub async fn latest_by_name(&mut self, job: i64, namespace: &str) -> Result<Option<CheckpointRow>> {
        let text = format!(
            "SELECT {HEAD}, c.record, c.body FROM checkpoints c
             WHERE c.job = $1 AND c.namespace = $2 AND c.name IS NOT NULL AND {} ORDER BY c.name DESC LIMIT 1",
            listed()
        );
        self.one(sql("read the latest checkpoint", text).bind(job).bind(namespace)).await
    }

    /// Typed checkpoints of a job, greatest name first, then by namespace.
    pub async fn list_by_name(&mut self, job: i64, filter: &NamedFilter) -> Result<Vec<CheckpointRow>> {
        let mut values: Vec<Value> = vec![job.into(), filter.limit.into()];
        let mut conditions = format!("c.job = $1 AND c.name IS NOT NULL AND {}", listed());
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push_str(&condition.replace('?', &format!("${}", values.len())));
        };
        if let Some(namespace) = &filter.namespace {
            add(" AND c.namespace = ?", namespace.into());
        }
        if let Some(before) = &filter.before {
            add(" AND c.name < ?", before.into());
        }
        if let Some((name, namespace)) = &filter.after {
            add(" AND (c.name < ?", name.into());
            add(" OR (c.name = ?", name.into());
            add(" AND c.namespace > ?))", namespace.into());
        }
        let text = format!(
            "SELECT {HEAD}, c.record, c.body FROM checkpoints c WHERE {conditions}
             ORDER BY c.name DESC, c.namespace LIMIT $2"
        );
        self.all(sql("list checkpoints", text).bind_all(values)).await
    }

    /// Whether a checkpoint of a job has a time after which it may go.
    pub async fn has_expiring(&mut self, job: i64) -> Result<bool> {
        let text = "SELECT number FROM checkpoints WHERE job = $1 AND expires_at IS NOT NULL LIMIT 1";
        Ok(self.number(sql("find expiring checkpoints", text).bind(job)).await?.is_some())
    }

    /// The heads of the typed checkpoints of a run, by its hash.
    pub async fn checkpoints_of_run(&mut self, run: i64) -> Result<Vec<CheckpointHead>> {
        let text =
            format!("SELECT {HEAD} FROM checkpoints c WHERE c.run = $1 AND {} ORDER BY c.number", listed());
        self.all(sql("list the checkpoints of a run", text).bind(run)).await
    }
}
