//! `backstay.yaml`: reading never panics, and takes only hooks that have a command.
#![no_main]

use backstay_source_workspace::declared::Declared;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(declared) = Declared::parse(text) {
        assert!(declared.hooks.values().all(|command| !command.trim().is_empty() && !command.contains('\0')));
    }
});
