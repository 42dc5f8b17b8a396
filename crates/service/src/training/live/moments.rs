//! When epochs ended. A run does not keep that, for going on needs no time.

use std::collections::VecDeque;

use backstay_model::Timestamp;

/// The most marks: as many as epochs that a history may have.
const MOST: usize = 10_000;

/// When epochs ended, as exactly as the trainer was looked at.
#[derive(Debug)]
pub(super) struct Moments {
    marks: VecDeque<(u64, Timestamp)>,
}

impl Moments {
    /// All epochs up to `epoch` ended at `at` or before; nothing more is known of them.
    pub(super) fn new(epoch: u64, at: Timestamp) -> Self {
        Self { marks: [(epoch, at)].into() }
    }

    /// The epochs since the last mark ended at `at`.
    pub(super) fn mark(&mut self, epoch: u64, at: Timestamp) {
        if self.marks.len() == MOST {
            self.marks.pop_front();
        }
        self.marks.push_back((epoch, at));
    }

    /// When `epoch` ended.
    pub(super) fn of(&self, epoch: u64) -> Timestamp {
        let index = self.marks.partition_point(|(last, _)| *last < epoch);
        self.marks.get(index).or(self.marks.back()).map_or(Timestamp::EPOCH, |(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ended_when_it_was_seen() {
        let at = Timestamp::from_micros;
        let mut moments = Moments::new(10, at(1));
        moments.mark(12, at(2));
        moments.mark(20, at(3));
        assert_eq!(
            [3, 10, 11, 12, 13, 20, 21].map(|epoch| moments.of(epoch).as_micros()),
            [1, 1, 2, 2, 3, 3, 3]
        );
        for epoch in 21..30_000 {
            moments.mark(epoch, at(epoch as i64));
        }
        assert_eq!(moments.marks.len(), MOST);
        assert_eq!(moments.of(25_000), at(25_000));
    }
}
