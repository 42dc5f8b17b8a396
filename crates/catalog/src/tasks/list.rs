//! Reading tasks.

use backstay_model::{SourceId, TaskId, TenantId};

use super::row::{COLUMNS, TaskRow, TaskState};
use crate::error::Result;
use crate::page::{Page, Paging};
use crate::session::Session;
use crate::sql::{Value, sql};

/// Which tasks to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those about this source.
    pub source: Option<SourceId>,
    /// Only those in this state.
    pub state: Option<TaskState>,
    /// Only this work.
    pub kind: Option<String>,
}

impl Session {
    /// The task with this id.
    pub async fn task(&mut self, id: &TaskId) -> Result<Option<TaskRow>> {
        let text = format!("SELECT {COLUMNS} FROM tasks WHERE id = $1");
        self.one(sql("read a task", text).bind(id)).await
    }

    /// Tasks, newest first.
    pub async fn list_tasks(&mut self, filter: &TaskFilter, paging: &Paging) -> Result<Page<TaskRow>> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        let mut condition = |text: &str, value: Value| {
            values.push(value);
            conditions.push(format!("{text} ${}", values.len()));
        };
        if let Some(tenant) = &filter.tenant {
            condition("tenant_id =", tenant.into());
        }
        if let Some(source) = &filter.source {
            condition("source_id =", source.into());
        }
        if let Some(state) = filter.state {
            condition("state =", state.as_str().into());
        }
        if let Some(kind) = &filter.kind {
            condition("kind =", kind.into());
        }
        let count = format!("SELECT count(*) FROM tasks WHERE {}", conditions.join(" AND "));
        let total = self.number(sql("count tasks", count).bind_all(values.clone())).await?.unwrap_or(0);
        if let Some(position) = paging.position()? {
            values.push(position.into());
            conditions.push(format!("seq < ${}", values.len()));
        }
        let list = format!(
            "SELECT {COLUMNS} FROM tasks WHERE {} ORDER BY seq DESC LIMIT {} OFFSET {}",
            conditions.join(" AND "),
            u64::from(paging.limit) + 1,
            paging.offset
        );
        let items: Vec<TaskRow> = self.all(sql("list tasks", list).bind_all(values)).await?;
        Ok(Page::cut(items, paging.limit, (total as u64, true), |row| row.seq as i64))
    }
}
