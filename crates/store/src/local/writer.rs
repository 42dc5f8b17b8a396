//! Writing an object to a local directory.

use std::io;
use std::sync::Arc;

use super::disk::DiskFile;
use super::{Shared, parent, temporary};
use crate::error::StoreError;
use crate::name::ObjectName;
use crate::store::{ObjectWriter, PutOutcome};

/// An object in a temporary file, which is removed unless the object is finished.
pub(super) struct LocalWriter {
    shared: Arc<Shared>,
    file: Box<dyn DiskFile>,
    /// The path of the temporary file; `None` when it has been renamed.
    path: Option<String>,
}

impl LocalWriter {
    pub(super) fn create(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let (path, file) = temporary::create(&shared)
            .map_err(|source| shared.failed("write", "a temporary file", source))?;
        Ok(Self { shared, file, path: Some(path) })
    }

    /// Gives the object its name unless that is taken.
    pub(super) fn finish_new(mut self, name: &ObjectName) -> Result<PutOutcome, StoreError> {
        self.publish(name, false).map_err(|source| self.shared.failed("write", name.as_str(), source))
    }

    fn publish(&mut self, name: &ObjectName, replace: bool) -> io::Result<PutOutcome> {
        let shared = Arc::clone(&self.shared);
        let Some(path) = &self.path else { return Err(io::ErrorKind::NotFound.into()) };
        self.file.sync()?;
        let directory = parent(name.as_str()).unwrap_or_default();
        shared.ensure_directory(directory)?;
        let rename = || {
            if replace {
                shared.disk.rename(path, name.as_str())
            } else {
                shared.disk.rename_new(path, name.as_str())
            }
        };
        let renamed = match rename() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // The directory was removed since it was last seen.
                shared.forget_directories();
                shared.ensure_directory(directory)?;
                rename()
            }
            outcome => outcome,
        };
        let outcome = match renamed {
            // The other writer may not have made its name durable yet.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !replace => PutOutcome::Exists,
            Err(error) => return Err(error),
            Ok(()) => {
                self.path = None;
                PutOutcome::Created
            }
        };
        shared.disk.sync_directory(directory)?;
        Ok(outcome)
    }
}

impl ObjectWriter for LocalWriter {
    fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        self.file.append(data).map_err(|source| self.shared.failed("write", "an object", source))
    }

    fn finish(mut self: Box<Self>, name: &ObjectName) -> Result<(), StoreError> {
        let published = self.publish(name, true);
        published.map(drop).map_err(|source| self.shared.failed("write", name.as_str(), source))
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // What cannot be removed now is removed as the remains of a dead writer.
            let _ = self.shared.disk.remove_file(&path);
        }
    }
}
