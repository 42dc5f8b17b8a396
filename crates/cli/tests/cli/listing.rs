//! Lists, names of snapshots and their contents.

use crate::sandbox::Sandbox;

fn three() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    let ids = ["1", "2", "3"]
        .map(|content| {
            sandbox.write("a", content);
            sandbox.save()
        })
        .to_vec();
    (sandbox, ids)
}

#[test]
fn the_newest_comes_first_and_the_total_is_true() {
    let (sandbox, ids) = three();
    let page = sandbox.json(&["list", "--limit", "1", "--offset", "1"]);
    assert_eq!((&page["total"], &page["snapshots"][0]["id"]), (&3.into(), &ids[1].as_str().into()), "{page}");
    let text = sandbox.ok(&["list"]);
    let order: Vec<_> = text.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(order, [ids[2].as_str(), ids[1].as_str(), ids[0].as_str()]);
}

#[test]
fn a_snapshot_is_named_by_age_and_by_a_unique_beginning() {
    let (sandbox, ids) = three();
    assert_eq!(sandbox.ok(&["show", "latest", "a"]), "3");
    assert_eq!(sandbox.ok(&["show", "latest~2", "a"]), "1");
    assert_eq!(sandbox.ok(&["show", &ids[1][..ids[1].len() - 1], "a"]), "2");
    let ambiguous = sandbox.run(&["show", "snapshot-"]);
    assert!(ambiguous.code == 1 || ambiguous.code == 2, "{ambiguous:?}");
    assert!(ambiguous.stderr.contains(&ids[0]), "names the candidates: {}", ambiguous.stderr);
    sandbox.run(&["show", "latest~3"]).expect(1);
}

#[test]
fn undo_points_are_listed_only_on_request_and_are_not_the_latest() {
    let (sandbox, ids) = three();
    sandbox.write("a", "4");
    sandbox.ok(&["restore", "latest~2"]);
    assert_eq!(sandbox.json(&["list"])["total"], 3);
    let all = sandbox.json(&["list", "--all"]);
    assert_eq!((&all["total"], &all["snapshots"][0]["trigger"]), (&4.into(), &"safety".into()), "{all}");
    assert_eq!(sandbox.json(&["show", "latest"])["id"], ids[2].as_str());
}

#[test]
fn a_directory_shows_its_entries_and_a_file_its_bytes() {
    let sandbox = Sandbox::new();
    sandbox.write("src/main.rs", "fn main() {}\n");
    sandbox.write("src/deep/x", [0, 255, 1]);
    sandbox.save();
    let entries = sandbox.json(&["show", "latest", "src"]);
    let paths: Vec<_> =
        entries["entries"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["src/deep", "src/main.rs"]);
    assert_eq!(sandbox.ok(&["show", "latest", "src/main.rs"]), "fn main() {}");
    assert_eq!(sandbox.json(&["show", "latest", "src/main.rs"])["content"], "fn main() {}\n");
    assert_eq!(sandbox.json(&["show", "latest", "src/deep/x"])["content_b64"], "AP8B");
    sandbox.run(&["show", "latest", "src/none"]).expect(1);
}

#[test]
fn a_command_below_the_root_finds_the_workspace() {
    let sandbox = Sandbox::new();
    sandbox.write("src/deep/x", "1");
    sandbox.write("y", "1");
    sandbox.save();
    sandbox.write("src/deep/x", "2");
    sandbox.write("y", "2");
    let mut command = sandbox.command(&["restore", "latest", "x"]);
    command.current_dir(sandbox.root().join("src/deep"));
    crate::sandbox::Ran::of(&mut command).expect(0);
    assert_eq!((sandbox.read("src/deep/x").as_str(), sandbox.read("y").as_str()), ("1", "2"));
    assert!(!sandbox.root().join("src/deep/.backstay").exists());
}

#[test]
fn what_is_ignored_is_left_out_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write(".backstayignore", "*.log\n");
    sandbox.write("a.log", "1");
    sandbox.write("a.txt", "1");
    sandbox.ok(&["save", "--exclude", "skip-me"]);
    let files = sandbox.ok(&["show", "latest", "--files"]);
    assert!(files.contains("a.txt") && !files.contains("a.log"), "{files}");
    sandbox.write("a.log", "2");
    sandbox.write("a.txt", "2");
    sandbox.ok(&["restore", "latest"]);
    assert_eq!((sandbox.read("a.log").as_str(), sandbox.read("a.txt").as_str()), ("2", "1"));
}

#[test]
fn several_workspaces_are_saved_as_one() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        std::fs::create_dir(sandbox.beside(name)).unwrap();
        std::fs::write(sandbox.beside(name).join("f"), name).unwrap();
    }
    let (one, two) = (sandbox.beside("one"), sandbox.beside("two"));
    let saved = sandbox.json(&["group", "save", "nightly", one.to_str().unwrap(), two.to_str().unwrap()]);
    let snapshots = saved["snapshots"].as_array().unwrap();
    assert_eq!(snapshots.len(), 2, "{saved}");
    assert!(snapshots.iter().all(|snapshot| snapshot["state"] == "ready"), "{saved}");
    assert_eq!(snapshots[0]["group_id"], snapshots[1]["group_id"]);
}
