//! What forbids deletion, and what retention never drops.

use crate::sandbox::Sandbox;

#[test]
fn a_pinned_snapshot_cannot_be_deleted_until_it_is_unpinned() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    let id = sandbox.ok(&["save", "--pin"]);
    let refused = sandbox.run(&["delete", &id]).expect(1);
    assert!(refused.stderr.contains("pinned") && refused.stderr.contains("unpin"), "{}", refused.stderr);
    sandbox.ok(&["unpin", &id]);
    sandbox.ok(&["delete", &id, "--reason", "no longer needed"]);
    sandbox.run(&["show", &id, "--quiet"]).expect(1);
}

#[test]
fn prune_with_keep_0_keeps_the_pinned_and_the_last_good_one() {
    let sandbox = Sandbox::new();
    let mut ids = Vec::new();
    for content in ["1", "2", "3"] {
        sandbox.write("a", content);
        ids.push(sandbox.save());
    }
    sandbox.ok(&["pin", &ids[0]]);
    let plan = sandbox.json(&["prune", "--keep", "0", "--dry-run"]);
    assert_eq!(plan["removed"], 1, "{plan}");
    assert_eq!(sandbox.json(&["list"])["total"], 3, "a dry run deletes nothing");
    let done = sandbox.json(&["prune", "--keep", "0"]);
    for decision in done["decisions"].as_array().unwrap() {
        assert!(!decision["reasons"].as_array().unwrap().is_empty(), "a reason per decision: {decision}");
    }
    let left: Vec<_> = sandbox.json(&["list"])["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|snapshot| snapshot["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(left, [ids[2].clone(), ids[0].clone()]);
}

#[test]
fn a_hold_has_a_reason_and_is_released_by_its_id() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    let id = sandbox.save();
    let hold = sandbox.ok(&["hold", "latest", "--reason", "audit 2026"]);
    assert_eq!(sandbox.json(&["holds"])["holds"][0]["reason"], "audit 2026");
    sandbox.run(&["delete", &id]).expect(1);
    sandbox.ok(&["hold", "--release", &hold]);
    sandbox.ok(&["delete", &id]);
}

#[test]
fn a_deleted_snapshot_leaves_a_tombstone_and_no_quiet_success() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    let id = sandbox.save();
    sandbox.run(&["show", &id, "--quiet"]).expect(0);
    sandbox.ok(&["delete", &id]);
    let gone = sandbox.run(&["show", &id, "--quiet"]).expect(1);
    assert_eq!(gone.stdout, "");
    assert_eq!(sandbox.json(&["list"])["total"], 0);
    let all = sandbox.json(&["list", "--all"]);
    assert_eq!(all["snapshots"][0]["state"], "deleted", "{all}");
}
