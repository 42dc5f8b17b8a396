//! Covering a stretch of time with the buckets of the maintained counters.

use crate::sql::Condition;

/// The lengths of the buckets, in seconds; 0 is all time.
pub(crate) const PERIOD: i64 = 30 * DAY;
/// See [`PERIOD`].
pub(crate) const DAY: i64 = 86_400;
/// See [`PERIOD`].
pub(crate) const HOUR: i64 = 3_600;

const MICROS: i64 = 1_000_000;

/// A stretch of time in microseconds: from `from`, up to and without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// Some buckets of one length: from `from`, up to and without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buckets {
    pub(crate) width: i64,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// A stretch as whole buckets, and what sticks out at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cover {
    pub(crate) whole: Vec<Buckets>,
    pub(crate) edges: Vec<Stretch>,
}

impl Cover {
    /// A query for the sums of `table`'s counters of `scope` in the whole buckets, each as `n`; `None` when there are no such
    /// buckets. `wanted` ends its condition.
    ///
    /// The buckets are rows, so that a database plans one reading of the table for all lengths.
    pub(crate) fn counted(
        &self,
        table: &str,
        scope: &str,
        wanted: &str,
        condition: &mut Condition,
    ) -> Option<String> {
        let rows =
            values(condition, self.whole.iter().map(|buckets| [buckets.width, buckets.from, buckets.to]))?;
        Some(format!(
            "SELECT (SELECT sum(count) FROM {table}
                     WHERE scope = {scope} AND width = buckets.column1
                           AND bucket >= buckets.column2 AND bucket < buckets.column3 {wanted}) AS n
             FROM ({rows}) AS buckets"
        ))
    }
}

/// `VALUES` with these rows, whose columns are `column1` and so on; `None` without any.
pub(crate) fn values<const N: usize>(
    condition: &mut Condition,
    rows: impl Iterator<Item = [i64; N]>,
) -> Option<String> {
    let rows: Vec<String> =
        rows.map(|row| format!("({})", row.map(|value| condition.bind(value)).join(", "))).collect();
    (!rows.is_empty()).then(|| format!("VALUES {}", rows.join(", ")))
}

/// Covers `stretch` with as many whole buckets of the first of `widths` as possible, then with those of the next one, and so
/// on; what is shorter than the last one's remains as edges, at most two of them unless the whole stretch is one.
///
/// Each of `widths` is a multiple of the next.
pub(crate) fn cover(stretch: Stretch, widths: &[i64]) -> Cover {
    let (from, to) = (stretch.from.max(0), stretch.to);
    let mut cover = Cover { whole: Vec::new(), edges: Vec::new() };
    cut(&mut cover, from, to, widths);
    cover
}

fn cut(cover: &mut Cover, from: i64, to: i64, widths: &[i64]) {
    if from >= to {
        return;
    }
    let Some((width, finer)) = widths.split_first() else {
        cover.edges.push(Stretch { from, to });
        return;
    };
    let length = width * MICROS;
    let (first, end) = (from.div_euclid(length) + i64::from(from % length != 0), to.div_euclid(length));
    if first < end {
        cover.whole.push(Buckets { width: *width, from: first, to: end });
    }
    let (before, after) = if first < end { (first * length, end * length) } else { (to, to) };
    for (from, to) in [(from, before), (after, to)] {
        cut(cover, from, to, finer);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn length(cover: &Cover) -> i128 {
        let whole = cover.whole.iter().map(|b| i128::from(b.to - b.from) * i128::from(b.width * MICROS));
        let edges = cover.edges.iter().map(|e| i128::from(e.to - e.from));
        whole.sum::<i128>() + edges.sum::<i128>()
    }

    proptest! {
        #[test]
        fn a_cover_is_exactly_as_long_as_its_stretch(
            from in 0i64..140 * 24 * 3_600_000_000, length_micros in 0i64..140 * 24 * 3_600_000_000,
            widths in proptest::sample::select(vec![&[DAY, HOUR][..], &[DAY], &[PERIOD, DAY, HOUR], &[PERIOD, DAY]]),
        ) {
            let cover = cover(Stretch { from, to: from + length_micros }, widths);
            let finest = widths[widths.len() - 1];
            prop_assert_eq!(length(&cover), i128::from(length_micros));
            for buckets in &cover.whole {
                prop_assert!(buckets.from * buckets.width * MICROS >= from);
                prop_assert!(buckets.to * buckets.width * MICROS <= from + length_micros);
            }
            for edge in &cover.edges {
                prop_assert!(edge.to - edge.from < 2 * finest * MICROS);
            }
        }
    }

    #[test]
    fn an_open_stretch_begins_with_the_longest() {
        let cover = cover(Stretch { from: 0, to: i64::MAX }, &[PERIOD, DAY, HOUR]);
        assert_eq!(cover.whole[0].width, PERIOD);
    }
}
