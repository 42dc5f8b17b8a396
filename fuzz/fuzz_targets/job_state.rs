//! A state, its tree, and a patch.
#![no_main]

use backstay_source_job::{Json, State, diff, patch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(state) = State::parse(text) else { return };
    let Ok(tree) = state.to_json() else { panic!("a state has a tree") };
    assert!(Json::parse(&tree.to_text()).is_ok_and(|again| again == tree));
    assert!(diff(&tree, &tree).is_empty());
    if let Some(operations) = tree.get("patch") {
        let _ = patch(tree.clone(), operations);
    }
});
