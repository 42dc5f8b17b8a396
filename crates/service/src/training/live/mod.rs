//! Runs that this process trains, and what there is to tell of them.
//!
//! A run is loaded from its last snapshot when it is first asked for. Its trainer then lives on a thread of its own ([`run_thread`]),
//! which is asked for everything through a channel and answers at an epoch boundary ([`live_run`]). What happens to it goes to the
//! [`feed`] of its tenant. One at a time changes a run ([`control_lock`]).
//!
//! After a crash a run is loaded from its newest ready snapshot and is stopped; a shutdown saves first.

mod close_training;
mod control_lock;
mod control_training;
mod feed;
mod follow_snapshots;
mod live_run;
mod moments;
mod open_live_run;
mod pictures;
mod present;
mod read_telemetry;
mod registry;
mod restore_live_training;
mod run_thread;
mod save_live_run;
mod schedule;
mod set_training_parameters;
mod shared;
mod weights;

pub use control_training::CommandChannel;
pub use feed::{Feed, Followed, Frame};
pub use present::PresentRun;
pub(crate) use registry::Live;
pub use restore_live_training::RestoredLive;
pub use schedule::{SavePlan, SaveSchedule};

use backstay_model::ErrorKind;
use backstay_trainer::InvalidParameter;

use crate::error::{FieldProblem, ServiceError};

/// Parameters that cannot be set so.
pub(super) fn invalid_parameters(problems: Vec<InvalidParameter>) -> ServiceError {
    let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let mut error = ServiceError::new(ErrorKind::Invalid, sentences.join("; "));
    let fields = problems.into_iter();
    error.fields =
        fields.map(|problem| FieldProblem { field: problem.name, detail: problem.problem }).collect();
    error
}
