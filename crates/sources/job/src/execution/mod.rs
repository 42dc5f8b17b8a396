//! Executions of workflows: which steps may act, and who decides about those that ask first.
//!
//! [`Flow`] is the state machine, without time and storage; [`ApprovalRequest`] says who may decide and until when, [`Form`] checks
//! the values that they give; the records are what is stored of an execution and its steps beside what the catalog must find them by.

mod approval;
mod executor;
mod flow;
mod form;
mod key;
mod record;

pub use approval::{ApprovalRequest, Approvers, Decision, MayNotDecide, Person, Tally};
pub use executor::{Reply, fitness, is_glob, line};
pub use flow::{Flow, Moved, OpenStep, Refusal};
pub use form::{Form, FormError, MAX_VALUES_BYTES, Problem};
pub use key::{ExecutionKey, ExecutorKey, ResumeKey, StepKey};
pub use record::{ExecutionRecord, ExecutorRecord, Origin, ResumeRecord, StepOutcome, StepRecord};
