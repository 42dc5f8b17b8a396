//! What a person or a policy asks to keep.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use serde::{Deserialize, Serialize};

use super::reason::Period;
use crate::clock::Timestamp;

/// How many snapshots of each source to keep. A snapshot kept by any rule is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The newest so many.
    pub keep_last: u32,
    /// The newest one of each of the newest so many hours that have one.
    pub keep_hourly: u32,
    /// The same with days.
    pub keep_daily: u32,
    /// The same with ISO weeks.
    pub keep_weekly: u32,
    /// The same with months.
    pub keep_monthly: u32,
    /// The same with years.
    pub keep_yearly: u32,
    /// All that are younger than this.
    pub keep_within: Option<Within>,
    /// The newest so many safety snapshots, which undo needs.
    pub keep_undo: u32,
}

impl Default for Rules {
    /// No rule but ten undo points: what is kept is what [`super::decide`] keeps in any case.
    fn default() -> Self {
        Self {
            keep_last: 0,
            keep_hourly: 0,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
            keep_yearly: 0,
            keep_within: None,
            keep_undo: 10,
        }
    }
}

impl Rules {
    /// Keeps the newest `count` alone.
    pub fn last(count: u32) -> Self {
        Self { keep_last: count, ..Self::default() }
    }

    /// How many of `period` to keep.
    pub const fn count(&self, period: Period) -> u32 {
        match period {
            Period::Hour => self.keep_hourly,
            Period::Day => self.keep_daily,
            Period::Week => self.keep_weekly,
            Period::Month => self.keep_monthly,
            Period::Year => self.keep_yearly,
        }
    }
}

/// A calendar duration, written like `30d`, `12h` or `1y6m2w`: years, months, weeks, days, hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Within {
    years: u16,
    months: u16,
    weeks: u16,
    days: u16,
    hours: u16,
}

/// A text that is not a [`Within`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: write numbers with y, m, w, d or h, for example `30d` or `1y6m`")]
pub struct InvalidWithin {
    /// The rejected text, shortened.
    pub text: String,
}

impl Within {
    /// So many days.
    pub const fn days(days: u16) -> Self {
        Self { years: 0, months: 0, weeks: 0, days, hours: 0 }
    }

    /// The instant this long before `now`, by the calendar of `zone`; the earliest instant when that is out of range.
    pub fn before(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let span = Span::new()
            .years(self.years)
            .months(self.months)
            .weeks(self.weeks)
            .days(self.days)
            .hours(self.hours);
        Zoned::new(now.to_jiff(), zone.clone())
            .checked_sub(span)
            .map_or(Timestamp::from_micros(i64::MIN), |then| {
                Timestamp::from_micros(then.timestamp().as_microsecond())
            })
    }
}

impl FromStr for Within {
    type Err = InvalidWithin;

    fn from_str(text: &str) -> Result<Self, InvalidWithin> {
        let invalid = || InvalidWithin { text: text.chars().take(40).collect() };
        let mut within = Self::default();
        let mut rest = text;
        while let Some(end) = rest.find(|c: char| !c.is_ascii_digit()) {
            let number: u16 =
                rest[..end].parse().ok().filter(|number| *number <= 9999).ok_or_else(invalid)?;
            let field = match rest.as_bytes()[end] {
                b'y' => &mut within.years,
                b'm' => &mut within.months,
                b'w' => &mut within.weeks,
                b'd' => &mut within.days,
                b'h' => &mut within.hours,
                _ => return Err(invalid()),
            };
            *field = number;
            rest = &rest[end + 1..];
        }
        if rest.is_empty() && within != Self::default() { Ok(within) } else { Err(invalid()) }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [(self.years, 'y'), (self.months, 'm'), (self.weeks, 'w'), (self.days, 'd'), (self.hours, 'h')];
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

impl TryFrom<String> for Within {
    type Error = InvalidWithin;

    fn try_from(text: String) -> Result<Self, InvalidWithin> {
        text.parse()
    }
}

impl From<Within> for String {
    fn from(within: Within) -> Self {
        within.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_back_what_it_writes() {
        for text in ["30d", "12h", "1y6m2w3d4h"] {
            assert_eq!(text.parse::<Within>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_no_duration() {
        for text in ["", "30", "d", "30x", "-3d", "3d4", "99999d", "0d", "3é", "30 d"] {
            assert!(text.parse::<Within>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_month_before_is_a_calendar_month() {
        let march = Timestamp::parse("2026-03-31T12:00:00Z").unwrap();
        let before = "1m".parse::<Within>().unwrap().before(march, &TimeZone::UTC);
        assert_eq!(before.to_string(), "2026-02-28T12:00:00Z");
        let ages = "9999y".parse::<Within>().unwrap().before(march, &TimeZone::UTC);
        assert!(ages <= Timestamp::parse("0001-01-01T00:00:00Z").unwrap());
    }
}
