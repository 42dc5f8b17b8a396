//! `graft.lock`: what parses is written and parsed again, with the same meaning.
#![no_main]

use backstay_dependencies::lock::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reading) = Lock::parse(text) {
        let again = Lock::parse(&reading.lock.to_text()).expect("what was written parses");
        assert_eq!((again.version, again.lock), (3, reading.lock));
    }
});
