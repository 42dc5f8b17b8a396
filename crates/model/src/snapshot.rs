//! The life of a snapshot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in SQL and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    format!(concat!("`{}` is not one of", $(" ", $word),+), text.chars().take(40).collect::<String>())
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Where a snapshot is in its life.
    SnapshotState {
        /// Content is being written; the row is leased.
        Creating = "creating",
        /// Durable, hashed, restorable.
        Ready = "ready",
        /// The capture did not finish; the reason is kept.
        Failed = "failed",
        /// A deletion has been committed; content is about to be released.
        Deleting = "deleting",
        /// A tombstone: who, when and why remain.
        Deleted = "deleted",
    }
}

words! {
    /// Why a snapshot was taken.
    Trigger {
        /// A person or a client asked for it.
        Manual = "manual",
        /// A restore took it before it changed anything.
        Safety = "safety",
        /// An upgrade took it before it changed anything.
        Upgrade = "upgrade",
        /// A policy was due.
        Scheduled = "scheduled",
        /// It is a member of a group capture.
        Group = "group",
        /// It was brought in from elsewhere.
        Import = "import",
        /// A trainer added a hidden unit.
        Round = "round",
        /// A metric of a run was better than before.
        Best = "best",
        /// A trainer was due after so many epochs or seconds.
        Schedule = "schedule",
        /// Training ended or was stopped.
        Shutdown = "shutdown",
    }
}

impl SnapshotState {
    /// Whether a snapshot in this state may move to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Creating, Self::Ready | Self::Failed)
                | (Self::Ready | Self::Failed, Self::Deleting)
                | (Self::Deleting, Self::Deleted)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_tombstone_and_nothing_skips_a_step() {
        for next in SnapshotState::ALL {
            assert!(!SnapshotState::Deleted.may_become(*next));
        }
        assert!(!SnapshotState::Creating.may_become(SnapshotState::Deleted));
        assert!(!SnapshotState::Failed.may_become(SnapshotState::Ready));
        assert!(SnapshotState::Creating.may_become(SnapshotState::Ready));
    }

    #[test]
    fn every_word_reads_back() {
        for state in SnapshotState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("banana".parse::<SnapshotState>().is_err());
    }
}
