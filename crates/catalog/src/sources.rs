//! Sources: things whose state is captured.

use backstay_model::{Kind, SourceId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::{CatalogError, Result};
use crate::page::{Page, Paging};
use crate::session::Session;
use crate::sql::{Fields, Record, Value, sql};
use crate::transaction::Tx;

/// A source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    /// Its id.
    pub id: SourceId,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// What it is.
    pub kind: Kind,
    /// Its name, unique per tenant and kind.
    pub name: String,
    /// Where it is, for example the root directory of a workspace; unique per host.
    pub root: Option<String>,
    /// The machine on which it is.
    pub host: String,
    /// Settings of its kind.
    pub settings: Json,
    /// Its retention rules; `None`: the default ones.
    pub retention: Option<Json>,
    /// Goes up by one with each change of the source's state.
    pub state_serial: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// When it was removed; its snapshots remain.
    pub removed_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, tenant_id, kind, name, root, host, settings, retention, state_serial, created_at, \
     updated_at, removed_at";

impl Record for SourceRow {
    const TABLE: &'static str = "sources";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            tenant: fields.parsed()?,
            kind: fields.parsed()?,
            name: fields.text()?,
            root: fields.optional_text()?,
            host: fields.text()?,
            settings: fields.json()?,
            retention: fields.optional_json()?,
            state_serial: fields.count()?,
            created_at: fields.time()?,
            updated_at: fields.time()?,
            removed_at: fields.optional_time()?,
        })
    }
}

/// Which sources to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Only those with this name.
    pub name: Option<String>,
    /// Only those whose name or root contains this, without regard to case.
    pub text: Option<String>,
    /// Removed ones too.
    pub removed: bool,
}

/// What to change of a source; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceChange {
    /// A new name.
    pub name: Option<String>,
    /// New settings.
    pub settings: Option<Json>,
    /// New retention rules; `Some(None)` goes back to the default ones.
    pub retention: Option<Option<Json>>,
}

impl Session {
    /// The source with this id, removed or not.
    pub async fn source(&mut self, id: &SourceId) -> Result<Option<SourceRow>> {
        let text = format!("SELECT {COLUMNS} FROM sources WHERE id = $1");
        self.one(sql("read a source", text).bind(id)).await
    }

    /// The source at this root of this host.
    pub async fn source_at(&mut self, host: &str, root: &str) -> Result<Option<SourceRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM sources WHERE host = $1 AND root = $2 AND removed_at IS NULL AND root IS NOT NULL"
        );
        self.one(sql("read a source", text).bind(host).bind(root)).await
    }

    /// The source of this name.
    pub async fn source_named(
        &mut self,
        tenant: &TenantId,
        kind: Kind,
        name: &str,
    ) -> Result<Option<SourceRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM sources WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND removed_at IS NULL"
        );
        self.one(sql("read a source", text).bind(tenant).bind(kind).bind(name)).await
    }

    /// The names of these sources, in no order; unknown ids are left out.
    pub async fn source_names(&mut self, ids: &[SourceId]) -> Result<Vec<(SourceId, String)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
        let text = format!("SELECT id, name FROM sources WHERE id IN ({})", places.join(", "));
        let statement = sql("read the names of sources", text).bind_all(ids.iter().map(Into::into));
        let rows: Vec<Named> = self.all(statement).await?;
        Ok(rows.into_iter().map(|Named(id, name)| (id, name)).collect())
    }

    /// Sources, oldest first, by number: [`Paging::after`] is the number of rows that came before.
    pub async fn list_sources(&mut self, filter: &SourceFilter, paging: &Paging) -> Result<Page<SourceRow>> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        let mut condition = |text: &str, value: Value| {
            values.push(value);
            conditions.push(text.replace("{}", &format!("${}", values.len())));
        };
        if let Some(tenant) = &filter.tenant {
            condition("tenant_id = {}", tenant.into());
        }
        if let Some(kind) = filter.kind {
            condition("kind = {}", kind.into());
        }
        if let Some(name) = &filter.name {
            condition("name = {}", name.into());
        }
        if let Some(text) = &filter.text {
            let pattern = format!("%{}%", like_literal(&text.to_lowercase()));
            condition(r"lower(name || ' ' || coalesce(root, '')) LIKE {} ESCAPE '\'", pattern.into());
        }
        if !filter.removed {
            conditions.push("removed_at IS NULL".to_owned());
        }
        let conditions = conditions.join(" AND ");
        let count = sql("count sources", format!("SELECT count(*) FROM sources WHERE {conditions}"));
        let total = self.number(count.bind_all(values.clone())).await?.unwrap_or(0) as u64;
        let skip = paging.position()?.unwrap_or(0) + paging.offset as i64;
        let list = sql(
            "list sources",
            format!(
                "SELECT {COLUMNS} FROM sources WHERE {conditions} ORDER BY created_at, id LIMIT {} OFFSET {skip}",
                paging.limit
            ),
        );
        let items: Vec<SourceRow> = self.all(list.bind_all(values)).await?;
        let end = skip + items.len() as i64;
        let next = (!items.is_empty() && (end as u64) < total).then(|| crate::page::encode(end));
        Ok(Page { items, total, total_exact: true, next })
    }
}

/// `text` with the characters escaped that mean something to LIKE.
fn like_literal(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

struct Named(SourceId, String);

impl Record for Named {
    const TABLE: &'static str = "sources";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self(fields.parsed()?, fields.text()?))
    }
}

impl Tx {
    /// Adds a source. [`CatalogError::Duplicate`] names `name` or `root` when it is taken.
    pub async fn insert_source(&mut self, row: &SourceRow) -> Result<()> {
        let text = format!(
            "INSERT INTO sources ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        let statement = sql("add a source", text)
            .bind(&row.id)
            .bind(&row.tenant)
            .bind(row.kind)
            .bind(&row.name)
            .bind(&row.root)
            .bind(&row.host)
            .bind(&row.settings)
            .bind(&row.retention)
            .bind(row.state_serial)
            .bind(row.created_at)
            .bind(row.updated_at)
            .bind(row.removed_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Changes name, settings or retention of a source that is not removed; returns the changed row.
    pub async fn update_source(
        &mut self,
        id: &SourceId,
        change: &SourceChange,
        now: Timestamp,
    ) -> Result<SourceRow> {
        let text = format!(
            "UPDATE sources SET name = coalesce($2, name), settings = coalesce($3, settings),
                 retention = CASE WHEN $4 = 1 THEN $5 ELSE retention END, updated_at = $6
             WHERE id = $1 AND removed_at IS NULL RETURNING {COLUMNS}"
        );
        let statement = sql("change a source", text)
            .bind(id)
            .bind(&change.name)
            .bind(&change.settings)
            .bind(change.retention.is_some())
            .bind(&change.retention.clone().flatten())
            .bind(now);
        self.one(statement).await?.ok_or_else(|| CatalogError::not_found("source", id))
    }

    /// Counts a change of the source's state; returns the new serial.
    pub async fn advance_source(&mut self, id: &SourceId, now: Timestamp) -> Result<u64> {
        let text = "UPDATE sources SET state_serial = state_serial + 1, updated_at = $2 WHERE id = $1
                    RETURNING state_serial";
        let serial = self.number(sql("count a change", text).bind(id).bind(now)).await?;
        serial.map(|serial| serial as u64).ok_or_else(|| CatalogError::not_found("source", id))
    }

    /// Counts a change only if the serial is still `expected`; otherwise a [`CatalogError::Conflict`].
    pub async fn advance_source_from(&mut self, id: &SourceId, expected: u64, now: Timestamp) -> Result<u64> {
        let text = "UPDATE sources SET state_serial = state_serial + 1, updated_at = $3
                    WHERE id = $1 AND state_serial = $2 RETURNING state_serial";
        let statement = sql("count a change", text).bind(id).bind(expected).bind(now);
        if let Some(serial) = self.number(statement).await? {
            return Ok(serial as u64);
        }
        match self.source(id).await? {
            None => Err(CatalogError::not_found("source", id)),
            Some(source) => Err(CatalogError::Conflict {
                what: "source",
                id: id.to_string(),
                found: format!("at state {}, no longer at {expected}", source.state_serial),
            }),
        }
    }

    /// Marks a source as removed. Its snapshots stay.
    pub async fn remove_source(&mut self, id: &SourceId, now: Timestamp) -> Result<()> {
        let text = "UPDATE sources SET removed_at = $2, updated_at = $2 WHERE id = $1 AND removed_at IS NULL";
        match self.execute(sql("remove a source", text).bind(id).bind(now)).await? {
            0 => Err(CatalogError::not_found("source", id)),
            _ => Ok(()),
        }
    }
}
