//! Migrations that misbehave.

use std::fs;
use std::process::Command;

use crate::scene::{Scene, Version, wait_until};

#[test]
fn a_deleted_lock_is_written_all_the_same() {
    let scene = Scene::of("rm graft.lock; echo 1 > one", None);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    scene.assert_at("v2");
}

#[test]
fn an_edit_of_the_declarations_is_kept_with_the_new_ref_and_staged() {
    let scene = Scene::of("echo '# by the migration' >> graft.yaml", None);
    let staged = || scene.git(&scene.root(), &["diff", "--cached", "--name-only"]);
    let unstaged = || scene.git(&scene.root(), &["diff", "--name-only"]);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    scene.assert_at("v2");
    assert!(scene.read("graft.yaml").contains("# by the migration"));
    assert_eq!((staged().as_str(), unstaged().as_str()), (".graft/kb\ngraft.lock\ngraft.yaml", ""));
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v1");
    assert_eq!((staged().as_str(), unstaged().as_str()), ("", ""));
    scene.run(&["undo"]).expect(0);
    assert!(scene.read("graft.yaml").contains("# by the migration"));
    assert_eq!((staged().as_str(), unstaged().as_str()), (".graft/kb\ngraft.lock\ngraft.yaml", ""));
}

#[test]
fn backstays_own_directory_is_out_of_reach() {
    let scene = Scene::of("rm -rf .backstay 2>/dev/null; echo x > .backstay/lock 2>/dev/null; true", None);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    scene.assert_at("v2");
    scene.run(&["verify", "--all"]).expect(0);
}

#[test]
fn a_background_child_ends_with_its_migration() {
    let scene = Scene::of("(setsid sleep 4242 >/dev/null 2>&1 &) ; echo 1 > one", None);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    wait_until("the child has ended", || running("sleep 4242").is_empty());
    scene.assert_at("v2");
}

pub(crate) fn running(command: &str) -> Vec<String> {
    let wanted: Vec<&str> = command.split(' ').collect();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        if let Ok(line) = fs::read(entry.path().join("cmdline")) {
            let words: Vec<String> = line
                .split(|byte| *byte == 0)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .filter(|word| !word.is_empty())
                .collect();
            if words == wanted {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    found
}

#[test]
fn a_flood_of_output_is_drained_and_bounded() {
    let scene = Scene::of("head -c 100000000 /dev/zero | tr '\\0' 'x'; echo 1 > one", None);
    let ran = scene.run(&["upgrade", "kb", "--to", "v2", "--quiet"]).expect(0);
    assert!(ran.stderr.len() < 1000);
    let runs = scene.root().join(".backstay/runs");
    let kept: u64 = fs::read_dir(runs).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!((1_000_000..14_000_000).contains(&kept), "{kept} bytes are kept");
    scene.assert_at("v2");
}

#[test]
fn git_commits_of_a_migration_stay_in_its_copy() {
    let scene = Scene::of(
        "git -c user.name=m -c user.email=m@example.org commit --quiet --allow-empty -m sneaky; echo 1 > one",
        None,
    );
    let head = scene.git(&scene.root(), &["rev-parse", "HEAD"]);
    let report = scene.upgrade(&["kb", "--to", "v2"], 0);
    assert_eq!(scene.git(&scene.root(), &["rev-parse", "HEAD"]), head);
    assert!(report["not_restored"].to_string().contains("git"), "{report}");
    scene.assert_at("v2");
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
        .arg(directory.path())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: a small file system cannot be mounted here (it takes root)");
        return;
    }
    let scene = Scene::below(
        directory.path(),
        &[
            Version { tag: "v1", migration: None, verify: None },
            Version {
                tag: "v2",
                migration: Some("echo 1 > one && head -c 200000000 /dev/zero > filler"),
                verify: None,
            },
        ],
    );
    let (before, pins) = (scene.picture(), scene.pins());
    let report = scene.upgrade(&["kb", "--to", "v2"], 1);
    assert_eq!(report["rollback"]["complete"], true, "{report}");
    before.assert_same(&scene.picture(), "after a full disk");
    assert_eq!(scene.pins(), pins);
    scene.assert_at("v1");
    drop(scene);
    assert!(Command::new("umount").arg("-l").arg(directory.path()).status().unwrap().success());
}

#[test]
fn a_working_directory_that_leads_out_is_refused_before_the_command_runs() {
    for (name, link) in [("out", ".."), ("etc", "/etc")] {
        let scene = Scene::of("pwd > here", None);
        std::os::unix::fs::symlink(link, scene.root().join(name)).unwrap();
        let source = scene.beside("kb");
        let text = fs::read_to_string(source.join("graft.yaml")).unwrap();
        let text = text.replace(
            "    run: \"pwd > here\"\n",
            &format!("    run: \"pwd > here\"\n    working_dir: {name}\n"),
        );
        assert!(text.contains("working_dir"), "{text}");
        fs::write(source.join("graft.yaml"), text).unwrap();
        scene.git(&source, &["commit", "--quiet", "--all", "-m", "elsewhere"]);
        scene.git(&source, &["tag", "--force", "-a", "-m", "v2", "v2"]);
        let before = scene.picture();
        let report = scene.upgrade(&["kb", "--to", "v2"], 1);
        assert!(report["error"].as_str().unwrap().contains("lies outside of its root"), "{report}");
        assert_eq!(report["steps"].as_array().unwrap().len(), 0);
        assert!(!scene.beside("here").exists());
        before.assert_same(&scene.picture(), name);
    }
}
