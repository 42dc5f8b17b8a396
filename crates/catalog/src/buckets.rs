//! Covering a stretch of time with the buckets of the maintained counters.

/// The lengths of the buckets, in seconds; 0 is all time.
pub(crate) const DAY: i64 = 86_400;
/// See [`DAY`].
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

/// Covers `stretch` with as many whole days as possible, then hours; at most two edges of less than an hour remain.
pub(crate) fn cover(stretch: Stretch) -> Cover {
    let (from, to) = (stretch.from.max(0), stretch.to);
    let mut cover = Cover { whole: Vec::new(), edges: Vec::new() };
    if from >= to {
        return cover;
    }
    let hour = HOUR * MICROS;
    let (first, end) = (from.div_euclid(hour) + i64::from(from % hour != 0), to.div_euclid(hour));
    let mut edge = |from: i64, to: i64| {
        if from < to {
            cover.edges.push(Stretch { from, to });
        }
    };
    if first >= end {
        edge(from, to);
        return cover;
    }
    edge(from, first * hour);
    edge(end * hour, to);
    let mut whole = |width: i64, from: i64, to: i64| {
        if from < to {
            cover.whole.push(Buckets { width, from, to });
        }
    };
    let per_day = DAY / HOUR;
    let (first_day, end_day) =
        (first.div_euclid(per_day) + i64::from(first % per_day != 0), end.div_euclid(per_day));
    if first_day >= end_day {
        whole(HOUR, first, end);
    } else {
        whole(HOUR, first, first_day * per_day);
        whole(DAY, first_day, end_day);
        whole(HOUR, end_day * per_day, end);
    }
    cover
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
            from in 0i64..40 * 24 * 3_600_000_000, length_micros in 0i64..40 * 24 * 3_600_000_000,
        ) {
            let cover = cover(Stretch { from, to: from + length_micros });
            prop_assert_eq!(length(&cover), i128::from(length_micros));
            for buckets in &cover.whole {
                prop_assert!(buckets.from * buckets.width * MICROS >= from);
                prop_assert!(buckets.to * buckets.width * MICROS <= from + length_micros);
            }
            for edge in &cover.edges {
                prop_assert!(edge.to - edge.from < 2 * HOUR * MICROS);
            }
        }
    }

    #[test]
    fn an_open_stretch_ends_in_days() {
        let cover = cover(Stretch { from: 0, to: i64::MAX });
        assert_eq!(cover.whole[0].width, DAY);
    }
}
