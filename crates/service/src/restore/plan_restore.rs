//! What a restore would do.

use backstay_catalog::PlanRow;
use backstay_model::{Action, Caller, SnapshotId, SourceId};
use backstay_source_workspace::{Action as Planned, PlannedChange, Selection};
use serde::{Deserialize, Serialize};

use super::changed_paths::summary_of;
use super::execute::PutBack;
use super::operation::cannot_restore;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::run::Run;
use crate::service::Service;
use crate::snapshots::change_of_states;
use crate::view::{Change, ChangeKind, RestorePlan, RestoreRequest};

/// How many changes a plan shows.
const MOST_SHOWN: usize = 1000;

/// The word of the plan's kind.
pub(super) const KIND: &str = "restore";

/// What a plan is about, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanBody {
    pub(super) snapshot: SnapshotId,
    pub(super) request: RestoreRequest,
}

impl Service {
    /// Plans a restore of a snapshot into its workspace. The plan is kept and bound to the present `state_serial`.
    ///
    /// Errors: `Conflict` when two names of the snapshot are one on this file system, or when the snapshot is not ready.
    pub async fn plan_restore(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        request: RestoreRequest,
    ) -> Result<RestorePlan> {
        let target = self.permitted_snapshot(caller, id, Action::Restore).await?;
        let source = self.permitted_source(caller, &target.source, Action::Restore).await?;
        check_request(&request)?;
        let root = self.workspace_root(&source)?;
        let put_back = PutBack {
            target,
            selection: Selection::of_patterns(&request.paths)?,
            keep_new: request.keep_new,
            force: false,
            listed: Vec::new(),
            git: None,
        };
        let (plan, _) = self.plan_now(root, &put_back, &Run::default()).await?;

        let now = self.now();
        let body = PlanBody { snapshot: id.clone(), request: request.clone() };
        let row = PlanRow {
            id: format!(
                "plan-{:016}-{}",
                now.as_micros(),
                backstay_model::id::random_suffix(&**self.rng(), 8)
            ),
            tenant: source.tenant,
            source: source.id.clone(),
            kind: KIND.to_owned(),
            state_serial: source.state_serial,
            body: serde_json::to_value(body).expect("texts can be written as JSON"),
            created_by: caller.actor.clone(),
            created_at: now,
            expires_at: now.plus_seconds(self.settings().plan_seconds),
            used_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_plan(&row).await?;
        tx.commit().await?;
        Ok(RestorePlan {
            id: row.id,
            snapshot: id.clone(),
            source: source.id,
            request,
            state_serial: row.state_serial,
            expires_at: row.expires_at,
            summary: summary_of(&plan),
            changes: plan.changes().iter().take(MOST_SHOWN).map(change).collect(),
            truncated: plan.changes().len() > MOST_SHOWN,
            cannot_restore: cannot_restore(plan.cannot_restore()),
        })
    }

    /// The plan with this id, and what it is about.
    pub(super) async fn permitted_plan(&self, caller: &Caller, id: &str) -> Result<(SourceId, PlanBody)> {
        let not_found = || {
            ServiceError::new(backstay_model::ErrorKind::NotFound, "Plan not found")
                .hint("plan the restore again")
        };
        let row = self.read().await?.plan(id).await?.filter(|row| row.kind == KIND).ok_or_else(not_found)?;
        match self.permitted_source(caller, &row.source, Action::Restore).await {
            Err(error) if error.kind == backstay_model::ErrorKind::NotFound => return Err(not_found()),
            permitted => permitted?,
        };
        let body = serde_json::from_value(row.body)
            .map_err(|error| ServiceError::internal(format!("Plan {id} cannot be read"), error))?;
        Ok((row.source, body))
    }
}

pub(super) fn check_request(request: &RestoreRequest) -> Result<()> {
    let short = |path: &String| (1..=4096).contains(&path.len()) && !path.contains('\0');
    let mut fields = Fields::default();
    fields.check(request.paths.len() <= 1000, "paths", "it takes at most 1000");
    fields.check(request.paths.iter().all(short), "paths", "each takes 1 to 4096 bytes");
    fields.finish()
}

fn change(planned: &PlannedChange) -> Change {
    Change {
        path: planned.path.clone(),
        kind: match planned.action {
            Planned::Create => ChangeKind::Added,
            Planned::Delete => ChangeKind::Deleted,
            Planned::Metadata => ChangeKind::Metadata,
            Planned::Replace if planned.before == planned.after => ChangeKind::Modified,
            Planned::Replace => ChangeKind::Type,
        },
        from_path: None,
        before: planned.before_state().map(change_of_states),
        after: planned.after_state().map(change_of_states),
    }
}
