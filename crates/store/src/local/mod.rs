//! A store in a local directory.

mod disk;
mod os_disk;
mod temporary;
mod writer;

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::error::{StoreError, StoreErrorKind};
use crate::name::ObjectName;
use crate::prefix;
use crate::store::{ObjectMeta, ObjectWriter, PutOutcome, Store};
pub(crate) use disk::Disk;
#[cfg(feature = "testing")]
pub(crate) use disk::{DirectoryEntry, DiskFile, FileStat};
use os_disk::OsDisk;
use writer::LocalWriter;

/// Where objects are written before they get their name; no object name has a dot.
pub(crate) const TEMPORARY: &str = ".tmp";

/// A store in a local directory: the object `packs/ab12` is the file `packs/ab12` in it.
///
/// An object is written to a file in `.tmp`, synced, renamed to its name, and the directory is synced; so it is there
/// whole or not at all, and stays when the write has returned, also after a power cut. A new directory is synced into
/// its parent before anything in it counts as written. Files and directories are for their owner alone.
///
/// The directory may be on a network file system when that has atomic `rename` and `link`.
#[derive(Debug, Clone)]
pub struct LocalStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    location: String,
    /// Directories of which this process knows that their names are durable.
    durable_directories: Mutex<HashSet<String>>,
}

impl LocalStore {
    /// A store in the directory `root`. Touches nothing; the directory is created when the first object is written,
    /// and a missing one is an empty store.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StoreError> {
        let root = root.as_ref();
        let absolute = std::path::absolute(root).map_err(|source| {
            StoreError::from_io("open", "the directory", &root.to_string_lossy(), source)
        })?;
        let location = absolute.to_string_lossy().into_owned();
        Ok(Self::on_disk(Arc::new(OsDisk::new(absolute)), location))
    }

    /// A store on any disk.
    pub(crate) fn on_disk(disk: Arc<dyn Disk>, location: String) -> Self {
        Self { shared: Arc::new(Shared { disk, location, durable_directories: Mutex::default() }) }
    }

    fn failed(&self, operation: &'static str, name: &ObjectName, source: io::Error) -> StoreError {
        self.shared.failed(operation, name.as_str(), source)
    }
}

impl Shared {
    fn failed(&self, operation: &'static str, subject: &str, source: io::Error) -> StoreError {
        StoreError::from_io(operation, subject, &self.location, source)
    }

    /// Creates the directory and those above it where they are missing, and makes their names durable. Another process
    /// may have created one a moment ago without having synced it, so existing ones are synced once, too.
    fn ensure_directory(&self, path: &str) -> io::Result<()> {
        if self.durable_directories.lock().contains(path) {
            return Ok(());
        }
        if let Some(parent) = parent(path) {
            self.ensure_directory(parent)?;
        }
        match self.disk.create_directory(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => outcome?,
        }
        if let Some(parent) = parent(path) {
            self.disk.sync_directory(parent)?;
        }
        self.durable_directories.lock().insert(path.to_owned());
        Ok(())
    }

    /// Forgets which directories exist: someone has removed one.
    fn forget_directories(&self) {
        self.durable_directories.lock().clear();
    }

    /// Visits every object under the directory `path`; returns whether to go on.
    fn walk(&self, path: &str, visit: &mut dyn FnMut(ObjectMeta) -> bool) -> io::Result<bool> {
        let mut directories = Vec::new();
        let mut outcome = Ok(true);
        let listed = self.disk.entries(path, &mut |entry| {
            let child =
                if path.is_empty() { entry.name.to_owned() } else { format!("{path}/{}", entry.name) };
            let Ok(name) = ObjectName::parse(&child) else { return true };
            if entry.is_directory {
                directories.push(child);
                return true;
            }
            match self.disk.stat(&child) {
                Ok(stat) => {
                    outcome = Ok(visit(ObjectMeta { name, size: stat.size, modified: stat.modified }));
                }
                // Deleted since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => outcome = Err(error),
            }
            matches!(outcome, Ok(true))
        });
        match listed {
            Err(error) if is_absent(&error) => return Ok(true),
            listed => listed?,
        }
        let mut go_on = outcome?;
        for directory in directories {
            if !go_on {
                break;
            }
            go_on = self.walk(&directory, visit)?;
        }
        Ok(go_on)
    }
}

/// The directory that holds `path`; `None` for the root.
fn parent(path: &str) -> Option<&str> {
    (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(parent, _)| parent))
}

/// Whether a lookup failed because there is no such object: nothing of that name, or a file where a directory would be.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

impl Store for LocalStore {
    fn location(&self) -> &str {
        &self.shared.location
    }

    fn create(&self) -> Result<Box<dyn ObjectWriter>, StoreError> {
        Ok(Box::new(LocalWriter::create(Arc::clone(&self.shared))?))
    }

    fn put_new(&self, name: &ObjectName, data: &[u8]) -> Result<PutOutcome, StoreError> {
        let mut writer = LocalWriter::create(Arc::clone(&self.shared))?;
        writer.write(data)?;
        writer.finish_new(name)
    }

    fn get(&self, name: &ObjectName) -> Result<Bytes, StoreError> {
        self.shared.disk.read(name.as_str()).map_err(|source| {
            if is_absent(&source) {
                StoreError::new(StoreErrorKind::NotFound, "read", name, self.location())
            } else {
                self.failed("read", name, source)
            }
        })
    }

    fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.shared.disk.read_range(name.as_str(), range).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                StoreError::new(StoreErrorKind::OutOfRange, "read", name, self.location())
            }
            _ if is_absent(&source) => {
                StoreError::new(StoreErrorKind::NotFound, "read", name, self.location())
            }
            _ => self.failed("read", name, source),
        })
    }

    fn head(&self, name: &ObjectName) -> Result<Option<ObjectMeta>, StoreError> {
        match self.shared.disk.stat(name.as_str()) {
            Ok(stat) => Ok(Some(ObjectMeta { name: name.clone(), size: stat.size, modified: stat.modified })),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.failed("read", name, error)),
        }
    }

    fn list(&self, prefix: &str, visit: &mut dyn FnMut(ObjectMeta) -> bool) -> Result<(), StoreError> {
        prefix::check(prefix, self.location())?;
        self.shared.walk(prefix, visit).map(drop).map_err(|source| self.shared.failed("list", prefix, source))
    }

    fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        self.delete_many(std::slice::from_ref(name))
    }

    fn delete_many(&self, names: &[ObjectName]) -> Result<(), StoreError> {
        let disk = &self.shared.disk;
        let mut changed = HashSet::new();
        for name in names {
            match disk.remove_file(name.as_str()) {
                // It may be another process that removes it just now, so this one makes sure, too.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_absent(&error) => continue,
                outcome => outcome.map_err(|source| self.failed("delete", name, source))?,
            }
            changed.extend(parent(name.as_str()));
        }
        for directory in changed {
            match disk.sync_directory(directory) {
                Err(error) if is_absent(&error) => {}
                outcome => outcome.map_err(|source| self.shared.failed("delete", directory, source))?,
            }
        }
        Ok(())
    }

    fn clean_temporary(&self) -> Result<u64, StoreError> {
        temporary::clean(&self.shared)
            .map_err(|source| self.shared.failed("delete", "temporary files", source))
    }
}
