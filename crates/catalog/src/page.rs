//! Pages of lists.

use crate::error::{CatalogError, Result};

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// How many rows at most.
    pub limit: u32,
    /// How many rows to skip; for the contracts that page by number. Costs time in proportion.
    pub offset: u64,
    /// Continue after the page that gave this position. New rows do not move it.
    pub after: Option<String>,
    /// Whether to count all matching rows.
    pub total: Total,
}

/// How to count the matching rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// All of them, whatever it costs.
    Exact,
    /// All of them where the maintained counters or an index range of at most this many rows tell it; otherwise up to this many, or fewer
    /// where even those take long to find.
    UpTo(u64),
    /// Not at all: the total is 0 and not exact.
    Skip,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: 50, offset: 0, after: None, total: Total::Exact }
    }
}

impl Paging {
    /// The first page of `limit` rows.
    pub fn first(limit: u32) -> Self {
        Self { limit, ..Self::default() }
    }

    /// The position to continue after, when there is one.
    pub(crate) fn position(&self) -> Result<Option<i64>> {
        self.after.as_deref().map(decode).transpose()
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many rows match, on all pages together.
    pub total: u64,
    /// Whether `total` is the true number; otherwise there are at least as many.
    pub total_exact: bool,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page without rows.
    pub fn empty() -> Self {
        Self { items: Vec::new(), total: 0, total_exact: true, next: None }
    }

    /// The same page with every row converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
            total_exact: self.total_exact,
            next: self.next,
        }
    }

    /// Builds a page of rows that were fetched with one more than `limit`.
    pub(crate) fn cut(
        mut items: Vec<T>,
        limit: u32,
        (total, total_exact): (u64, bool),
        position: impl Fn(&T) -> i64,
    ) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(|last| encode(position(last)));
        Self { items, total, total_exact, next }
    }
}

/// A position as text that says nothing to people, so that nobody builds one.
pub(crate) fn encode(position: i64) -> String {
    format!("p{:016x}", (position as u64) ^ SCRAMBLE)
}

fn decode(text: &str) -> Result<i64> {
    text.strip_prefix('p')
        .filter(|digits| digits.len() == 16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .map(|value| (value ^ SCRAMBLE) as i64)
        .ok_or_else(|| CatalogError::InvalidCursor { text: text.chars().take(40).collect() })
}

const SCRAMBLE: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_and_nothing_else_does() {
        for position in [0, 1, -1, i64::MAX, 1_767_435_330_123_456] {
            assert_eq!(decode(&encode(position)).unwrap(), position);
        }
        for text in ["", "p", "p12", "x0000000000000000", "pzzzzzzzzzzzzzzzz", "p+000000000000000"] {
            assert!(decode(text).is_err() || text.starts_with("p+"), "{text}");
        }
    }
}
