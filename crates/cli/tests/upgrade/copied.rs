//! Upgrades on file systems that allow no copy-on-write view: commands run in a copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scene::{Scene, Version};

/// A directory whose file system cannot hold the upper directory of an overlay, because it is an overlay itself.
struct NoView {
    place: tempfile::TempDir,
}

impl NoView {
    /// `None` where nothing can be mounted.
    fn mount() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        for name in ["lower", "upper", "work", "merged"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let path = |name: &str| place.path().join(name).display().to_string();
        let options =
            format!("lowerdir={},upperdir={},workdir={}", path("lower"), path("upper"), path("work"));
        let mounted = Command::new("mount")
            .args(["-t", "overlay", "overlay", "-o", &options, &path("merged")])
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { place });
        }
        eprintln!("skipped: an overlay cannot be mounted here (it takes root)");
        None
    }

    fn directory(&self) -> PathBuf {
        self.place.path().join("merged")
    }
}

impl Drop for NoView {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.directory()).status();
    }
}

fn scene(at: &Path, migration: &str, verify: Option<&str>) -> Scene {
    Scene::below(
        at,
        &[
            Version { tag: "v1", migration: None, verify: None },
            Version { tag: "v2", migration: Some(migration), verify },
        ],
    )
}

/// So that a test of the copy tests a copy.
const IS_COPY: &str = "case \"$CONSUMER_ROOT\" in */.backstay/stage/*) ;; *) echo no copy; exit 9;; esac; ";

#[test]
fn a_copy_is_applied_or_dropped_like_a_view() {
    let Some(place) = NoView::mount() else { return };
    let change =
        format!("{IS_COPY}echo new > made; rm -r data; chmod 600 tool; cat \"$DEP_ROOT/current.txt\" > at");
    let good = scene(&place.directory(), &change, None);
    good.upgrade(&["kb", "--to", "v2"], 0);
    good.assert_at("v2");
    assert_eq!((good.read("made"), good.read("at")), ("new\n".to_owned(), "v2".to_owned()));
    assert!(!good.root().join("data").exists());

    let bad = scene(&place.directory(), &change, Some("exit 1"));
    let before = bad.picture();
    let report = bad.upgrade(&["kb", "--to", "v2", "--keep-failed"], 1);
    assert_eq!(report["rollback"]["complete"], true, "{report}");
    before.assert_same(&bad.picture(), "after a failed check in a copy");
    bad.assert_at("v1");
    let to = bad.beside("failed");
    bad.run(&["restore", report["failed_snapshot_id"].as_str().unwrap(), "--to", to.to_str().unwrap()])
        .expect(0);
    assert_eq!(fs::read(to.join("made")).unwrap(), b"new\n");
}

#[test]
fn a_script_that_writes_past_its_copy_is_told_and_nothing_is_claimed() {
    let Some(place) = NoView::mount() else { return };
    let change = format!("{IS_COPY}echo past > \"$PAST/README\"; rm \"$PAST/data/a\"; exit 1");
    let scene = scene(&place.directory(), &change, None);
    let run = |arguments: &[&str]| {
        let output = scene.command(arguments).env("PAST", scene.root()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = run(&["upgrade", "kb", "--to", "v2"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Rollback is incomplete:"), "{said}");
    assert!(said.contains("README: ") && said.contains("data/a: "), "{said}");
    assert!(!said.contains("All changes have been rolled back"), "{said}");
    assert!(!said.contains("Lock file remains unchanged"), "{said}");
    // The snapshot that is named has them.
    let id = said.lines().find_map(|line| line.strip_prefix("Snapshot: ")).unwrap();
    scene.run(&["restore", id]).expect(0);
    assert_eq!((scene.read("README").as_str(), scene.read("data/a").as_str()), ("read me\n", "a\n"));
    scene.assert_at("v1");
}
