//! Columns of samples in lanes of sixteen, and the sums over them.
//!
//! A column holds one feature of all samples, padded with zeros to full lanes. A sum adds lanes to each other, at most
//! [`BLOCK`] of them, then halves the lane four times, then adds the blocks in 64 bits: one order, whatever the
//! processor, and rounding errors that do not grow with the number of samples.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16};

/// Samples per lane.
pub(crate) const LANES: usize = 16;

/// Lanes that are added in 32 bits before the sum goes on in 64 bits.
pub(crate) const BLOCK: usize = 64;

/// Sixteen neighbours of a column.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Lane(pub(crate) [f32; LANES]);

impl Lane {
    /// Nothing.
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    /// The lane in a register.
    #[inline(always)]
    pub(crate) fn load<S: Simd>(&self, simd: S) -> f32x16<S> {
        f32x16::from_slice(simd, &self.0)
    }

    /// Puts a register into the lane.
    #[inline(always)]
    pub(crate) fn store<S: Simd>(&mut self, value: f32x16<S>) {
        value.store_slice(&mut self.0);
    }
}

/// The sum of a lane, by halving.
#[inline(always)]
pub(crate) fn sum_lane<S: Simd>(lane: f32x16<S>) -> f32 {
    let (low, high) = lane.split();
    let (low, high) = (low + high).split();
    let quarter: [f32; 4] = (low + high).into();
    (quarter[0] + quarter[2]) + (quarter[1] + quarter[3])
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

    /// The matrix with one row per sample.
    pub(crate) fn to_rows(&self) -> Vec<f32> {
        let width = self.count();
        let mut rows = vec![0.0; self.samples * width];
        for feature in 0..width {
            for (sample, row) in rows.chunks_exact_mut(width).enumerate() {
                row[feature] = self.column(feature)[sample / LANES].0[sample % LANES];
            }
        }
        rows
    }

    /// Appends a column of zeros.
    pub(crate) fn push(&mut self) -> &mut [Lane] {
        let start = self.data.len();
        self.data.resize(start + self.stride, Lane::ZERO);
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
        let mut mask = Lane::ZERO;
        let used = self.samples - self.stride.saturating_sub(1) * LANES;
        for value in &mut mask.0[..used] {
            *value = 1.0;
        }
        mask
    }
}

/// The sum of a column.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, column: &[Lane]) -> f64 {
    let mut total = 0.0;
    for block in column.chunks(BLOCK) {
        let mut sums = f32x16::splat(simd, 0.0);
        for lane in block {
            sums += lane.load(simd);
        }
        total += f64::from(sum_lane(sums));
    }
    total
}

/// The sum of the products of two columns.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, left: &[Lane], right: &[Lane]) -> f64 {
    let mut total = 0.0;
    for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
        let mut sums = f32x16::splat(simd, 0.0);
        for (a, b) in left.iter().zip(right) {
            sums += a.load(simd) * b.load(simd);
        }
        total += f64::from(sum_lane(sums));
    }
    total
}

/// [`dot`] of one column with each of `results.len()` columns: the same bits, four columns at a time.
#[inline(always)]
pub(crate) fn dot_columns<S: Simd>(
    simd: S,
    left: &[Lane],
    columns: &[Lane],
    results: &mut [f32],
    scale: f64,
) {
    const AT_ONCE: usize = 4;
    let stride = left.len();
    let mut groups = results.chunks_exact_mut(AT_ONCE);
    let mut at = 0;
    for group in &mut groups {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|i| &columns[at + i * stride..][..stride]);
        at += AT_ONCE * stride;
        let mut totals = [0.0; AT_ONCE];
        let mut start = 0;
        while start < stride {
            let end = (start + BLOCK).min(stride);
            let mut sums = [f32x16::splat(simd, 0.0); AT_ONCE];
            let others = first[start..end]
                .iter()
                .zip(&second[start..end])
                .zip(third[start..end].iter().zip(&fourth[start..end]));
            for (value, ((a, b), (c, d))) in left[start..end].iter().zip(others) {
                let value = value.load(simd);
                sums[0] += value * a.load(simd);
                sums[1] += value * b.load(simd);
                sums[2] += value * c.load(simd);
                sums[3] += value * d.load(simd);
            }
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += f64::from(sum_lane(sum));
            }
            start = end;
        }
        for (result, total) in group.iter_mut().zip(totals) {
            *result = (total * scale) as f32;
        }
    }
    for result in groups.into_remainder() {
        *result = (dot(simd, left, &columns[at..][..stride]) * scale) as f32;
        at += stride;
    }
}

/// `bias` plus the columns weighted by `weights`, for the `N` lanes from `at` on.
#[inline(always)]
pub(crate) fn weighted_sum<S: Simd, const N: usize>(
    simd: S,
    columns: &[Lane],
    stride: usize,
    at: usize,
    bias: f32,
    weights: &[f32],
) -> [f32x16<S>; N] {
    let mut sums = [f32x16::splat(simd, bias); N];
    for (weight, column) in weights.iter().zip(columns.chunks_exact(stride)) {
        let weight = f32x16::splat(simd, *weight);
        for (sum, lane) in sums.iter_mut().zip(&column[at..at + N]) {
            *sum += weight * lane.load(simd);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kernel, launch, launch_at};

    fn columns(samples: usize, width: usize) -> Columns {
        let rows: Vec<f32> = (0..samples * width).map(|i| ((i * 37 + 11) % 101) as f32 / 7.0 - 6.0).collect();
        Columns::from_rows(&rows, width)
    }

    /// Dots of the last column with all others, together and each by itself.
    struct Dots<'a>(&'a Columns);

    impl Kernel for Dots<'_> {
        type Output = (Vec<f32>, Vec<f32>);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let last = self.0.count() - 1;
            let mut together = vec![0.0; last];
            dot_columns(simd, self.0.column(last), self.0.all(), &mut together, 1.0);
            let each = (0..last).map(|index| dot(simd, self.0.column(last), self.0.column(index)) as f32);
            (together, each.collect())
        }
    }

    #[test]
    fn sums_do_not_depend_on_how_many_are_taken_at_once_nor_on_the_instructions() {
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        for samples in [1, 15, 16, 17, 200, 1024, 1025, 5000] {
            let columns = columns(samples, 9);
            let (together, each) = launch(Dots(&columns));
            assert_eq!(bits(&together), bits(&each));
            #[cfg(target_arch = "x86_64")]
            for level in crate::kernel::levels() {
                assert_eq!(bits(&launch_at(level, Dots(&columns)).0), bits(&each), "{level:?}");
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
        let sum = f64::from(launch(Dots(&columns)).0[0]);
        assert!((sum - plain).abs() < 1e-3 * plain.abs().max(1.0));
    }

    #[test]
    fn the_mask_is_one_for_samples_alone() {
        for (samples, used) in [(1, 1), (15, 15), (16, 16), (17, 1), (200, 8)] {
            let mask = Columns::new(samples).last_mask();
            assert_eq!(mask.0.iter().filter(|value| **value > 0.5).count(), used);
        }
    }
}
