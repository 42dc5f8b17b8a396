//! A repository without its catalog.

use std::fs;

use backstay_testkit::Picture;

use crate::sandbox::Sandbox;

#[test]
fn a_bare_repository_lists_restores_and_rebuilds_its_catalog() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a", "1");
    let first = sandbox.ok(&["save", "--label", "first"]);
    let before = Picture::of(&sandbox.root(), &[".backstay"]).unwrap();
    sandbox.write("src/a", "2");
    let second = sandbox.save();
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(sandbox.root().join(".backstay").join(name));
    }

    let list = sandbox.json(&["repository", "list"]);
    assert_eq!((&list["total"], &list["snapshots"][0]["id"]), (&2.into(), &second.as_str().into()), "{list}");
    assert_eq!(list["snapshots"][1]["label"], "first");
    let target = sandbox.beside("target");
    sandbox.ok(&["repository", "restore", "latest~1", "--to", target.to_str().unwrap()]);
    before.assert_same(&Picture::of(&target, &[]).unwrap(), "restored without a catalog");
    sandbox.ok(&["repository", "verify", "--data", "full"]);
    assert!(sandbox.json(&["repository", "stats"])["stored_bytes"].as_u64().unwrap() > 0);

    let rebuilt = sandbox.json(&["repository", "rebuild-catalog"]);
    assert_eq!(rebuilt["snapshots"], 2, "{rebuilt}");
    assert_eq!(sandbox.json(&["show", &first])["label"], "first");
    sandbox.ok(&["restore", &first]);
    before
        .assert_same(&Picture::of(&sandbox.root(), &[".backstay"]).unwrap(), "restored with the new catalog");
}

#[test]
fn the_space_of_deleted_snapshots_comes_back() {
    use backstay_model::{Rng, SeededRng};
    let sandbox = Sandbox::new();
    let mut noise = vec![0; 4 << 20];
    SeededRng::new(3).fill(&mut noise);
    sandbox.write("big", noise);
    let first = sandbox.save();
    sandbox.write("big", "small now");
    sandbox.save();
    let stored = |sandbox: &Sandbox| sandbox.json(&["repository", "stats"])["stored_bytes"].as_u64().unwrap();
    let full = stored(&sandbox);
    sandbox.ok(&["delete", &first]);
    sandbox.ok(&["repository", "collect", "--grace", "0s"]);
    sandbox.ok(&["repository", "collect", "--grace", "0s"]);
    assert!(stored(&sandbox) + (3 << 20) < full, "{} of {full}", stored(&sandbox));
    sandbox.ok(&["verify", "--all", "--data", "full"]);
}
