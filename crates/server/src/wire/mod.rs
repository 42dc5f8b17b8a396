//! From what the use cases return to what is sent: one function for each thing.
//!
//! The command line prints the same JSON without a server, so these functions are public.

mod access;
mod change;
mod checkpoint;
mod declared;
mod dependency;
mod entry;
mod event;
mod execution;
mod executor;
mod group;
mod layout;
mod maintenance;
mod operation;
mod probe;
mod retention;
mod snapshot;
mod task;
mod text;
mod thread;
mod training;
mod upgrade;
mod webhook;
mod workspace;

pub use access::{created_token, session, tenant, token, user};
pub use change::{change, change_page, change_summary};
pub use checkpoint::{
    checkpoint, checkpoint_state, checkpoint_tree, cleaned_job, job, pointer_history, raw,
    restored_checkpoint, retention, retention_plan, state_diff,
};
pub(crate) use declared::command_run;
pub use declared::{
    command_list, command_plan, dependency_tree, dependency_validation, shown_change, validated,
};
pub(crate) use dependency::dependency_change;
pub use dependency::{dependency_changes, dependency_list};
pub use entry::{entry, entry_kind};
pub use event::{audit_verification, event, history_entry};
pub use execution::{
    approval_filter, approval_list, cleaned_executions, execution, execution_events, execution_filter,
    execution_list, fork_execution, new_decision, new_execution, new_step, object, one_decision,
    requested_approval, step, step_end, step_list,
};
pub use executor::{created_executor, executor, new_executor, resume};
pub use group::{group, group_restore, group_snapshot};
pub use layout::{layout, listed_layout, new_layout};
pub use maintenance::statistics;
pub use operation::{operation, operation_state, restore_plan};
pub use probe::{probed_metrics, probed_status};
pub use retention::{prune_result, retention_rules, rules};
pub use snapshot::{hold, snapshot};
pub use task::{task, task_state};
pub use text::path_text;
pub use thread::{
    copied_thread, delta_histories, new_thread_checkpoint, new_thread_writes, removed_threads, thread_cursor,
    thread_key, thread_place, thread_tuple,
};
pub use training::{
    auto_snapshot, keep_rules, new_auto_snapshot, parameter_change, restored_training, tensor,
    training_cleanup, training_comparison, training_lineage, training_rules, training_run,
};
pub use upgrade::{upgrade_event, upgrade_plan, upgrade_report, upgrade_request};
pub use webhook::{created_webhook, delivery, webhook};
pub use workspace::workspace;
