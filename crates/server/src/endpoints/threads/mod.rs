//! Threads: typed checkpoints.

mod copy_thread;
mod delete_runs;
mod delete_thread;
mod delta_history;
mod fork_thread;
mod get_tuple;
mod list_tuples;
mod prune_threads;
mod put_thread_checkpoint;
mod put_thread_writes;
mod put_threads;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(put_thread_checkpoint::put_thread_checkpoint, list_tuples::list_tuples))
        .routes(routes!(put_thread_writes::put_thread_writes))
        .routes(routes!(put_threads::put_threads))
        .routes(routes!(get_tuple::get_tuple))
        .routes(routes!(copy_thread::copy_thread))
        .routes(routes!(fork_thread::fork_thread))
        .routes(routes!(prune_threads::prune_threads))
        .routes(routes!(delete_runs::delete_runs))
        .routes(routes!(delta_history::delta_history))
        .routes(routes!(delete_thread::delete_thread))
}
