//! A small file system that can be full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    directory: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `size` (for example `24m`) on `directory`, which exists and is empty; `None` when this process may not mount.
    pub fn mount(directory: &Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(directory)
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("skipped: a small file system cannot be mounted here (it takes root)");
            return None;
        }
        Some(Self { directory: directory.to_owned() })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Takes all the space that is left, until the returned file is removed.
    ///
    /// # Panics
    /// When the file cannot be created.
    pub fn fill(&self) -> PathBuf {
        let path = self.directory.join("filler");
        let mut file = File::create(&path).expect("there is place for an empty file");
        for piece in [vec![0; 1 << 20], vec![0; 4096], vec![0; 1]] {
            while file.write_all(&piece).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.directory).status();
    }
}
