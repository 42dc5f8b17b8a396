//! The manifest of a typed checkpoint.
#![no_main]

use backstay_source_job::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::decode(bytes) {
        assert!(Manifest::decode(&manifest.encode()).is_ok());
    }
});
