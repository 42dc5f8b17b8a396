//! `graft.yaml`: reading never panics, and an edit changes what it should and nothing else.
#![no_main]

use backstay_dependencies::declarations::{self, edit};
use backstay_dependencies::{DependencyName, Pin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let reading = declarations::read(text);
    let name = DependencyName::parse("fuzz-new").expect("the name is acceptable");
    let pin = |text: &str| Pin::parse(text).expect("the pin is acceptable");
    if let Ok(added) = edit::add(Some(text), &name, &pin("/srv/x#v1")) {
        let found = declarations::read(&added).declarations;
        assert_eq!(found.dependencies.len(), reading.declarations.dependencies.len() + 1);
        let moved = edit::set(&added, &name, &pin("/srv/x#v2")).expect("what was added can be edited");
        assert_eq!(moved.len(), added.len());
        edit::remove(&moved, &name).expect("what was added can be removed");
    }
    if let Some(first) = reading.declarations.dependencies.first() {
        // It may refuse; it must not damage.
        let _ = edit::set(text, &first.name, &pin("/srv/x#v2"));
        let _ = edit::remove(text, &first.name);
    }
});
