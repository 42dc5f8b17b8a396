//! The row of a checkpoint.

use backstay_model::Timestamp;

use crate::error::Result;
use crate::jobs::JobRow;
use crate::sql::{Fields, Record};

/// What a checkpoint is, in one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckpointFlags {
    /// It is typed: a head and channels.
    pub typed: bool,
    /// It is pinned.
    pub pinned: bool,
    /// It has a hold.
    pub held: bool,
    /// It was removed and stays because later ones need what it holds; not listed and not readable.
    pub carrier: bool,
    /// Reading it found damage.
    pub damaged: bool,
}

impl CheckpointFlags {
    pub(crate) const CARRIER: i64 = 8;

    /// The number to store.
    pub(crate) fn number(self) -> i64 {
        [self.typed, self.pinned, self.held, self.carrier, self.damaged]
            .into_iter()
            .enumerate()
            .map(|(bit, set)| i64::from(set) << bit)
            .sum()
    }

    pub(crate) fn from_number(number: i64) -> Self {
        let bit = |bit: u32| number & (1 << bit) != 0;
        Self { typed: bit(0), pinned: bit(1), held: bit(2), carrier: bit(3), damaged: bit(4) }
    }
}

/// A checkpoint without its content: what lists and retention look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointHead {
    /// Its number.
    pub number: i64,
    /// Its job.
    pub job: i64,
    /// Its place in the job.
    pub sequence: u64,
    /// A hash of the step's name.
    pub step: i64,
    /// When it was saved.
    pub at: Timestamp,
    /// What it is.
    pub flags: CheckpointFlags,
    /// How often it was replaced.
    pub revision: u64,
    /// When it may go.
    pub expires_at: Option<Timestamp>,
    /// The checkpoint against whose body its body is encoded.
    pub base: Option<i64>,
    /// The checkpoint that it follows.
    pub parent: Option<i64>,
    /// The client's namespace of a typed one.
    pub namespace: Option<String>,
    /// The client's id of a typed one.
    pub name: Option<String>,
    /// A hash of project and run of a typed one.
    pub run: Option<i64>,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// What the catalog knows.
    pub head: CheckpointHead,
    /// The sealed description.
    pub record: Vec<u8>,
    /// The sealed state or manifest; empty where it was not asked for.
    pub body: Vec<u8>,
}

/// A checkpoint with its job.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundCheckpoint {
    /// The checkpoint.
    pub checkpoint: CheckpointRow,
    /// Its job.
    pub job: JobRow,
}

/// Where a checkpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointPosition {
    /// Its number.
    pub number: i64,
    /// Its place in the job.
    pub sequence: u64,
}

pub(super) const HEAD: &str = "c.number, c.job, c.sequence, c.step, c.at, c.flags, c.revision, c.expires_at, c.base, \
     c.parent, c.namespace, c.name, c.run";

impl Record for CheckpointHead {
    const TABLE: &'static str = "checkpoints";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            job: fields.int()?,
            sequence: fields.count()?,
            step: fields.int()?,
            at: fields.time()?,
            flags: CheckpointFlags::from_number(fields.int()?),
            revision: fields.count()?,
            expires_at: fields.optional_time()?,
            base: fields.optional_int()?,
            parent: fields.optional_int()?,
            namespace: fields.optional_text()?,
            name: fields.optional_text()?,
            run: fields.optional_int()?,
        })
    }
}

impl Record for CheckpointRow {
    const TABLE: &'static str = "checkpoints";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { head: CheckpointHead::read(fields)?, record: fields.bytes()?, body: fields.bytes()? })
    }
}

impl Record for FoundCheckpoint {
    const TABLE: &'static str = "checkpoints";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { checkpoint: CheckpointRow::read(fields)?, job: JobRow::read(fields)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_read_back() {
        for number in 0..32 {
            assert_eq!(CheckpointFlags::from_number(number).number(), number);
        }
        let carrier = CheckpointFlags { carrier: true, ..CheckpointFlags::default() };
        assert_eq!(carrier.number(), CheckpointFlags::CARRIER);
    }
}
