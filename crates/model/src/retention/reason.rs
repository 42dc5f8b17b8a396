//! Why a snapshot is kept or removed.

use std::fmt;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::rules::Within;

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week that begins on Monday (ISO 8601).
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Period {
    /// Every period, shortest first.
    pub const ALL: &'static [Self] = &[Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The name of the period that `moment` lies in, for example `2026-W02`. No two periods share a name, also not
    /// the two hours that a clock shows twice in autumn.
    pub(super) fn name(self, moment: &Zoned) -> String {
        match self {
            Self::Hour => moment.strftime("%Y-%m-%dT%H%:z").to_string(),
            Self::Day => moment.strftime("%Y-%m-%d").to_string(),
            Self::Week => moment.strftime("%G-W%V").to_string(),
            Self::Month => moment.strftime("%Y-%m").to_string(),
            Self::Year => moment.strftime("%Y").to_string(),
        }
    }

    const fn adverb(self) -> &'static str {
        match self {
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Year => "yearly",
        }
    }
}

/// One reason of a decision. Its text form is for a person, [`Reason::code`] for a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// A hold is in force.
    Held {
        /// Why it is held.
        reason: String,
    },
    /// Something needs it.
    Referenced {
        /// What needs it.
        by: String,
    },
    /// It is the last good one of its source.
    LastGood,
    /// Undo needs it.
    UndoPoint,
    /// It is being written.
    Creating,
    /// It is dated later than now.
    Future,
    /// It failed, and no good one has followed for long enough.
    Diagnosis,
    /// It is among the newest.
    Last {
        /// Its place, from 1.
        rank: u32,
        /// How many are kept.
        of: u32,
    },
    /// It is the newest of a period.
    Period {
        /// The length of the period.
        period: Period,
        /// Which one, for example `2026-01`.
        name: String,
    },
    /// It is young enough.
    Within {
        /// The limit.
        within: Within,
    },
    /// Another member of its group is kept.
    Group {
        /// The group.
        group: String,
    },
    /// There are no rules, so everything is kept.
    NoRules,
    /// Removed: no rule keeps it.
    NoRule,
    /// Removed: it failed and a good one has followed.
    Failed,
}

impl Reason {
    /// The stable word of the reason, as in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Referenced { .. } => "referenced",
            Self::LastGood => "last_good",
            Self::UndoPoint => "undo_point",
            Self::Creating => "creating",
            Self::Future => "future",
            Self::Diagnosis => "diagnosis",
            Self::Last { .. } => "last",
            Self::Period { .. } => "period",
            Self::Within { .. } => "within",
            Self::Group { .. } => "group",
            Self::NoRules => "no_rules",
            Self::NoRule => "no_rule",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { reason } if reason.is_empty() => f.write_str("held"),
            Self::Held { reason } => write!(f, "held: {reason}"),
            Self::Referenced { by } => write!(f, "needed by {by}"),
            Self::LastGood => f.write_str("last good snapshot of its source"),
            Self::UndoPoint => f.write_str("undo point"),
            Self::Creating => f.write_str("being written"),
            Self::Future => f.write_str("dated later than now"),
            Self::Diagnosis => f.write_str("failed, kept for diagnosis"),
            Self::Last { rank, of } => write!(f, "last {rank} of {of}"),
            Self::Period { period, name } => write!(f, "{} {name}", period.adverb()),
            Self::Within { within } => write!(f, "within {within}"),
            Self::Group { group } => write!(f, "member of the kept group {group}"),
            Self::NoRules => f.write_str("there are no rules"),
            Self::NoRule => f.write_str("no rule keeps it"),
            Self::Failed => f.write_str("failed, and a good one has followed"),
        }
    }
}
