//! The committed reference is the one that the command line gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

fn pages(directory: &Path) -> BTreeMap<String, String> {
    fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

#[test]
fn the_command_reference_is_up_to_date() {
    let sandbox = Sandbox::new();
    let fresh = sandbox.beside("reference");
    sandbox.ok(&["man", "--markdown", fresh.to_str().unwrap()]);
    let committed = Path::new("../../docs/cli");
    let (fresh, committed) = (pages(&fresh), pages(committed));
    for (name, text) in &fresh {
        assert!(
            committed.get(name) == Some(text),
            "docs/cli/{name} is out of date; run `cargo run -p backstay -- man --markdown docs/cli`"
        );
    }
    let stale: Vec<_> = committed.keys().filter(|name| !fresh.contains_key(*name)).collect();
    assert!(stale.is_empty(), "docs/cli has pages of commands that are gone: {stale:?}");
}
