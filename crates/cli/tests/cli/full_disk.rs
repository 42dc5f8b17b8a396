//! A full disk: a clear error, exit code 1, nothing damaged.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

/// A small file system in memory, unmounted when dropped.
struct SmallDisk {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl SmallDisk {
    /// `None` when this process may not mount.
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&path)
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("skipped: a small file system cannot be mounted here (it takes root)");
            return None;
        }
        Some(Self { _directory: directory, path })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    use backstay_model::{Rng, SeededRng};
    let mut bytes = vec![0; length];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
}

#[test]
fn a_full_disk_is_a_clear_error_and_damages_nothing() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let sandbox = Sandbox::below(disk.path());
    sandbox.write("a", noise(1, 2 << 20));
    let first = sandbox.save();
    sandbox.write("b", noise(2, 12 << 20));
    let error = sandbox.run(&["save", "--json"]).expect(1);
    assert!(error.stderr.contains("error:") && error.stderr.contains("hint:"), "{}", error.stderr);
    assert_eq!(error.json()["code"], "storage_full");

    std::fs::remove_file(sandbox.root().join("b")).unwrap();
    sandbox.ok(&["verify", &first, "--data", "full"]);
    sandbox.write("a", "short");
    sandbox.ok(&["restore", &first]);
    assert_eq!(std::fs::read(sandbox.root().join("a")).unwrap(), noise(1, 2 << 20));
}

#[test]
fn a_restore_that_does_not_fit_changes_nothing() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let sandbox = Sandbox::below(disk.path());
    sandbox.write("a", noise(1, 6 << 20));
    let first = sandbox.save();
    std::fs::remove_file(sandbox.root().join("a")).unwrap();
    sandbox.write("other", "edited");
    // What is left of the disk is filled, so that staging fails.
    sandbox.write(".backstayignore", "filler\n");
    let mut filler = 16 << 20;
    while std::fs::write(sandbox.root().join("filler"), vec![0; filler]).is_err() {
        filler -= 1 << 20;
    }
    let error = sandbox.run(&["restore", &first]).expect(1);
    assert!(error.stderr.contains("space") || error.stderr.contains("full"), "{}", error.stderr);
    assert_eq!(sandbox.read("other"), "edited");
    assert!(!sandbox.root().join("a").exists());
    std::fs::remove_file(sandbox.root().join("filler")).unwrap();
    sandbox.ok(&["verify", &first, "--data", "full"]);
}
