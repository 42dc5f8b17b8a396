//! Kind, state, trigger and pinned as one number, so that one index and one counter serve every filter on them.
//!
//! `facet = kind * 100_000 + state * 10_000 + trigger * 10 + pinned`, where a word counts as its place in its vocabulary.
//! The vocabularies may grow at their ends.

use backstay_model::{Kind, SnapshotState, Trigger};

const KIND: i64 = 100_000;
const STATE: i64 = 10_000;
const TRIGGER: i64 = 10;

/// What a facet stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facet {
    pub(crate) kind: Kind,
    pub(crate) state: SnapshotState,
    pub(crate) trigger: Trigger,
    pub(crate) pinned: bool,
}

fn place<T: PartialEq>(all: &[T], word: &T) -> i64 {
    all.iter().position(|other| other == word).expect("every word is in its vocabulary") as i64
}

/// The part of the number that stands for `state`; transitions add the difference.
pub(crate) fn of_state(state: SnapshotState) -> i64 {
    place(SnapshotState::ALL, &state) * STATE
}

/// The part of the number that stands for `trigger`.
pub(crate) fn of_trigger(trigger: Trigger) -> i64 {
    place(Trigger::ALL, &trigger) * TRIGGER
}

impl Facet {
    /// The number.
    pub(crate) fn number(self) -> i64 {
        place(&Kind::ALL, &self.kind) * KIND
            + of_state(self.state)
            + of_trigger(self.trigger)
            + i64::from(self.pinned)
    }

    /// What `number` stands for; `None` when it is none of ours.
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        let index = |value: i64| usize::try_from(value).ok();
        Some(Self {
            kind: *Kind::ALL.get(index(number / KIND)?)?,
            state: *SnapshotState::ALL.get(index(number % KIND / STATE)?)?,
            trigger: *Trigger::ALL.get(index(number % STATE / TRIGGER)?)?,
            pinned: number % TRIGGER == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_facet_reads_back() {
        for kind in Kind::ALL {
            for state in SnapshotState::ALL {
                for trigger in Trigger::ALL {
                    for pinned in [false, true] {
                        let facet = Facet { kind, state: *state, trigger: *trigger, pinned };
                        assert_eq!(Facet::from_number(facet.number()), Some(facet));
                    }
                }
            }
        }
    }
}
