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
    /// 1, or -1 where they are taken away again.
    pub(crate) sign: i64,
}

/// What of a stretch has no bucket: a short stretch, with the sign of [`Buckets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) sign: i64,
}

/// A stretch as whole buckets, and what sticks out at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cover {
    pub(crate) whole: Vec<Buckets>,
    pub(crate) edges: Vec<Edge>,
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
        let rows = values(condition, self.whole.iter().map(|it| [it.width, it.from, it.to, it.sign]))?;
        Some(format!(
            "SELECT buckets.column4 * (
                 SELECT sum(count) FROM {table}
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
/// on; what is shorter than the last one's remains as edges, at most two of them unless the whole stretch is one. Nothing is taken
/// away again.
///
/// Each of `widths` is a multiple of the next.
pub(crate) fn cover(stretch: Stretch, widths: &[i64]) -> Cover {
    cut(stretch, widths, false)
}

/// As [`cover`], for what can be subtracted: where an end of the stretch is nearer to the outer end of a bucket than to the inner
/// one, that bucket is added and what of it lies outside is taken away. That halves the number of buckets and the edges.
pub(crate) fn cover_by_difference(stretch: Stretch, widths: &[i64]) -> Cover {
    cut(stretch, widths, true)
}

fn cut(stretch: Stretch, widths: &[i64], difference: bool) -> Cover {
    let mut cutting = Cutting { cover: Cover { whole: Vec::new(), edges: Vec::new() }, difference };
    cutting.cut(Edge { from: stretch.from.max(0), to: stretch.to, sign: 1 }, widths);
    cutting.cover
}

struct Cutting {
    cover: Cover,
    difference: bool,
}

impl Cutting {
    fn cut(&mut self, part: Edge, widths: &[i64]) {
        let Edge { from, to, sign } = part;
        if from >= to {
            return;
        }
        let Some((width, finer)) = widths.split_first() else {
            self.cover.edges.push(part);
            return;
        };
        let length = width * MICROS;
        let (mut first, mut end) =
            (from.div_euclid(length) + i64::from(from % length != 0), to.div_euclid(length));
        if first > end {
            // It lies inside of one bucket.
            return self.cut(part, finer);
        }
        let near_before = from % length > 0 && from % length < length / 2;
        // Behind an open end there is no bucket.
        let near_after = to < i64::MAX - length && to % length > length / 2;
        let (add_before, add_after) = (self.difference && near_before, self.difference && near_after);
        first -= i64::from(add_before);
        end += i64::from(add_after);
        if first < end {
            self.cover.whole.push(Buckets { width: *width, from: first, to: end, sign });
        }
        let (first, end) = (first * length, end * length);
        let before = if add_before { (first, from, -sign) } else { (from, first, sign) };
        let after = if add_after { (to, end, -sign) } else { (end, to, sign) };
        for (from, to, sign) in [before, after] {
            self.cut(Edge { from, to, sign }, finer);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How often `cover` counts what happens at `moment`.
    fn times(cover: &Cover, moment: i64) -> i64 {
        let whole = cover.whole.iter().filter(|it| {
            let length = it.width * MICROS;
            (it.from..it.to).contains(&moment.div_euclid(length))
        });
        let edges = cover.edges.iter().filter(|it| (it.from..it.to).contains(&moment));
        whole.map(|it| it.sign).chain(edges.map(|it| it.sign)).sum()
    }

    fn length(cover: &Cover) -> i128 {
        let whole =
            cover.whole.iter().map(|b| i128::from(b.sign * (b.to - b.from)) * i128::from(b.width * MICROS));
        let edges = cover.edges.iter().map(|e| i128::from(e.sign * (e.to - e.from)));
        whole.sum::<i128>() + edges.sum::<i128>()
    }

    const TIME: i64 = 140 * DAY * MICROS;

    fn widths() -> impl Strategy<Value = &'static [i64]> {
        proptest::sample::select(vec![&[DAY, HOUR][..], &[DAY], &[PERIOD, DAY, HOUR], &[PERIOD, DAY]])
    }

    proptest! {
        #[test]
        fn a_cover_counts_each_moment_of_its_stretch_once_and_no_other(
            from in 0..TIME, length_micros in 0..TIME, moments in proptest::collection::vec(0..2 * TIME, 32), widths in widths(),
        ) {
            let to = from + length_micros;
            for cover in [cover, cover_by_difference] {
                let cover = cover(Stretch { from, to }, widths);
                prop_assert_eq!(length(&cover), i128::from(length_micros));
                for moment in moments.iter().copied().chain([from, from - 1, to - 1, to]) {
                    prop_assert_eq!(times(&cover, moment), i64::from((from..to).contains(&moment)), "{}", moment);
                }
            }
        }

        #[test]
        fn a_cover_without_differences_stays_inside(from in 0..TIME, length_micros in 0..TIME, widths in widths()) {
            let cover = cover(Stretch { from, to: from + length_micros }, widths);
            for buckets in &cover.whole {
                prop_assert_eq!(buckets.sign, 1);
                prop_assert!(buckets.from * buckets.width * MICROS >= from);
                prop_assert!(buckets.to * buckets.width * MICROS <= from + length_micros);
            }
        }

        #[test]
        fn a_cover_by_difference_needs_half_a_bucket_of_each_length_at_each_end(
            from in 0..TIME, length_micros in 2 * PERIOD * MICROS..TIME,
        ) {
            let cover = cover_by_difference(Stretch { from, to: from + length_micros }, &[PERIOD, DAY, HOUR]);
            let count = |width| cover.whole.iter().filter(|it| it.width == width).map(|it| it.to - it.from).sum::<i64>();
            prop_assert!(count(DAY) <= 2 * 15, "{} days", count(DAY));
            prop_assert!(count(HOUR) <= 2 * 12, "{} hours", count(HOUR));
            for edge in &cover.edges {
                prop_assert!(edge.to - edge.from <= HOUR * MICROS / 2 + 1);
            }
        }
    }

    #[test]
    fn an_open_stretch_begins_with_the_longest() {
        for cover in [cover, cover_by_difference] {
            let cover = cover(Stretch { from: 0, to: i64::MAX }, &[PERIOD, DAY, HOUR]);
            assert_eq!(cover.whole[0].width, PERIOD);
            assert_eq!((times(&cover, 0), times(&cover, i64::MAX - 1)), (1, 1));
        }
    }
}
