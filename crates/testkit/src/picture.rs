//! A tree as it was: everything a restore has to bring back.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::SeekFrom;

/// What one path was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    kind: Kind,
    /// The twelve permission bits.
    mode: u32,
    uid: u32,
    gid: u32,
    mtime_ns: i128,
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The first path, in order, of the same file; `None` when it has one name only.
    linked_to: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    File { size: u64, hash: [u8; 32], holes: Vec<(u64, u64)> },
    Directory,
    Symlink { target: PathBuf },
    Fifo,
    Other,
}

/// The state of a directory tree, kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    items: BTreeMap<PathBuf, Item>,
}

impl Picture {
    /// Reads the tree below `root`, without `root` itself and without the named top-level entries.
    pub fn of(root: &Path, without: &[&str]) -> Result<Self> {
        let mut picture = Self::default();
        let mut first_names = HashMap::new();
        picture.add(root, Path::new(""), without, &mut first_names)?;
        Ok(picture)
    }

    /// Returns how many entries the tree has.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether the tree is empty.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn add(
        &mut self,
        root: &Path,
        relative: &Path,
        without: &[&str],
        first_names: &mut HashMap<(u64, u64), PathBuf>,
    ) -> Result<()> {
        let folder = root.join(relative);
        let mut names = fs::read_dir(&folder)
            .and_then(|entries| {
                entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<Vec<_>, _>>()
            })
            .with_context(|| format!("cannot list {}", folder.display()))?;
        names.sort();
        for name in names {
            if without.iter().any(|without| name == *without) {
                continue;
            }
            let path = relative.join(&name);
            let absolute = root.join(&path);
            let metadata = absolute
                .symlink_metadata()
                .with_context(|| format!("cannot look at {}", absolute.display()))?;
            let linked_to = if metadata.nlink() > 1 && !metadata.is_dir() {
                Some(
                    first_names
                        .entry((metadata.dev(), metadata.ino()))
                        .or_insert_with(|| path.clone())
                        .clone(),
                )
            } else {
                None
            };
            let item = Item {
                kind: kind(&absolute, &metadata)?,
                mode: metadata.mode() & 0o7777,
                uid: metadata.uid(),
                gid: metadata.gid(),
                mtime_ns: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
                xattrs: xattrs(&absolute)?,
                linked_to,
            };
            self.items.insert(path.clone(), item);
            if metadata.is_dir() {
                self.add(root, &path, &[], first_names)?;
            }
        }
        Ok(())
    }

    /// Lists what `restored` has otherwise than this tree, one sentence per finding; empty means the same.
    ///
    /// More holes than before are no difference, fewer are. FIFOs, sockets and devices are not captured: where this
    /// tree has one, `restored` may have nothing.
    pub fn differences(&self, restored: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (path, item) in &self.items {
            match restored.items.get(path) {
                None if matches!(item.kind, Kind::Fifo | Kind::Other) => {}
                None => found.push(format!("{}: is missing", path.display())),
                Some(other) => compare(path, item, other, &mut found),
            }
        }
        for path in restored.items.keys().filter(|path| !self.items.contains_key(*path)) {
            found.push(format!("{}: should not be there", path.display()));
        }
        found
    }

    /// Asserts that `restored` is the same tree.
    ///
    /// # Panics
    /// When it is not, with the first twenty differences and `context`.
    #[track_caller]
    pub fn assert_same(&self, restored: &Self, context: &str) {
        let found = self.differences(restored);
        assert!(
            found.is_empty(),
            "{context}: {} differences\n{}",
            found.len(),
            found[..found.len().min(20)].join("\n")
        );
    }
}

fn compare(path: &Path, item: &Item, other: &Item, found: &mut Vec<String>) {
    let path = path.display();
    let mut differs = |what: &str, before: &dyn std::fmt::Debug, after: &dyn std::fmt::Debug| {
        found.push(format!("{path}: {what} was {before:?}, is {after:?}"));
    };
    match (&item.kind, &other.kind) {
        (
            Kind::File { size, hash, holes },
            Kind::File { size: new_size, hash: new_hash, holes: new_holes },
        ) => {
            if size != new_size {
                differs("size", size, new_size);
            } else if hash != new_hash {
                differs("content", &"one", &"another");
            }
            if let Some(hole) = holes.iter().find(|(start, end)| !covered(*start, *end, new_holes)) {
                differs("hole", hole, &"data");
            }
        }
        (before, after) if before != after => differs("kind", before, after),
        _ => {}
    }
    if !matches!(item.kind, Kind::Symlink { .. }) && item.mode != other.mode {
        differs("mode", &format_args!("{:04o}", item.mode), &format_args!("{:04o}", other.mode));
    }
    if item.mtime_ns != other.mtime_ns {
        differs("mtime", &item.mtime_ns, &other.mtime_ns);
    }
    if (item.uid, item.gid) != (other.uid, other.gid) {
        differs("owner", &(item.uid, item.gid), &(other.uid, other.gid));
    }
    if item.xattrs != other.xattrs {
        differs("xattrs", &item.xattrs, &other.xattrs);
    }
    if item.linked_to != other.linked_to {
        differs("hard link", &item.linked_to, &other.linked_to);
    }
}

fn covered(start: u64, end: u64, holes: &[(u64, u64)]) -> bool {
    holes.iter().any(|(hole_start, hole_end)| *hole_start <= start && end <= *hole_end)
}

fn kind(path: &Path, metadata: &Metadata) -> Result<Kind> {
    let kind = metadata.file_type();
    Ok(if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink {
            target: fs::read_link(path).with_context(|| format!("cannot read {}", path.display()))?,
        }
    } else if kind.is_fifo() {
        Kind::Fifo
    } else if kind.is_file() {
        content(path, metadata.len()).with_context(|| format!("cannot read {}", path.display()))?
    } else {
        Kind::Other
    })
}

fn content(path: &Path, size: u64) -> Result<Kind> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    let mut holes = Vec::new();
    let mut at = 0;
    while at < size {
        let Ok(hole) = rustix::fs::seek(&file, SeekFrom::Hole(at)) else { break };
        if hole >= size {
            break;
        }
        at = rustix::fs::seek(&file, SeekFrom::Data(hole)).unwrap_or(size);
        holes.push((hole, at));
    }
    Ok(Kind::File { size, hash: *hasher.finalize().as_bytes(), holes })
}

fn xattrs(path: &Path) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut names = vec![0; 1 << 16];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot list the xattrs of {}", path.display()));
        }
    };
    let mut found = BTreeMap::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, std::ffi::OsStr::from_bytes(name), &mut value[..])
            .with_context(|| format!("cannot read an xattr of {}", path.display()))?;
        value.truncate(length);
        found.insert(name.to_vec(), value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{self, TreeOptions};
    use std::os::unix::fs::PermissionsExt;

    fn changed_by(change: impl FnOnce(&Path)) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        tree::generate(home.path(), 1, &TreeOptions::default()).unwrap();
        let before = Picture::of(home.path(), &[]).unwrap();
        assert!(before.differences(&Picture::of(home.path(), &[]).unwrap()).is_empty());
        change(home.path());
        before.differences(&Picture::of(home.path(), &[]).unwrap())
    }

    fn some_file(root: &Path) -> PathBuf {
        tree::files(root).unwrap().into_iter().find(|path| fs::metadata(path).unwrap().len() > 10).unwrap()
    }

    #[test]
    fn notices_one_changed_byte_with_an_unchanged_time() {
        let found = changed_by(|root| {
            let path = some_file(root);
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            let mut bytes = fs::read(&path).unwrap();
            bytes[3] ^= 1;
            fs::write(&path, bytes).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        });
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("content"), "{found:?}");
    }

    #[test]
    fn notices_a_mode_a_time_and_a_missing_file() {
        let found = changed_by(|root| {
            let path = some_file(root);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            File::open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
            let victim = tree::files(root).unwrap().into_iter().find(|other| *other != path).unwrap();
            fs::remove_file(victim).unwrap();
        });
        for word in ["mode", "mtime", "missing"] {
            assert!(found.iter().any(|line| line.contains(word)), "{word}: {found:?}");
        }
    }

    #[test]
    fn notices_a_filled_hole() {
        let found = changed_by(|root| {
            let path = root.join("sparse.img");
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, bytes).unwrap();
        });
        assert!(found.iter().any(|line| line.contains("hole")), "{found:?}");
    }
}
