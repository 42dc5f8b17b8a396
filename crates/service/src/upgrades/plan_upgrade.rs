//! What an upgrade would do.

use backstay_catalog::{PlanRow, SourceRow};
use backstay_model::{Action, Caller, ErrorKind, SourceId};
use serde::{Deserialize, Serialize};

use super::found::Found;
use super::targets::{Move, moves};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{UpgradeDigests, UpgradeMove, UpgradePlan, UpgradeRequest};

/// The word of the plan's kind.
const KIND: &str = "upgrade";

/// What a plan is about, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanBody {
    pub(super) request: UpgradeRequest,
    pub(super) digests: UpgradeDigests,
    pub(super) moves: Vec<UpgradeMove>,
}

impl Service {
    /// Plans an upgrade: fetches, reads the declarations of the target, finds the changes on the way. Runs nothing and
    /// changes nothing but what is fetched. The plan is kept and bound to the present state.
    ///
    /// Errors: `Forbidden` where commands are disabled, because git runs some to fetch; a target that is not declared, unless
    /// that is allowed; one that is not newer, unless that is allowed.
    pub async fn plan_upgrade(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: UpgradeRequest,
        run: &Run,
    ) -> Result<UpgradePlan> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        self.refuse_commands()?;
        check_request(&request)?;
        self.refuse_foreign_paths(caller, &source, &self.workspace_root(&source)?, None).await?;
        let (found, planned) = self.find_moves(&source, &request, request.offline, run).await?;
        let now = self.now();
        let body = PlanBody {
            request: request.clone(),
            digests: found.digests.clone(),
            moves: planned.iter().map(|planned| planned.view.clone()).collect(),
        };
        let suffix = backstay_model::id::random_suffix(&**self.rng(), 8);
        let row = PlanRow {
            id: format!("plan-{:016}-{suffix}", now.as_micros()),
            tenant: source.tenant.clone(),
            source: source.id.clone(),
            kind: KIND.to_owned(),
            state_serial: source.state_serial,
            body: serde_json::to_value(&body).expect("texts can be written as JSON"),
            created_by: caller.actor.clone(),
            created_at: now,
            expires_at: now.plus_seconds(self.settings().plan_seconds),
            used_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_plan(&row).await?;
        tx.commit().await?;
        Ok(UpgradePlan {
            plan_id: row.id,
            source: source.id,
            state_serial: row.state_serial,
            digests: body.digests,
            at: found.pin_of(&request),
            request,
            moves: body.moves,
            expires_at: row.expires_at,
        })
    }

    /// Reads the workspace and finds what moves.
    pub(super) async fn find_moves(
        &self,
        source: &SourceRow,
        request: &UpgradeRequest,
        offline: bool,
        run: &Run,
    ) -> Result<(Found, Vec<Move>)> {
        let root = self.workspace_root(source)?;
        let (request, run) = (request.clone(), run.clone());
        blocking("read the dependencies", move || {
            let found = Found::read(&root, &run)?;
            let planned = moves(&found, &request, offline)?;
            Ok((found, planned))
        })
        .await
    }

    /// The kept plan with this id.
    pub(super) async fn upgrade_plan(&self, source: &SourceRow, id: &str) -> Result<PlanBody> {
        let not_found =
            || ServiceError::new(ErrorKind::NotFound, "Plan not found").hint("plan the upgrade again");
        let row = self.read().await?.plan(id).await?;
        let row = row.filter(|row| row.kind == KIND && row.source == source.id).ok_or_else(not_found)?;
        serde_json::from_value(row.body)
            .map_err(|error| ServiceError::internal(format!("Plan {id} cannot be read"), error))
    }
}

pub(super) fn check_request(request: &UpgradeRequest) -> Result<()> {
    const WEEK_S: u64 = 7 * 24 * 3600;
    let mut fields = Fields::default();
    fields.check(
        request.dependency.is_some() || request.to.is_none(),
        "to",
        "one ref cannot be that of every dependency",
    );
    let limits = [request.migration_timeout_s, request.verify_timeout_s];
    fields.check(limits.iter().flatten().all(|limit| *limit <= WEEK_S), "timeout", "it is at most a week");
    fields.finish()
}

/// The plan cannot be executed any more.
pub(super) fn stale(why: &str) -> ServiceError {
    ServiceError::conflict(format!("The plan cannot be executed: {why}"))
        .code("stale_plan")
        .hint("plan again")
}
