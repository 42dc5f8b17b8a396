//! The public ids of executions, steps, executors and resumes.

use crate::{CheckpointKey, slug};

/// The number of an execution, made like that of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionKey(CheckpointKey);

/// The number of an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorKey(CheckpointKey);

/// The number of an attempt to let a job go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeKey(CheckpointKey);

/// The number of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepKey(CheckpointKey);

macro_rules! keys {
    ($($name:ident = $prefix:literal),+) => {$(
        impl $name {
            /// The key stored as `number`.
            pub const fn from_number(number: i64) -> Self {
                Self(CheckpointKey::from_number(number))
            }

            /// The number to store.
            pub const fn number(self) -> i64 {
                self.0.number()
            }

            /// The first key after `last` at the Unix second `now`; never one that was given before.
            pub fn next(last: i64, now: i64) -> Self {
                Self(CheckpointKey::next(last, now))
            }

            #[doc = concat!("The public id: `", $prefix, "{slug of the name}_{unix seconds}_{8 hex}`.")]
            pub fn public(self, name: &str) -> String {
                format!("{}{}", $prefix, self.0.public(&slug(name)))
            }

            /// The key in a public id, with its slug; `None` for a text that is no such id.
            pub fn parse(id: &str) -> Option<(Self, &str)> {
                let (key, slug) = CheckpointKey::parse(id.strip_prefix($prefix)?)?;
                Some((Self(key), slug))
            }
        }
    )+};
}
keys!(ExecutionKey = "exec_", StepKey = "step_", ExecutorKey = "executor_", ResumeKey = "resume_");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_id_leads_back_to_its_key() {
        let key = ExecutionKey::next(0, 1_767_435_330);
        let id = key.public("../nightly report");
        assert!(id.starts_with("exec_nightly-report_1767435330_"), "{id}");
        assert_eq!(ExecutionKey::parse(&id), Some((key, "nightly-report")));
        assert_eq!(StepKey::parse(&id), None);
        assert_ne!(ExecutionKey::next(key.number(), 1_767_435_330), key);
    }
}
