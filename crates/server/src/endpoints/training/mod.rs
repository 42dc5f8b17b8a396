//! Training: runs, control, telemetry.

mod cleanup_training;
mod create_run;
mod delete_run;
mod get_decision_boundary;
mod get_metrics_history;
mod get_network_statistics;
mod get_run;
mod get_socket_statistics;
mod get_topology;
mod get_training_data;
mod get_training_health;
mod get_training_metrics;
mod get_training_state;
mod get_training_status;
mod list_runs;
mod parameter_history;
mod pause_training;
mod reset_training;
mod resume_training;
mod set_parameters;
mod start_training;
mod stop_training;
mod training_lineage;
mod update_training_run;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(runs()).merge(control()).merge(telemetry())
}

fn runs() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(training_lineage::training_lineage))
        .routes(routes!(list_runs::list_runs, create_run::create_run))
        .routes(routes!(get_run::get_run, update_training_run::update_training_run, delete_run::delete_run))
        .routes(routes!(parameter_history::parameter_history))
        .routes(routes!(cleanup_training::cleanup_training))
}

fn control() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start_training::start_training))
        .routes(routes!(pause_training::pause_training))
        .routes(routes!(resume_training::resume_training))
        .routes(routes!(stop_training::stop_training))
        .routes(routes!(reset_training::reset_training))
        .routes(routes!(set_parameters::set_parameters))
}

fn telemetry() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_training_state::get_training_state))
        .routes(routes!(get_training_status::get_training_status))
        .routes(routes!(get_training_status::get_train_status))
        .routes(routes!(get_training_metrics::get_training_metrics))
        .routes(routes!(get_metrics_history::get_metrics_history))
        .routes(routes!(get_topology::get_topology))
        .routes(routes!(get_training_data::get_training_data))
        .routes(routes!(get_decision_boundary::get_decision_boundary))
        .routes(routes!(get_network_statistics::get_network_statistics))
        .routes(routes!(get_socket_statistics::get_socket_statistics))
        .routes(routes!(get_training_health::get_training_health))
        .routes(routes!(get_training_health::get_health))
}
