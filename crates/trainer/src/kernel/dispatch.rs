//! The choice of instructions. Every choice gives the same bits: wider registers change how many lanes are computed at
//! once, not what is computed in a lane, and Rust never contracts a product and a sum.

/// A piece of arithmetic that is worth compiling once per set of instructions.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;

    /// Computes. Implementations are `#[inline(always)]`, else they keep the instructions of the baseline.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` with the widest instructions that this processor has.
pub(crate) fn launch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
            kernel.run()
        }
        #[expect(unsafe_code, reason = "the processor was asked for these instructions the line before")]
        // SAFETY: AVX2 is there.
        return unsafe { with_avx2(kernel) };
    }
    kernel.run()
}
