//! Permission, the first step of every use case, and the things that a caller may know of.
//!
//! What belongs to another tenant is not found, exactly like what does not exist; trying it is an event all the same.

use backstay_catalog::{SnapshotRow, SourceRow};
use backstay_model::{
    Action, Caller, ErrorKind, Kind, Outcome, SnapshotId, SnapshotState, SourceId, Subject, TenantId, policy,
};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

impl Service {
    /// Refuses what the caller's role does not allow; the refusal is an event in the caller's tenant.
    pub(crate) async fn permit(
        &self,
        caller: &Caller,
        kind: Option<Kind>,
        action: Action,
        subject: &Subject,
    ) -> Result<()> {
        if policy::allows(caller.role, kind, action) {
            return Ok(());
        }
        let needed = policy::lowest_role(kind, action);
        self.note_denied(caller, subject, json!({"wanted": action, "role": caller.role, "needed": needed}))
            .await?;
        let what = action.as_str().replace('_', " ");
        let message =
            format!("Your role `{}` does not allow this ({what}); it takes `{needed}`", caller.role);
        Err(ServiceError::new(ErrorKind::Forbidden, message).hint("ask an administrator of your tenant"))
    }

    /// Refuses what is not about a source and not of the caller's own tenant.
    pub(crate) async fn permit_in_tenant(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        action: Action,
        subject: &Subject,
        what: &str,
    ) -> Result<()> {
        if !caller.sees(tenant) {
            self.note_denied(caller, subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(ServiceError::not_found(what));
        }
        self.permit(caller, None, action, subject).await
    }

    /// The source with this id, when the caller may do `action` to it.
    pub(crate) async fn permitted_source(
        &self,
        caller: &Caller,
        id: &SourceId,
        action: Action,
    ) -> Result<SourceRow> {
        let row = self.read().await?.source(id).await?;
        let row = row.filter(|row| row.removed_at.is_none());
        let subject = Subject::new("source", id);
        self.permit_row(caller, row, |row| (&row.tenant, row.kind), action, &subject, "Workspace").await
    }

    /// The snapshot with this id, when the caller may do `action` to it. One that is deleted is not found.
    pub(crate) async fn permitted_snapshot(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        action: Action,
    ) -> Result<SnapshotRow> {
        let row = self.read().await?.snapshot(id).await?;
        let row = row.filter(|row| row.state != SnapshotState::Deleted);
        let subject = Subject::new("snapshot", id);
        self.permit_row(caller, row, |row| (&row.tenant, row.kind), action, &subject, "Snapshot").await
    }

    async fn permit_row<R>(
        &self,
        caller: &Caller,
        row: Option<R>,
        owner: impl Fn(&R) -> (&TenantId, Kind),
        action: Action,
        subject: &Subject,
        what: &str,
    ) -> Result<R> {
        let Some(row) = row else { return Err(ServiceError::not_found(what)) };
        let (tenant, kind) = owner(&row);
        if !caller.sees(tenant) {
            self.note_denied(caller, subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(ServiceError::not_found(what));
        }
        self.permit(caller, Some(kind), action, subject).await?;
        Ok(row)
    }

    /// Appends the event of a denied attempt.
    pub(crate) async fn note_denied(
        &self,
        caller: &Caller,
        subject: &Subject,
        data: serde_json::Value,
    ) -> Result<()> {
        let event = self.event(caller, "access_denied", subject.clone()).ended(Outcome::Denied).with(data);
        self.commit_event(event).await.map(|_| ())
    }

    /// The tenant to which the caller's lists are limited; `None` for a superadmin, who sees all.
    pub(crate) fn visible_tenant(caller: &Caller) -> Option<TenantId> {
        (caller.role != backstay_model::Role::Superadmin).then(|| caller.tenant.clone())
    }
}
