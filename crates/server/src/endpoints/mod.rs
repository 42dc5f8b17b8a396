//! The endpoints: one file for each, by subject.

mod access;
mod checkpoints;
mod dependencies;
mod events;
mod executions;
mod executors;
mod groups;
mod jobs;
mod layouts;
mod operation;
mod probes;
mod restores;
mod snapshots;
mod tasks;
mod threads;
mod training;
mod upgrades;
mod webhooks;
mod workspaces;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub use access::login_path;

/// Every endpoint that the document describes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(workspaces::routes())
        .merge(snapshots::routes())
        .merge(restores::routes())
        .merge(upgrades::routes())
        .merge(groups::routes())
        .merge(dependencies::routes())
        .merge(tasks::routes())
        .merge(events::routes())
        .merge(checkpoints::routes())
        .merge(executions::routes())
        .merge(executors::routes())
        .merge(jobs::routes())
        .merge(threads::routes())
        .merge(training::routes())
        .merge(layouts::routes())
        .merge(webhooks::routes())
        .merge(access::routes())
        .merge(operation::routes())
        .merge(probes::routes())
}
