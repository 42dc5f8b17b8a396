//! An inner page of a directory or of a content list.
#![no_main]

use backstay_repository::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::inner_page(bytes);
});
