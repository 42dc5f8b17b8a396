//! The description of a checkpoint, as one compact value.

use crate::wire::{Decoder, Encoder, Malformed};

/// What is known of a checkpoint beside its state and what the catalog must find it by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The name of the step, as it was sent.
    pub step_name: String,
    /// The name of the workflow.
    pub workflow_name: Option<String>,
    /// The version of the workflow.
    pub workflow_version: String,
    /// JSON text of an object; that of a typed checkpoint is in its manifest.
    pub metadata: Option<String>,
    /// The public id of the checkpoint that this one follows.
    pub parent: Option<String>,
    /// The execution that saved it.
    pub execution: Option<String>,
    /// The epoch of the writer.
    pub epoch: Option<u64>,
    /// The length of the state, or of head and channel values together, in bytes.
    pub size_bytes: u64,
}

const VERSION: u8 = 1;
const DEFAULT_WORKFLOW_VERSION: &str = "1.0";

impl Record {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.byte(VERSION);
        out.text(&self.step_name);
        out.option(self.workflow_name.as_deref());
        let usual = self.workflow_version == DEFAULT_WORKFLOW_VERSION;
        out.option((!usual).then_some(&self.workflow_version));
        out.option(self.metadata.as_deref());
        out.option(self.parent.as_deref());
        out.option(self.execution.as_deref());
        out.number(self.epoch.map_or(0, |epoch| epoch.saturating_add(1)));
        out.number(self.size_bytes);
        out.0
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Decoder(bytes);
        if from.byte()? != VERSION {
            return Err(Malformed("its version is unknown"));
        }
        let record = Self {
            step_name: from.text()?,
            workflow_name: from.option()?,
            workflow_version: from.option()?.unwrap_or_else(|| DEFAULT_WORKFLOW_VERSION.to_owned()),
            metadata: from.option()?,
            parent: from.option()?,
            execution: from.option()?,
            epoch: from.number()?.checked_sub(1),
            size_bytes: from.number()?,
        };
        from.end()?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_record_reads_back(step in ".{1,40}", name in proptest::option::of(".{0,9}"), epoch in proptest::option::of(0u64..1 << 60), size in any::<u64>()) {
            let record = Record { step_name: step, workflow_name: name, workflow_version: "2".into(), epoch, size_bytes: size, ..Record::default() };
            prop_assert_eq!(Record::decode(&record.encode()).unwrap(), record);
        }

        #[test]
        fn any_bytes_are_a_record_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(record) = Record::decode(&bytes) {
                prop_assert!(Record::decode(&record.encode()).is_ok());
            }
        }
    }
}
