//! Data sets from files: the first byte chooses the kind.
#![no_main]

use backstay_source_training::data::{Targets, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let name = ["a.csv", "a.npy", "a.h5"][usize::from(*kind) % 3];
    for targets in [Targets::LastColumn, Targets::LastColumns(2)] {
        if let Ok(data) = load(name, bytes, &targets) {
            assert!(data.training().inputs().iter().all(|value| value.is_finite()));
        }
    }
});
