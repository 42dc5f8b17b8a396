//! Every command of `backstay training`, by text and by JSON.

use std::fs;

use crate::sandbox::Sandbox;
use crate::{begin, exported, go_on};

#[test]
fn a_run_from_its_first_snapshot_to_its_last() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok(&["training", "list"]), "no runs yet");
    let first = begin(&sandbox, "spirals", 100, &["--no-rounds"]);
    assert_eq!((first["status"].as_str(), first["epoch"].as_u64()), (Some("Stopped"), Some(100)));
    let again = sandbox.run(&["training", "run", "spirals"]).expect(1);
    assert!(again.stderr.contains("A run called `spirals` exists already"), "{}", again.stderr);
    assert!(again.stderr.contains("--resume"), "{}", again.stderr);
    let second = go_on(&sandbox, "spirals", 300, &[]);
    let id = second["snapshot"]["id"].as_str().unwrap();
    let list = sandbox.json(&["training", "list"]);
    assert_eq!(list["snapshots"][0]["id"], id);
    assert!(sandbox.ok(&["training", "list"]).contains("spirals"));

    let ok = sandbox.ok(&["training", "verify", id]);
    assert!(ok.starts_with("✓ Snapshot is whole and can be loaded: spirals:"), "{ok}");
    let old = list["snapshots"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap();
    let found = sandbox.json(&["training", "compare", old, "spirals"]);
    assert_eq!(found["same_activation"], true);
    let tensors = found["tensors"].as_array().unwrap();
    let weights = tensors.iter().find(|one| one["path"] == "params/output_layer/bias").unwrap();
    assert_eq!(weights["status"], "changed");
    assert!(weights["max_delta"].as_f64().unwrap() > 0.0 && weights["cosine"].as_f64().unwrap() <= 1.0);
    assert!(sandbox.ok(&["training", "compare", old, "spirals"]).contains("Same activation: ✓"));

    sandbox.ok(&["training", "fork", old, "fork"]);
    let trees = sandbox.json(&["training", "lineage"]);
    assert_eq!(
        (&trees["runs"][0]["name"], &trees["runs"][0]["forks"][0]["name"]),
        (&"spirals".into(), &"fork".into())
    );
    let text = sandbox.ok(&["training", "lineage"]);
    assert!(text.contains("\n  fork: 0 snapshots, forked at epoch 100 from"), "{text}");
    let refused = sandbox.run(&["training", "delete", old]).expect(1);
    assert!(refused.stderr.contains("Snapshot is in use"), "{}", refused.stderr);

    assert_eq!(sandbox.json(&["training", "pin", id])["pinned"], true);
    assert!(sandbox.run(&["training", "delete", id]).expect(1).stderr.contains("Snapshot is pinned"));
    sandbox.ok(&["training", "unpin", id]);

    // The last good one and the origin of the fork stay.
    let preview = sandbox.json(&["training", "cleanup", "spirals", "--keep", "1", "--manual", "--dry-run"]);
    let done = sandbox.json(&["training", "cleanup", "spirals", "--keep", "1", "--manual"]);
    assert_eq!(preview["decisions"], done["decisions"]);
    assert_eq!(done["kept"], 2);
    sandbox.ok(&["training", "verify", "spirals"]);
}

#[test]
fn files_are_written_checked_listed_and_cleaned_up() {
    let sandbox = Sandbox::new();
    let hidden = begin(&sandbox, "run", 150, &[])["hidden_units"].as_u64().unwrap();
    assert!(hidden > 0);
    let architecture = format!("2 → {hidden} → 2");
    let directory = sandbox.beside("files");
    fs::create_dir(&directory).unwrap();
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let text = sandbox.ok(&["training", "save", "run", &path("network.h5")]);
    assert!(text.starts_with("✓ Successfully saved network snapshot to "), "{text}");
    assert!(text.contains("Groups: ") && text.contains("Datasets: "));
    sandbox.ok(&["training", "save", "run", &path("whole.h5"), "--include-training"]);
    sandbox.ok(&["training", "export", "run", &path("exported.h5")]);
    assert!(fs::read(path("whole.h5")).unwrap() == fs::read(path("exported.h5")).unwrap());
    let refused = sandbox.run(&["training", "export", "run", &path("whole.h5")]).expect(1);
    assert!(refused.stderr.contains("exists already"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3, "nothing temporary is left");

    let text = sandbox.ok(&["training", "verify", &path("whole.h5")]);
    assert!(text.starts_with("✓ File is a valid network snapshot\nNetwork UUID: "), "{text}");
    assert!(
        text.contains(&format!("Architecture: {architecture}")) && text.ends_with("✓ Contains history"),
        "{text}"
    );
    let text = sandbox.ok(&["training", "load", &path("network.h5")]);
    assert!(text.starts_with("✓ Snapshot file verification passed"), "{text}");
    assert!(text.contains("Missing for going on exactly: position"), "{text}");
    assert!(text.ends_with("✓ Successfully loaded network from snapshot"), "{text}");

    let mut damaged = fs::read(path("whole.h5")).unwrap();
    let last = damaged.len() - 5;
    damaged[last] ^= 1;
    fs::write(path("damaged.h5"), damaged).unwrap();
    let ran = sandbox.run(&["training", "verify", &path("damaged.h5")]).expect(1);
    assert!(
        ran.stdout.starts_with("✗ Invalid snapshot file: Checksum mismatch in /params/output_layer/weights"),
        "{}",
        ran.stdout
    );
    sandbox.run(&["training", "import", &path("damaged.h5"), "--run", "run"]).expect(1);
    let ran = sandbox.run(&["training", "list", directory.to_str().unwrap()]).expect(3);
    assert!(ran.stdout.contains("Checksum mismatch") && ran.stdout.contains(&architecture), "{}", ran.stdout);

    // A network without its training is kept as that, and says so.
    let ran = sandbox.run(&["training", "import", &path("network.h5"), "--run", "old", "--json"]).expect(3);
    assert_eq!(ran.json()["exact"], false);
    let refused = sandbox.run(&["training", "run", "old", "--resume"]).expect(1);
    assert!(refused.stderr.contains("missing: position"), "{}", refused.stderr);
    let loaded = sandbox.json(&["training", "load", &path("whole.h5"), "--run", "taken"]);
    assert_eq!(loaded["snapshot"]["epoch"], 150);
    assert_eq!(exported(&sandbox, "taken").header.uuid, exported(&sandbox, "run").header.uuid);

    let text = sandbox.ok(&["training", "cleanup", directory.to_str().unwrap(), "--keep", "2", "--dry-run"]);
    assert!(text.ends_with("Would delete 1 old snapshot files"), "{text}");
    let text = sandbox.ok(&["training", "cleanup", directory.to_str().unwrap(), "--keep", "2"]);
    assert!(text.ends_with("✓ Deleted 1 old snapshot files"), "{text}");
    assert!(fs::exists(path("damaged.h5")).unwrap(), "what is no valid snapshot is left alone");
    assert_eq!(
        sandbox.ok(&["training", "cleanup", directory.to_str().unwrap(), "--keep", "2"]),
        "No old files to delete"
    );
}

#[test]
fn bad_input_is_refused_with_a_reason() {
    let sandbox = Sandbox::new();
    for (arguments, code, said) in [
        (vec!["run", "x", "--set", "learning_rate=-5"], 2, "must be above 0 and at most 10"),
        (vec!["run", "x", "--set", "learning_rate=NaN"], 2, "must be a number"),
        (vec!["run", "x", "--set", "nothing=1"], 2, "is not a parameter"),
        (vec!["run", "x", "--set", "rate"], 2, "NAME=VALUE"),
        (vec!["run", "../x", "--epochs", "1"], 2, "letters, digits"),
        (vec!["run", "x", "--data", "missing.csv"], 1, "cannot read"),
        (vec!["run", "x", "--data-params", "{\"points\": 3}"], 2, "points"),
        (vec!["run", "x", "--every", "0"], 2, "0 is not in"),
        (vec!["run", "x", "--resume"], 1, "Run `x` not found"),
        (vec!["verify", "nothing"], 1, "not found"),
        (vec!["list", "--server", "http://127.0.0.1:1"], 2, "not over --server"),
    ] {
        let all: Vec<&str> = ["training"].into_iter().chain(arguments).collect();
        let ran = sandbox.run(&all);
        assert!(ran.code == code && ran.stderr.contains(said), "{all:?} {}: {}", ran.code, ran.stderr);
    }
    let list = sandbox.json(&["training", "list"]);
    assert_eq!(list["runs"].as_array().unwrap().len(), 0, "nothing was left behind");
}

#[test]
fn data_from_a_file_are_learned_and_kept() {
    let sandbox = Sandbox::new();
    let rows = (0..80).map(|i| {
        let x = f64::from(i) / 80.0;
        format!("{x},{},{}\n", (x * 9.0).sin(), u8::from(x > 0.5))
    });
    sandbox.write("samples.csv", rows.collect::<String>());
    sandbox.ok(&["training", "run", "table", "--data", "samples.csv", "--epochs", "40"]);
    fs::remove_file(sandbox.root().join("samples.csv")).unwrap();
    let report = go_on(&sandbox, "table", 80, &[]);
    assert_eq!(report["epoch"], 80);
}
