//! What is stored of executions and steps.
#![no_main]

use backstay_source_job::execution::{ExecutionRecord, StepOutcome, StepRecord};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = ExecutionRecord::decode(bytes) {
        assert_eq!(ExecutionRecord::decode(&record.encode()).as_ref(), Ok(&record));
    }
    if let Ok(record) = StepRecord::decode(bytes) {
        assert_eq!(StepRecord::decode(&record.encode()).as_ref(), Ok(&record));
    }
    if let Ok(outcome) = StepOutcome::decode(bytes) {
        assert_eq!(StepOutcome::decode(&outcome.encode()).as_ref(), Ok(&outcome));
    }
});
