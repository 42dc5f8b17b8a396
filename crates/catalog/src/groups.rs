//! Workspace groups: sources that are captured and restored together.

use backstay_model::{SourceId, TenantId, Timestamp};

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Its id.
    pub id: String,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Its name, unique per tenant.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, tenant_id, name, created_at";

impl Record for GroupRow {
    const TABLE: &'static str = "workspace_groups";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.text()?,
            tenant: fields.parsed()?,
            name: fields.text()?,
            created_at: fields.time()?,
        })
    }
}

struct Member(SourceId);

impl Record for Member {
    const TABLE: &'static str = "workspace_group_members";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        fields.parsed().map(Self)
    }
}

impl Session {
    /// The group with this id.
    pub async fn group(&mut self, id: &str) -> Result<Option<GroupRow>> {
        let text = format!("SELECT {COLUMNS} FROM workspace_groups WHERE id = $1");
        self.one(sql("read a group", text).bind(id)).await
    }

    /// The group of this name.
    pub async fn group_named(&mut self, tenant: &TenantId, name: &str) -> Result<Option<GroupRow>> {
        let text = format!("SELECT {COLUMNS} FROM workspace_groups WHERE tenant_id = $1 AND name = $2");
        self.one(sql("read a group", text).bind(tenant).bind(name)).await
    }

    /// The groups of a tenant, or all, by name.
    pub async fn groups(&mut self, tenant: Option<&TenantId>) -> Result<Vec<GroupRow>> {
        if let Some(tenant) = tenant {
            let text = format!("SELECT {COLUMNS} FROM workspace_groups WHERE tenant_id = $1 ORDER BY name");
            self.all(sql("list groups", text).bind(tenant)).await
        } else {
            let text = format!("SELECT {COLUMNS} FROM workspace_groups ORDER BY tenant_id, name");
            self.all(sql("list groups", text)).await
        }
    }

    /// The members of a group, in the order in which they are locked.
    pub async fn group_members(&mut self, id: &str) -> Result<Vec<SourceId>> {
        let text = "SELECT source_id FROM workspace_group_members WHERE group_id = $1 ORDER BY source_id";
        let members: Vec<Member> = self.all(sql("list the members of a group", text).bind(id)).await?;
        Ok(members.into_iter().map(|member| member.0).collect())
    }
}

impl Tx {
    /// Adds a group with its members; its name must be free.
    pub async fn insert_group(&mut self, row: &GroupRow, members: &[SourceId]) -> Result<()> {
        let text = format!("INSERT INTO workspace_groups ({COLUMNS}) VALUES ($1, $2, $3, $4)");
        let statement =
            sql("add a group", text).bind(&row.id).bind(&row.tenant).bind(&row.name).bind(row.created_at);
        self.execute(statement).await?;
        for member in members {
            let text = "INSERT INTO workspace_group_members (group_id, source_id) VALUES ($1, $2)
                        ON CONFLICT (group_id, source_id) DO NOTHING";
            self.execute(sql("add a member", text).bind(&row.id).bind(member)).await?;
        }
        Ok(())
    }

    /// Removes a group; its members and their snapshots stay.
    pub async fn delete_group(&mut self, id: &str) -> Result<()> {
        let text = "DELETE FROM workspace_groups WHERE id = $1";
        match self.execute(sql("remove a group", text).bind(id)).await? {
            0 => Err(CatalogError::not_found("group", &id)),
            _ => Ok(()),
        }
    }
}
