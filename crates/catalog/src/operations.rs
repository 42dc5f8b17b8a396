//! Operations: changes of a source's live state that can be undone.

use std::fmt;
use std::str::FromStr;

use backstay_model::{Actor, OperationId, SnapshotId, SourceId, TaskId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::{CatalogError, Result};
use crate::page::{Page, Paging};
use crate::session::Session;
use crate::sql::{Fields, Record, Value, sql};
use crate::transaction::Tx;
use crate::words::vocabulary;

vocabulary! {
    /// Where an operation is.
    OperationState {
        /// It is being carried out.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It failed before it changed anything.
        Failed = "failed",
        /// It failed and what it had changed was put back.
        RolledBack = "rolled_back",
        /// It was interrupted; the next changing command finishes or reverts it.
        NeedsRecovery = "needs_recovery",
    }
}

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRow {
    /// Its place in the order of the catalog; 0 before it is inserted.
    pub seq: u64,
    /// Its id.
    pub id: OperationId,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// What it changes.
    pub source: SourceId,
    /// What it does: `restore`, `undo`, `upgrade` and so on.
    pub kind: String,
    /// Where it is.
    pub state: OperationState,
    /// The source's serial before it.
    pub serial_before: u64,
    /// The source's serial after it.
    pub serial_after: Option<u64>,
    /// The safety snapshot that was taken before it.
    pub snapshot: Option<SnapshotId>,
    /// The snapshot that it puts back.
    pub target: Option<SnapshotId>,
    /// The operation that it undoes.
    pub undoes: Option<OperationId>,
    /// What it changed.
    pub changed_paths: Json,
    /// What it could not put back.
    pub not_restored: Json,
    /// Particulars.
    pub detail: Json,
    /// Why it failed.
    pub error: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// The task that carries it out.
    pub task: Option<TaskId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, seq, tenant_id, source_id, kind, state, serial_before, serial_after, snapshot_id, target_id, \
     undoes, changed_paths, not_restored, detail, error, actor, task_id, created_at, finished_at";

impl Record for OperationRow {
    const TABLE: &'static str = "operations";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            seq: fields.count()?,
            tenant: fields.parsed()?,
            source: fields.parsed()?,
            kind: fields.text()?,
            state: fields.parsed()?,
            serial_before: fields.count()?,
            serial_after: fields.optional_int()?.map(|serial| serial as u64),
            snapshot: fields.optional_parsed()?,
            target: fields.optional_parsed()?,
            undoes: fields.optional_parsed()?,
            changed_paths: fields.json()?,
            not_restored: fields.json()?,
            detail: fields.json()?,
            error: fields.optional_text()?,
            actor: fields.json()?,
            task: fields.optional_parsed()?,
            created_at: fields.time()?,
            finished_at: fields.optional_time()?,
        })
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationEnd {
    /// Its last state, not [`OperationState::Running`].
    pub state: OperationState,
    /// The source's serial after it.
    pub serial_after: Option<u64>,
    /// The safety snapshot, when it was taken meanwhile; `None` keeps the one of the start.
    pub snapshot: Option<SnapshotId>,
    /// What it changed.
    pub changed_paths: Json,
    /// What it could not put back.
    pub not_restored: Json,
    /// Why it failed.
    pub error: Option<String>,
    /// When it ended.
    pub at: Timestamp,
}

/// Which operations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of this source.
    pub source: Option<SourceId>,
    /// Only those in this state.
    pub state: Option<OperationState>,
}

impl Session {
    /// The operation with this id.
    pub async fn operation(&mut self, id: &OperationId) -> Result<Option<OperationRow>> {
        let text = format!("SELECT {COLUMNS} FROM operations WHERE id = $1");
        self.one(sql("read an operation", text).bind(id)).await
    }

    /// Operations, newest first.
    pub async fn list_operations(
        &mut self,
        filter: &OperationFilter,
        paging: &Paging,
    ) -> Result<Page<OperationRow>> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        let mut condition = |text: &str, value: Value| {
            values.push(value);
            conditions.push(format!("{text} ${}", values.len()));
        };
        if let Some(source) = &filter.source {
            condition("source_id =", source.into());
        }
        if let Some(tenant) = &filter.tenant {
            condition("tenant_id =", tenant.into());
        }
        if let Some(state) = filter.state {
            condition("state =", state.as_str().into());
        }
        let count = format!("SELECT count(*) FROM operations WHERE {}", conditions.join(" AND "));
        let total = self.number(sql("count operations", count).bind_all(values.clone())).await?.unwrap_or(0);
        if let Some(position) = paging.position()? {
            values.push(position.into());
            conditions.push(format!("seq < ${}", values.len()));
        }
        let list = format!(
            "SELECT {COLUMNS} FROM operations WHERE {} ORDER BY seq DESC LIMIT {} OFFSET {}",
            conditions.join(" AND "),
            u64::from(paging.limit) + 1,
            paging.offset
        );
        let items: Vec<OperationRow> = self.all(sql("list operations", list).bind_all(values)).await?;
        Ok(Page::cut(items, paging.limit, (total as u64, true), |row| row.seq as i64))
    }

    /// The newest finished operation of a source that no other one has undone.
    pub async fn last_undoable(&mut self, source: &SourceId) -> Result<Option<OperationRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM operations WHERE source_id = $1 AND state = 'done' AND snapshot_id IS NOT NULL
             ORDER BY seq DESC LIMIT 1"
        );
        self.one(sql("find an operation to undo", text).bind(source)).await
    }

    /// The operations of a source that are running or need recovery.
    pub async fn open_operations(&mut self, source: &SourceId) -> Result<Vec<OperationRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM operations
             WHERE source_id = $1 AND (state = 'running' OR state = 'needs_recovery') ORDER BY seq"
        );
        self.all(sql("list open operations", text).bind(source)).await
    }
}

impl Tx {
    /// Adds an operation; its `seq` is given by the catalog.
    pub async fn insert_operation(&mut self, row: &OperationRow) -> Result<()> {
        let columns = COLUMNS.replacen("seq, ", "", 1);
        let text = format!(
            "INSERT INTO operations ({columns})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        );
        let statement = sql("add an operation", text)
            .bind(&row.id)
            .bind(&row.tenant)
            .bind(&row.source)
            .bind(&row.kind)
            .bind(row.state.as_str())
            .bind(row.serial_before)
            .bind(row.serial_after)
            .bind(&row.snapshot)
            .bind(&row.target)
            .bind(&row.undoes)
            .bind(&row.changed_paths)
            .bind(&row.not_restored)
            .bind(&row.detail)
            .bind(&row.error)
            .bind(serde_json::json!(row.actor).to_string())
            .bind(&row.task)
            .bind(row.created_at)
            .bind(row.finished_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Names the safety snapshot of a running operation.
    pub async fn set_operation_snapshot(&mut self, id: &OperationId, snapshot: &SnapshotId) -> Result<()> {
        let text = "UPDATE operations SET snapshot_id = $2 WHERE id = $1 AND state = 'running'";
        match self.execute(sql("change an operation", text).bind(id).bind(snapshot)).await? {
            0 => Err(self.operation_conflict(id).await?),
            _ => Ok(()),
        }
    }

    /// Ends an operation that is running or needs recovery; otherwise a [`CatalogError::Conflict`].
    ///
    /// With [`OperationState::NeedsRecovery`] it stays open.
    pub async fn finish_operation(&mut self, id: &OperationId, end: &OperationEnd) -> Result<OperationRow> {
        let text = format!(
            "UPDATE operations SET state = $2, serial_after = $3, snapshot_id = coalesce($4, snapshot_id),
                 changed_paths = $5, not_restored = $6, error = $7, finished_at = $8
             WHERE id = $1 AND (state = 'running' OR state = 'needs_recovery') RETURNING {COLUMNS}"
        );
        let statement = sql("finish an operation", text)
            .bind(id)
            .bind(end.state.as_str())
            .bind(end.serial_after)
            .bind(&end.snapshot)
            .bind(&end.changed_paths)
            .bind(&end.not_restored)
            .bind(&end.error)
            .bind(end.at);
        match self.one(statement).await? {
            Some(row) => Ok(row),
            None => Err(self.operation_conflict(id).await?),
        }
    }

    async fn operation_conflict(&mut self, id: &OperationId) -> Result<CatalogError> {
        Ok(match self.operation(id).await? {
            None => CatalogError::not_found("operation", id),
            Some(row) => {
                CatalogError::Conflict { what: "operation", id: id.to_string(), found: row.state.to_string() }
            }
        })
    }
}
