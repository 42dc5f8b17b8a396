//! The name of an object in a store: what is accepted is safe as a relative path.
#![no_main]

use backstay_store::ObjectName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = ObjectName::parse(text) {
        assert_eq!(name.as_str(), text);
        assert!(text.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
    }
});
