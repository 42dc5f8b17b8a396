//! What is stored of an execution and its steps, sealed, beside what the catalog must find them by.

use backstay_model::Actor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::approval::{ApprovalRequest, Decision};
use crate::wire::Malformed;

/// What never changes of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// What the client calls it; two may have the same.
    pub correlation_id: String,
    /// JSON text of an object, as it was sent.
    pub global_data: String,
    /// Who started it.
    pub started_by: Actor,
    /// Where it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Origin>,
}

/// Where an execution was forked from, by public ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The execution.
    pub execution_id: String,
    /// The checkpoint whose state it begins with; `None`: there was none.
    pub checkpoint_id: Option<String>,
}

/// What never changes of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// Who carries it out.
    pub agent_id: String,
    /// JSON text of an object, as it was sent.
    pub input_data: Option<String>,
    /// JSON text of an object, as it was sent.
    pub metadata: Option<String>,
    /// What must be decided before it may act.
    pub approval: Option<ApprovalRequest>,
}

/// What became of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// JSON text of an object, as it was sent.
    pub output_data: Option<String>,
    /// Why it failed.
    pub error_details: Option<String>,
    /// The public id of the checkpoint that was saved with its end.
    pub checkpoint_id: Option<String>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
}

/// Where an executor is, and its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorRecord {
    /// Where messages go; `None` for one that asks for them.
    pub url: Option<String>,
    /// What signs messages.
    pub secret: Vec<u8>,
}

/// Where it is and the secret are left out.
impl std::fmt::Debug for ExecutorRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecutorRecord").finish_non_exhaustive()
    }
}

/// What was said about an attempt to let a job go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeRecord {
    /// The public id of the checkpoint from which the job is to go on.
    pub checkpoint_id: String,
    /// Who wants that.
    pub requested_by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// The public id of the checkpoint that is kept.
    pub safety_checkpoint_id: Option<String>,
    /// Why it did not succeed.
    pub failure: Option<String>,
}

macro_rules! stored {
    ($($name:ident),+) => {$(
        impl $name {
            /// The stored form.
            pub fn encode(&self) -> Vec<u8> {
                serde_json::to_vec(self).expect("texts, numbers and lists are JSON")
            }

            /// Reads the stored form.
            pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
                decoded(bytes)
            }
        }
    )+};
}
stored!(ExecutionRecord, StepRecord, StepOutcome, ExecutorRecord, ResumeRecord);

fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(bytes).map_err(|_| Malformed("a record is not readable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back() {
        let record = StepRecord {
            name: "a/b".to_owned(),
            agent_id: "worker-1".to_owned(),
            input_data: Some("{\"big\":12345678901234567890123}".to_owned()),
            metadata: None,
            approval: None,
        };
        assert_eq!(StepRecord::decode(&record.encode()).unwrap(), record);
        assert!(StepRecord::decode(b"{").is_err());
        let execution = ExecutionRecord {
            correlation_id: "c".to_owned(),
            global_data: "{}".to_owned(),
            started_by: Actor::system("test"),
            forked_from: None,
        };
        let origin = Origin { execution_id: "exec_x_1_00000000".to_owned(), checkpoint_id: None };
        let forked = ExecutionRecord { forked_from: Some(origin), ..execution.clone() };
        for record in [execution, forked] {
            assert_eq!(ExecutionRecord::decode(&record.encode()).unwrap(), record);
        }
        assert_eq!(StepOutcome::decode(&StepOutcome::default().encode()).unwrap(), StepOutcome::default());
    }
}
