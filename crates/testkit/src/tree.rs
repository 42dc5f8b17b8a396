//! Directory trees with everything that a workspace can hold, and random changes to them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

/// What [`generate`] makes.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// Regular files beside the special ones.
    pub files: usize,
    /// The largest of them, in bytes; most are much smaller.
    pub largest_bytes: usize,
    /// Links, empty directories, a sparse file, extended attributes, names that are no text.
    pub special: bool,
    /// A FIFO, which a capture notes and does not keep.
    pub fifo: bool,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { files: 60, largest_bytes: 200_000, special: true, fifo: false }
    }
}

/// Writes a tree into the existing directory `root`; the same seed gives the same tree.
pub fn generate(root: &Path, seed: u64, options: &TreeOptions) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut folders = vec![root.to_owned()];
    for number in 0..=options.files / 6 {
        let folder = folders[rng.random_range(0..folders.len())].join(format!("folder {number}"));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        folders.push(folder);
    }
    for number in 0..options.files {
        let path = folders[rng.random_range(0..folders.len())].join(format!("file-{number}.txt"));
        let size = size(&mut rng, options.largest_bytes);
        fs::write(&path, content(&mut rng, size))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mode = [0o644, 0o644, 0o600, 0o755, 0o444][rng.random_range(0..5)];
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        set_mtime(&path, &mut rng)?;
    }
    if options.special {
        special(root, &folders, &mut rng)?;
    }
    if options.fifo {
        rustix::fs::mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    }
    // Last, and from the inside out: making an entry sets the time of its directory.
    for folder in folders.iter().skip(1).rev() {
        set_mtime(folder, &mut rng)?;
    }
    Ok(())
}

fn special(root: &Path, folders: &[PathBuf], rng: &mut StdRng) -> Result<()> {
    fs::create_dir(root.join("empty"))?;
    symlink("folder 0", root.join("link to a folder"))?;
    symlink("nowhere/at all", root.join("dangling"))?;
    let first = root.join("one of two names");
    fs::write(&first, content(rng, 5000))?;
    fs::hard_link(&first, folders[folders.len() / 2].join("the other name"))?;
    fs::write(root.join(OsStr::from_bytes(b"not text \xff\xfe")), b"named by bytes")?;
    fs::write(root.join("line one\nline two"), b"named by two lines")?;
    fs::write(root.join("n".repeat(255)), b"a long name")?;
    let sparse = File::create(root.join("sparse.img"))?;
    sparse.set_len(8 << 20)?;
    sparse.write_all_at(&content(rng, 8192), 1 << 20)?;
    sparse.write_all_at(&content(rng, 4096), 6 << 20)?;
    match rustix::fs::setxattr(&first, "user.origin", b"testkit", XattrFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error).context("cannot set an extended attribute"),
    }
}

/// Changes the tree below `root` in `count` random ways: edits in place and by rename, additions, removals, renames,
/// permissions, and a file in the place of a directory. The top-level entry `.backstay` is left alone.
pub fn change(root: &Path, rng: &mut StdRng, count: usize) -> Result<()> {
    for _ in 0..count {
        let files = files(root)?;
        let Some(path) = (!files.is_empty()).then(|| files[rng.random_range(0..files.len())].clone()) else {
            fs::write(root.join("a new start"), content(rng, 100))?;
            continue;
        };
        let beside = path.with_file_name(format!("new-{:08x}", rng.next_u32()));
        change_one(&path, &beside, rng).with_context(|| format!("cannot change {}", path.display()))?;
    }
    Ok(())
}

fn change_one(path: &Path, beside: &Path, rng: &mut StdRng) -> Result<()> {
    match rng.random_range(0..9) {
        0 | 1 => {
            let file = File::options().write(true).open(path)?;
            let at = rng.random_range(0..=file.metadata()?.len());
            file.write_all_at(&content(rng, 50), at)?;
        }
        2 | 3 => {
            let size = size(rng, 100_000);
            fs::write(beside, content(rng, size))?;
            fs::rename(beside, path)?;
        }
        4 => {
            let size = size(rng, 100_000);
            fs::write(beside, content(rng, size))?;
        }
        5 => fs::remove_file(path)?,
        6 => fs::rename(path, beside)?,
        7 => fs::set_permissions(
            path,
            fs::Permissions::from_mode([0o644, 0o600, 0o700][rng.random_range(0..3)]),
        )?,
        _ => {
            fs::remove_file(path)?;
            fs::create_dir(path)?;
            fs::write(path.join("inside"), content(rng, 300))?;
        }
    }
    Ok(())
}

/// Lists the regular files below `root`, sorted, without those in the top-level entry `.backstay`.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && !(folder == root && entry.file_name() == ".backstay") {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Most files are small, a few are large, some are empty.
fn size(rng: &mut StdRng, largest: usize) -> usize {
    let share: f64 = rng.random_range(0.0..1.0);
    (largest as f64 * share.powi(8)) as usize + if share < 0.05 { 0 } else { rng.random_range(0..3000) }
}

/// Text that compresses, or bytes that do not.
fn content(rng: &mut StdRng, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    if rng.random_bool(0.3) {
        rng.fill_bytes(&mut bytes);
    } else {
        let words = [&b"snapshot "[..], b"restore ", b"chunk ", b"pack ", b"tree ", b"\n"];
        bytes.clear();
        while bytes.len() < size {
            bytes.extend_from_slice(words[rng.random_range(0..words.len())]);
            if rng.random_bool(0.1) {
                bytes.extend_from_slice(rng.next_u32().to_string().as_bytes());
            }
        }
        bytes.truncate(size);
    }
    bytes
}

/// Sets a modification time between 2001 and 2033, to the nanosecond.
fn set_mtime(path: &Path, rng: &mut StdRng) -> Result<()> {
    let since =
        Duration::new(rng.random_range(1_000_000_000..2_000_000_000), rng.random_range(0..1_000_000_000));
    let time = Timespec { tv_sec: since.as_secs() as i64, tv_nsec: i64::from(since.subsec_nanos()) };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .with_context(|| format!("cannot set the time of {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Picture;

    #[test]
    fn the_same_seed_gives_the_same_tree() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let options = TreeOptions { special: false, ..TreeOptions::default() };
        generate(one.path(), 5, &options).unwrap();
        generate(two.path(), 5, &options).unwrap();
        let picture = Picture::of(one.path(), &[]).unwrap();
        assert!(picture.len() > options.files);
        picture.assert_same(&Picture::of(two.path(), &[]).unwrap(), "seed 5");
    }

    #[test]
    fn changes_are_changes() {
        let home = tempfile::tempdir().unwrap();
        generate(home.path(), 6, &TreeOptions::default()).unwrap();
        let mut rng = StdRng::seed_from_u64(6);
        for round in 0..20 {
            let before = Picture::of(home.path(), &[]).unwrap();
            change(home.path(), &mut rng, 4).unwrap();
            let found = before.differences(&Picture::of(home.path(), &[]).unwrap());
            assert!(!found.is_empty(), "round {round}");
        }
    }
}
