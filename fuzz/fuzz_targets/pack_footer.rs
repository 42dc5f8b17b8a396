//! The footer of a pack.
#![no_main]

use backstay_repository::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::pack_footer(bytes);
});
