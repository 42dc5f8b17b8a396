//! Threads: jobs whose checkpoints are typed and keyed by their client.

mod check;
mod copy_thread;
mod copy_values;
mod delta;
mod delta_history;
mod get_tuple;
mod json_view;
mod list_tuples;
mod put_thread;
mod remove_threads;
mod stage;

pub(crate) use delta::needed_by;
pub(crate) use json_view::json_view;
pub use remove_threads::Prune;

use backstay_source_job::Json;

/// The name of the step that a typed checkpoint is, for those who list it as a checkpoint of its job: the source and
/// step of its metadata, for example `loop_3`.
pub(crate) fn step_of(metadata: &Json) -> String {
    let source = match metadata.get("source") {
        Some(Json::String(source)) if !source.is_empty() => source.as_str(),
        _ => "checkpoint",
    };
    let source: String = source.chars().filter(|c| !c.is_control()).take(200).collect();
    match metadata.get("step") {
        Some(Json::Number(step)) if step.len() < 24 => format!("{source}_{step}"),
        _ => source,
    }
}
