//! Groups of workspaces.

use backstay_catalog::{CatalogError, GroupRow};
use backstay_model::{Action, Caller, Kind, SourceId, Subject};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service};
use crate::view::{Group, NewGroup};

/// How many members a group may have.
const MOST_MEMBERS: usize = 100;

impl Service {
    /// Creates a group. `Invalid` when the members are on several hosts, `NotFound` when one is not there.
    pub async fn create_group(&self, caller: &Caller, new: NewGroup) -> Result<Group> {
        let subject = Subject::new("group", &new.name);
        self.permit(caller, Some(Kind::Workspace), Action::ManageSources, &subject).await?;
        let members = self.checked_members(caller, &new.name, new.members).await?;
        let now = self.now();
        let row = GroupRow {
            id: format!(
                "group-{:016}-{}",
                now.as_micros(),
                backstay_model::id::random_suffix(&**self.rng(), 8)
            ),
            tenant: caller.tenant.clone(),
            name: new.name,
            created_at: now,
        };
        let mut tx = self.begin().await?;
        tx.insert_group(&row, &members).await.map_err(|error| match error {
            CatalogError::Duplicate { .. } => {
                ServiceError::conflict(format!("A group called `{}` exists already", row.name))
            }
            error => error.into(),
        })?;
        let event = self.event(caller, "group.created", Subject::new("group", &row.id));
        tx.record(event.with(json!({"name": row.name, "members": members})));
        tx.commit().await?;
        Ok(view(row, members))
    }

    /// Lists groups by name.
    pub async fn list_groups(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Group>> {
        let subject = Subject::new("groups", &caller.tenant);
        self.permit(caller, Some(Kind::Workspace), Action::View, &subject).await?;
        let mut read = self.read().await?;
        let found = page.cut(read.groups(Self::visible_tenant(caller).as_ref()).await?)?;
        let mut items = Vec::with_capacity(found.items.len());
        for row in found.items {
            let members = read.group_members(&row.id).await?;
            items.push(view(row, members));
        }
        Ok(Page { items, total: found.total, next: found.next })
    }

    /// Shows a group.
    pub async fn show_group(&self, caller: &Caller, id: &str) -> Result<Group> {
        self.permitted_group(caller, id, Action::View).await
    }

    /// Finds the group called `name`, or creates it. For the command line. `Conflict` when it has other members.
    pub async fn ensure_group(&self, caller: &Caller, name: &str, members: &[SourceId]) -> Result<Group> {
        let found = self.read().await?.group_named(&caller.tenant, name).await?;
        let Some(row) = found else {
            return self
                .create_group(caller, NewGroup { name: name.to_owned(), members: members.to_vec() })
                .await;
        };
        let group = self.permitted_group(caller, &row.id, Action::View).await?;
        let mut wanted = members.to_vec();
        wanted.sort();
        wanted.dedup();
        if group.members == wanted {
            return Ok(group);
        }
        Err(ServiceError::conflict(format!("The group `{name}` has other members")).hint("use another name"))
    }

    /// Removes a group. Its snapshots stay.
    pub async fn remove_group(&self, caller: &Caller, id: &str) -> Result<()> {
        let group = self.permitted_group(caller, id, Action::ManageSources).await?;
        let mut tx = self.begin().await?;
        tx.delete_group(id).await?;
        let mut event = self.event(caller, "group.removed", Subject::new("group", id));
        event.tenant = group.tenant;
        tx.record(event.with(json!({"name": group.name})));
        tx.commit().await?;
        Ok(())
    }

    /// The group with this id and its members, sorted, when the caller may do `action`.
    pub(super) async fn permitted_group(&self, caller: &Caller, id: &str, action: Action) -> Result<Group> {
        let mut read = self.read().await?;
        let row = read.group(id).await?.ok_or_else(|| ServiceError::not_found("Group"))?;
        let members = read.group_members(id).await?;
        drop(read);
        self.permit_in_tenant(caller, &row.tenant, action, &Subject::new("group", id), "Group").await?;
        Ok(view(row, members))
    }

    async fn checked_members(
        &self,
        caller: &Caller,
        name: &str,
        mut members: Vec<SourceId>,
    ) -> Result<Vec<SourceId>> {
        let mut fields = Fields::default();
        fields.name("name", name);
        members.sort();
        members.dedup();
        fields.check((1..=MOST_MEMBERS).contains(&members.len()), "members", "it takes 1 to 100");
        fields.finish()?;
        let mut hosts = Vec::new();
        for member in &members {
            let row = self.permitted_source(caller, member, Action::View).await?;
            if row.kind != Kind::Workspace {
                return Err(ServiceError::invalid("members", format!("{member} is no workspace")));
            }
            hosts.push(row.host);
        }
        hosts.dedup();
        if hosts.len() > 1 {
            return Err(ServiceError::invalid("members", "they are on several hosts"));
        }
        Ok(members)
    }
}

fn view(row: GroupRow, mut members: Vec<SourceId>) -> Group {
    members.sort();
    Group { id: row.id, name: row.name, tenant: row.tenant, members, created_at: row.created_at }
}
