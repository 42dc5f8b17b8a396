//! The description of a checkpoint.
#![no_main]

use backstay_source_job::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(&record));
    }
});
