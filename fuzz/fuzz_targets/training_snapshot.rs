//! A snapshot of training.
#![no_main]

use backstay_source_training::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::snapshot(bytes);
});
