//! Upgrades of dependencies.

use backstay_api::restore::CannotRestore;
use backstay_api::upgrade::{
    NewUpgradePlan, PathCounts, RefCommit, Rollback, UpgradeChange, UpgradeDigests, UpgradeEvent,
    UpgradeMove, UpgradePlan, UpgradeReport, UpgradeStep,
};
use backstay_service::view;

use super::operation::cannot_restore;

/// What to upgrade, the other way round: from what was sent to what the use case takes.
pub fn upgrade_request(from: NewUpgradePlan) -> view::UpgradeRequest {
    view::UpgradeRequest {
        dependency: from.dependency,
        to: from.to,
        skip_migration: from.skip_migration,
        skip_verify: from.skip_verify,
        verify_each: from.verify_each,
        allow_undeclared: from.allow_undeclared,
        allow_downgrade: from.allow_downgrade,
        keep_snapshot: from.keep_snapshot,
        keep_failed: from.keep_failed,
        in_place: from.in_place,
        offline: from.offline,
        no_stage: from.no_stage,
        migration_timeout_s: from.migration_timeout_s,
        verify_timeout_s: from.verify_timeout_s,
        default_timeout_ms: from.default_timeout_ms,
    }
}

/// A plan.
pub fn upgrade_plan(from: view::UpgradePlan) -> UpgradePlan {
    UpgradePlan {
        plan_id: from.plan_id,
        workspace_id: from.source.into(),
        state_serial: from.state_serial,
        digests: UpgradeDigests {
            yaml: from.digests.yaml,
            lock: from.digests.lock,
            gitlink: from.digests.gitlink,
            head: from.digests.head,
        },
        at: from.at.map(ref_commit),
        moves: from.moves.into_iter().map(upgrade_move).collect(),
        expires_at: from.expires_at,
    }
}

/// How an upgrade ended.
pub fn upgrade_report(from: view::UpgradeReport) -> UpgradeReport {
    UpgradeReport {
        operation_id: from.operation_id.map(Into::into),
        dependency: from.dependency,
        from: from.from.map(ref_commit),
        to: from.to.map(ref_commit),
        moves: from.moves.into_iter().map(upgrade_move).collect(),
        success: from.success,
        changed: from.changed,
        snapshot_id: from.snapshot_id.map(Into::into),
        failed_snapshot_id: from.failed_snapshot_id.map(Into::into),
        state_serial: from.state_serial,
        steps: from.steps.into_iter().map(step).collect(),
        changed_paths: PathCounts {
            added: from.changed_paths.added,
            modified: from.changed_paths.modified,
            deleted: from.changed_paths.deleted,
        },
        rollback: from.rollback.map(|rollback| Rollback {
            complete: rollback.complete,
            restored: rollback.restored,
            failed: notes(rollback.failed),
        }),
        not_restored: notes(from.not_restored),
        unresolvable: from.unresolvable,
        dropped: from.dropped,
        not_staged: from.not_staged,
        recovered: from.recovered.into_iter().map(Into::into).collect(),
        error: from.error,
        code: from.code,
        hint: from.hint,
    }
}

/// Something that happened during an upgrade.
pub fn upgrade_event(from: view::UpgradeEvent) -> UpgradeEvent {
    use view::UpgradeEvent as Happened;
    match from {
        Happened::Recovered { operation } => UpgradeEvent::Recovered { operation: operation.into() },
        Happened::Started { step, dependency, change, kind, name } => {
            UpgradeEvent::Started { step: step as u64, dependency, change, kind, name }
        }
        Happened::Output { step, stream, text } => UpgradeEvent::Output { step: step as u64, stream, text },
        Happened::Truncated { step } => UpgradeEvent::Truncated { step: step as u64 },
        Happened::Ended { step, exit_code, duration_ms, timed_out } => {
            UpgradeEvent::Ended { step: step as u64, exit_code, duration_ms, timed_out }
        }
        Happened::Finished { report } => UpgradeEvent::Finished { report: Box::new(upgrade_report(*report)) },
    }
}

fn upgrade_move(from: view::UpgradeMove) -> UpgradeMove {
    UpgradeMove {
        dependency: from.dependency,
        from: ref_commit(from.from),
        to: ref_commit(from.to),
        changes: from
            .changes
            .into_iter()
            .map(|change| UpgradeChange {
                reference: change.reference,
                migration: change.migration,
                verify: change.verify,
            })
            .collect(),
        unresolvable: from.unresolvable,
    }
}

fn step(from: view::UpgradeStep) -> UpgradeStep {
    UpgradeStep {
        dependency: from.dependency,
        change: from.change,
        kind: from.kind,
        name: from.name,
        exit_code: from.exit_code,
        duration_ms: from.duration_ms,
        timed_out: from.timed_out,
    }
}

fn ref_commit(from: view::RefCommit) -> RefCommit {
    RefCommit { reference: from.reference, commit: from.commit }
}

fn notes(from: Vec<view::CannotRestore>) -> Vec<CannotRestore> {
    from.into_iter().map(cannot_restore).collect()
}
