//! An archive that a server sends, before it is packed: written into a fresh directory, or refused.
#![no_main]

use backstay_source_workspace::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::archive(bytes);
});
