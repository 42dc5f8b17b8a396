//! The words of executions: what states a workflow, its steps, their approvals and resumes of a job have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::snapshot::words;

words! {
    /// How far an execution of a workflow is. The last three are final.
    ExecutionState {
        /// Its steps may act.
        Running = "running",
        /// It waits, for the reasons that stand beside.
        Paused = "paused",
        /// It ended well.
        Completed = "completed",
        /// It ended with an error.
        Failed = "failed",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

impl ExecutionState {
    /// Whether nothing changes it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// Why an execution is paused.
    PauseReason {
        /// A person paused it.
        User = "user",
        /// A step waits for an approval.
        Approval = "approval",
        /// An approval was denied.
        Denied = "denied",
    }
}

words! {
    /// How far a step of an execution is. The last three are final.
    StepState {
        /// It was announced while the execution was paused and must not act.
        Pending = "pending",
        /// It may act.
        Active = "active",
        /// It must not act.
        Paused = "paused",
        /// It ended well.
        Completed = "completed",
        /// It ended with an error.
        Failed = "failed",
        /// It will never act.
        Skipped = "skipped",
    }
}

impl StepState {
    /// Whether nothing changes it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped)
    }
}

words! {
    /// What became of the approval that a step asked for.
    ApprovalStatus {
        /// Nobody has decided yet.
        Pending = "pending",
        /// The step may act.
        Approved = "approved",
        /// The step will not act.
        Denied = "denied",
        /// The execution ended before anybody decided.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What happens at the deadline of an approval.
    DeadlineDefault {
        /// It is approved.
        Approve = "approve",
        /// It is denied.
        Deny = "deny",
        /// Nothing, and nobody can decide any more: the execution can only be failed or cancelled.
        None = "none",
    }
}

words! {
    /// What a denial does to the execution.
    OnDeny {
        /// It is paused until somebody resumes it.
        Pause = "pause",
        /// It goes on without the step.
        Skip = "skip",
        /// It fails.
        Fail = "fail",
    }
}

words! {
    /// What an executor can do.
    Capability {
        /// Let a job go on from a restored state.
        Resume = "resume",
        /// Hand over the present state of a job.
        Capture = "capture",
    }
}

words! {
    /// How far an attempt to let a job go on is. All but the first are final; a failed one can still be confirmed.
    ResumeState {
        /// The executor has not answered yet.
        Delivering = "delivering",
        /// The executor said that the job goes on.
        Confirmed = "confirmed",
        /// The executor said no.
        Refused = "refused",
        /// The executor could not be reached, or did not answer in time.
        Failed = "failed",
    }
}
