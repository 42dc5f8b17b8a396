//! The content of a file and a page of extents.
#![no_main]

use backstay_repository::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::content(bytes);
});
