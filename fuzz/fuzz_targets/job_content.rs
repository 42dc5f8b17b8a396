//! A content, alone or against a base, and what was sealed.
#![no_main]

use backstay_source_job::content::{DataKey, Place, decode, peek};
use zeroize::Zeroizing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let key = DataKey::new(1, Zeroizing::new([1; 32])).job("tenant", "project", "job");
    let (base, encoded) = bytes.split_at(bytes.len() / 2);
    let _ = peek(encoded);
    let _ = decode(&key, encoded, None);
    let _ = decode(&key, encoded, Some(base));
    assert!(key.open(Place::Body(1), bytes.to_vec()).is_err());
});
