//! What is remembered of a run: a row per epoch, a record per round, and every change of a parameter.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::status::Phase;

/// What one epoch was like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochRow {
    /// Its number; the first is 1.
    pub epoch: u64,
    /// `Output` or `Candidate`.
    pub phase: Phase,
    /// Hidden units of the network.
    pub hidden_units: u16,
    /// The mean squared error on the training data, with the weights before the epoch's step.
    pub loss: f32,
    /// The part of the training samples that were right.
    pub accuracy: f32,
    /// The same on the validation data; NaN without any.
    pub validation_loss: f32,
    /// The same on the validation data; NaN without any.
    pub validation_accuracy: f32,
    /// The largest correlation of the pool so far; NaN outside of a candidate phase.
    pub correlation: f32,
}

/// The rows of the last epochs, column by column. Rows older than [`EpochHistory::MOST`] are dropped in halves.
#[derive(Debug, Clone, Default)]
pub struct EpochHistory {
    /// The number of the first row's epoch, less one.
    pub dropped: u64,
    /// 0 for `Output`, 1 for `Candidate`.
    pub phase: Vec<u8>,
    /// See [`EpochRow`].
    pub hidden_units: Vec<u16>,
    /// See [`EpochRow`].
    pub loss: Vec<f32>,
    /// See [`EpochRow`].
    pub accuracy: Vec<f32>,
    /// See [`EpochRow`].
    pub validation_loss: Vec<f32>,
    /// See [`EpochRow`].
    pub validation_accuracy: Vec<f32>,
    /// See [`EpochRow`].
    pub correlation: Vec<f32>,
}

impl EpochHistory {
    /// The most rows that are kept, so that copying the state of a run takes less than a pause may.
    pub const MOST: usize = 1 << 18;

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.phase.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.phase.is_empty()
    }

    /// The row at `index`, counted from the oldest that is kept.
    pub fn row(&self, index: usize) -> Option<EpochRow> {
        Some(EpochRow {
            epoch: self.dropped + index as u64 + 1,
            phase: if *self.phase.get(index)? == 0 { Phase::Output } else { Phase::Candidate },
            hidden_units: *self.hidden_units.get(index)?,
            loss: *self.loss.get(index)?,
            accuracy: *self.accuracy.get(index)?,
            validation_loss: *self.validation_loss.get(index)?,
            validation_accuracy: *self.validation_accuracy.get(index)?,
            correlation: *self.correlation.get(index)?,
        })
    }

    /// Appends the row of the next epoch.
    pub(crate) fn push(&mut self, row: EpochRow) {
        if self.len() >= Self::MOST {
            self.drop_oldest(Self::MOST / 2);
        }
        self.phase.push(u8::from(row.phase == Phase::Candidate));
        self.hidden_units.push(row.hidden_units);
        self.loss.push(row.loss);
        self.accuracy.push(row.accuracy);
        self.validation_loss.push(row.validation_loss);
        self.validation_accuracy.push(row.validation_accuracy);
        self.correlation.push(row.correlation);
    }

    fn drop_oldest(&mut self, count: usize) {
        self.phase.drain(..count);
        self.hidden_units.drain(..count);
        for column in self.columns_mut() {
            column.drain(..count);
        }
        self.dropped += count as u64;
    }

    fn columns_mut(&mut self) -> [&mut Vec<f32>; 5] {
        [
            &mut self.loss,
            &mut self.accuracy,
            &mut self.validation_loss,
            &mut self.validation_accuracy,
            &mut self.correlation,
        ]
    }

    /// Whether all columns have one length and end at `epoch`.
    pub(crate) fn fits(&self, epoch: u64) -> bool {
        let Self {
            phase,
            hidden_units,
            loss,
            accuracy,
            validation_loss,
            validation_accuracy,
            correlation,
            ..
        } = self;
        let columns = [loss, accuracy, validation_loss, validation_accuracy, correlation];
        self.dropped.checked_add(phase.len() as u64) == Some(epoch)
            && phase.len() <= Self::MOST
            && hidden_units.len() == phase.len()
            && columns.iter().all(|column| column.len() == phase.len())
    }
}

/// What one round came to: measured when the output weights had been trained, before the next unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    /// The mean squared error on the training data.
    pub train_loss: f64,
    /// The part of the training samples that were right.
    pub train_accuracy: f64,
    /// The same on the validation data; NaN without any.
    pub value_loss: f64,
    /// The same on the validation data; NaN without any.
    pub value_accuracy: f64,
}

/// A change of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterChange {
    /// The epoch after which it holds.
    pub epoch: u64,
    /// The parameter.
    pub name: String,
    /// Its value before.
    pub old: Value,
    /// Its value since.
    pub new: Value,
    /// Who changed it.
    pub actor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: u64) -> EpochRow {
        EpochRow {
            epoch,
            phase: Phase::Output,
            hidden_units: 3,
            loss: epoch as f32,
            accuracy: 0.5,
            validation_loss: f32::NAN,
            validation_accuracy: f32::NAN,
            correlation: f32::NAN,
        }
    }

    #[test]
    fn the_oldest_rows_go_when_there_are_too_many() {
        let mut history = EpochHistory::default();
        let all = EpochHistory::MOST as u64 + 10;
        for epoch in 1..=all {
            history.push(row(epoch));
        }
        assert!(history.fits(all));
        assert!(history.len() <= EpochHistory::MOST);
        let (first, last) = (history.row(0).unwrap(), history.row(history.len() - 1).unwrap());
        assert_eq!(first.epoch, history.dropped + 1);
        assert_eq!(last.epoch, all);
        assert!((first.loss - first.epoch as f32).abs() < 0.5);
        assert_eq!(history.row(history.len()), None);
    }
}
