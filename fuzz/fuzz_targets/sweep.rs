//! A sweep below `garbage/`.
#![no_main]

use backstay_repository::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::sweep(bytes);
});
