//! What a day of work does to the generated workspace.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use backstay_model::SeededRng;

use super::generate::{below, text};

/// Edits, adds, deletes, moves and chmods files below `root`; `round` makes each time different.
pub(crate) fn change(root: &Path, round: u64) -> io::Result<()> {
    let rng = SeededRng::new(1000 + round);
    let files = small_files(&root.join("src"))?;
    let some = files.len() as u32 / 50 + 1;
    for _ in 0..some {
        fs::write(&files[below(&rng, files.len() as u32) as usize], text(&rng, 60))?;
    }
    let fresh = root.join(format!("src/added-in-round-{round}"));
    fs::create_dir_all(&fresh)?;
    for number in 0..some {
        fs::write(fresh.join(format!("new{number}.txt")), text(&rng, 40))?;
    }
    for path in files.iter().skip(round as usize).step_by(101) {
        fs::remove_file(path)?;
    }
    if let Some(path) = files.get(round as usize + 1).filter(|path| path.exists()) {
        fs::rename(path, path.with_extension(format!("renamed{round}")))?;
    }
    if let Some(path) = files.iter().rev().find(|path| path.exists()) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600 | (round as u32 & 0o7) << 3))?;
    }
    // A large file changes in its middle only.
    let large = OpenOptions::new().write(true).open(root.join("data/picture.raw"))?;
    let middle = large.metadata()?.len() / 2;
    large.write_all_at(format!("round {round}").as_bytes(), middle)
}

/// Every file below `directory`, sorted.
fn small_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_changes_something_else() {
        let scratch = tempfile::tempdir().unwrap();
        super::super::generate(scratch.path(), 120).unwrap();
        let before = small_files(&scratch.path().join("src")).unwrap();
        change(scratch.path(), 1).unwrap();
        let after = small_files(&scratch.path().join("src")).unwrap();
        assert_ne!(before, after);
        change(scratch.path(), 2).unwrap();
        assert_ne!(after, small_files(&scratch.path().join("src")).unwrap());
    }
}
