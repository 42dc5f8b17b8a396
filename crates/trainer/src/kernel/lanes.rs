//! Columns of samples in lanes of sixteen, and the sums over them.
//!
//! A column holds one feature of all samples, padded with zeros to full lanes. A sum adds lanes to each other, at most
//! [`BLOCK`] of them, then halves the lane four times, then adds the blocks in 64 bits: one order, whatever the
//! processor, and rounding errors that do not grow with the number of samples.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

/// Samples per lane.
pub(crate) const LANES: usize = 16;

/// Lanes that are added in 32 bits before the sum goes on in 64 bits.
pub(crate) const BLOCK: usize = 64;

/// Sixteen neighbours of a column.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Lane(pub(crate) [f32; LANES]);

impl Lane {
    /// Sixteen times `value`.
    #[inline(always)]
    pub(crate) const fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    /// The sum, by halving.
    #[inline(always)]
    pub(crate) fn sum(self) -> f32 {
        let lane = self.0;
        let mut half = [0.0; 8];
        for i in 0..8 {
            half[i] = lane[i] + lane[i + 8];
        }
        let mut quarter = [0.0; 4];
        for i in 0..4 {
            quarter[i] = half[i] + half[i + 4];
        }
        (quarter[0] + quarter[2]) + (quarter[1] + quarter[3])
    }
}

/// Features of a set of samples, one column each.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    samples: usize,
    stride: usize,
    data: Vec<Lane>,
}

impl Columns {
    /// No columns yet, for `samples` samples.
    pub(crate) fn new(samples: usize) -> Self {
        Self { samples, stride: samples.div_ceil(LANES), data: Vec::new() }
    }

    /// The columns of a matrix of `width` values per sample.
    pub(crate) fn from_rows(rows: &[f32], width: usize) -> Self {
        let mut columns = Self::new(rows.len().checked_div(width).unwrap_or(0));
        for feature in 0..width {
            let column = columns.push();
            for (sample, row) in rows.chunks_exact(width).enumerate() {
                column[sample / LANES].0[sample % LANES] = row[feature];
            }
        }
        columns
    }

    /// Appends a column of zeros.
    pub(crate) fn push(&mut self) -> &mut [Lane] {
        let start = self.data.len();
        self.data.resize(start + self.stride, Lane::splat(0.0));
        &mut self.data[start..]
    }

    /// How many samples there are.
    pub(crate) const fn samples(&self) -> usize {
        self.samples
    }

    /// Lanes per column.
    pub(crate) const fn stride(&self) -> usize {
        self.stride
    }

    /// How many columns there are.
    pub(crate) fn count(&self) -> usize {
        self.data.len().checked_div(self.stride).unwrap_or(0)
    }

    /// One column.
    #[inline(always)]
    pub(crate) fn column(&self, index: usize) -> &[Lane] {
        &self.data[index * self.stride..][..self.stride]
    }

    /// All columns, one after the other.
    #[inline(always)]
    pub(crate) fn all(&self) -> &[Lane] {
        &self.data
    }

    /// All columns, to write to.
    #[inline(always)]
    pub(crate) fn all_mut(&mut self) -> &mut [Lane] {
        &mut self.data
    }

    /// One for each sample and zero for each padding, in the last lane.
    pub(crate) fn last_mask(&self) -> Lane {
        let mut mask = Lane::splat(0.0);
        let used = self.samples - self.stride.saturating_sub(1) * LANES;
        for value in &mut mask.0[..used] {
            *value = 1.0;
        }
        mask
    }
}

/// The sum of the products of two columns.
#[inline(always)]
pub(crate) fn dot(left: &[Lane], right: &[Lane]) -> f64 {
    let mut total = 0.0;
    for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
        let mut sums = Lane::splat(0.0);
        for (a, b) in left.iter().zip(right) {
            for i in 0..LANES {
                sums.0[i] += a.0[i] * b.0[i];
            }
        }
        total += f64::from(sums.sum());
    }
    total
}

/// [`dot`] of one column with each of `results.len()` columns: the same bits, four columns at a time.
#[inline(always)]
pub(crate) fn dot_columns(left: &[Lane], columns: &[Lane], results: &mut [f64]) {
    const AT_ONCE: usize = 4;
    let stride = left.len();
    let mut groups = results.chunks_exact_mut(AT_ONCE);
    let mut at = 0;
    for group in &mut groups {
        let [first, second, third, fourth] = std::array::from_fn(|i| &columns[at + i * stride..][..stride]);
        at += AT_ONCE * stride;
        group.fill(0.0);
        let mut start = 0;
        while start < stride {
            let end = (start + BLOCK).min(stride);
            let mut sums = [Lane::splat(0.0); AT_ONCE];
            for index in start..end {
                let value = &left[index].0;
                let (a, b, c, d) = (&first[index].0, &second[index].0, &third[index].0, &fourth[index].0);
                for i in 0..LANES {
                    sums[0].0[i] += value[i] * a[i];
                }
                for i in 0..LANES {
                    sums[1].0[i] += value[i] * b[i];
                }
                for i in 0..LANES {
                    sums[2].0[i] += value[i] * c[i];
                }
                for i in 0..LANES {
                    sums[3].0[i] += value[i] * d[i];
                }
            }
            for (result, sum) in group.iter_mut().zip(sums) {
                *result += f64::from(sum.sum());
            }
            start = end;
        }
    }
    for result in groups.into_remainder() {
        *result = dot(left, &columns[at..][..stride]);
        at += stride;
    }
}

/// `bias` plus the columns weighted by `weights`, for the lanes `at` and `at + 1`.
#[inline(always)]
pub(crate) fn weighted_sum(
    columns: &[Lane],
    stride: usize,
    at: usize,
    bias: f32,
    weights: &[f32],
) -> [Lane; 2] {
    let second = if at + 1 < stride { at + 1 } else { at };
    let mut sums = [Lane::splat(bias); 2];
    let mut start = 0;
    for weight in weights {
        let (a, b) = (&columns[start + at].0, &columns[start + second].0);
        for i in 0..LANES {
            sums[0].0[i] += weight * a[i];
        }
        for i in 0..LANES {
            sums[1].0[i] += weight * b[i];
        }
        start += stride;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(samples: usize, width: usize) -> Columns {
        let rows: Vec<f32> = (0..samples * width).map(|i| ((i * 37 + 11) % 101) as f32 / 7.0 - 6.0).collect();
        Columns::from_rows(&rows, width)
    }

    #[test]
    fn sums_do_not_depend_on_how_many_are_taken_at_once() {
        for samples in [1, 15, 16, 17, 200, 1024, 1025, 5000] {
            let columns = columns(samples, 9);
            let mut together = [0.0; 8];
            dot_columns(columns.column(8), columns.all(), &mut together);
            for (index, sum) in together.iter().enumerate() {
                assert_eq!(sum.to_bits(), dot(columns.column(8), columns.column(index)).to_bits());
            }
        }
    }

    #[test]
    fn a_sum_is_the_sum() {
        let columns = columns(1000, 2);
        let plain: f64 = (0..1000)
            .map(|n| {
                let at = |c: usize| f64::from(columns.column(c)[n / LANES].0[n % LANES]);
                at(0) * at(1)
            })
            .sum();
        assert!((dot(columns.column(0), columns.column(1)) - plain).abs() < 1e-3 * plain.abs().max(1.0));
    }

    #[test]
    fn the_mask_is_one_for_samples_alone() {
        for (samples, used) in [(1, 1), (15, 15), (16, 16), (17, 1), (200, 8)] {
            let mask = Columns::new(samples).last_mask();
            assert_eq!(mask.0.iter().filter(|value| **value > 0.5).count(), used);
        }
    }
}
