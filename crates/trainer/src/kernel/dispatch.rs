//! The choice of instructions. Every choice gives the same bits: wider registers change how many lanes are computed at
//! once, not what is computed in a lane. Products and sums are never fused, because not every processor can.

use std::sync::LazyLock;

use fearless_simd::{Level, Simd, dispatch};

/// The widest instructions of this processor.
static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

/// A piece of arithmetic that is compiled once per set of instructions.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;

    /// Computes. Implementations are `#[inline(always)]`, and so is all that they call.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `kernel` with the widest instructions of this processor.
pub(crate) fn launch<K: Kernel>(kernel: K) -> K::Output {
    launch_at(*LEVEL, kernel)
}

/// Runs `kernel` with the instructions of `level`.
pub(crate) fn launch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    dispatch!(level, simd => kernel.run(simd))
}

/// All sets of instructions that this processor has.
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) fn levels() -> Vec<Level> {
    let own = *LEVEL;
    let all = [
        own.as_sse2().map(Level::Sse2),
        own.as_sse4_2().map(Level::Sse4_2),
        own.as_avx2().map(Level::Avx2),
        own.as_avx512().map(Level::Avx512),
    ];
    all.into_iter().flatten().collect()
}
