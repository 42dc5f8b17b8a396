//! A file: its superblock, its limits, and the way to its objects.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::read::bytes::Bytes;
use crate::read::header::Header;
use crate::read::{Dataset, Group, ReadError, Source};
use crate::{SIGNATURE, message};

/// How much reading a file may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of headers, nodes, heaps and texts that are read, counted each time.
    pub metadata_bytes: u64,
    /// Bytes of a dataset in memory.
    pub dataset_bytes: u64,
    /// How deep groups may lie in each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { metadata_bytes: 256 << 20, dataset_bytes: 4 << 30, depth: 32 }
    }
}

/// A file that can be read.
#[derive(Debug)]
pub struct File<S> {
    source: S,
    limits: Limits,
    /// The length that the superblock tells, which the source has at least.
    end: u64,
    root: u64,
    metadata_read: AtomicU64,
}

/// What a name in a group stands for.
#[derive(Debug)]
pub enum Object<'f, S> {
    /// A group.
    Group(Group<'f, S>),
    /// A dataset.
    Dataset(Dataset<'f, S>),
}

impl<S: Source> File<S> {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is no HDF5 file, has a superblock that is not read, or is shorter than it says.
    pub fn open(source: S, limits: Limits) -> Result<Self, ReadError> {
        const BYTES: usize = 100;
        let have = source.bytes().map_err(|source| ReadError::Input { offset: 0, bytes: 0, source })?;
        let mut file = Self { source, limits, end: have, root: 0, metadata_read: AtomicU64::new(0) };
        if have < SIGNATURE.len() as u64 {
            return Err(ReadError::NotHdf5);
        }
        let text = file.metadata(0, BYTES.min(have as usize))?;
        let mut bytes = Bytes::new(&text, 0);
        bytes.expect(&SIGNATURE, "").map_err(|_| ReadError::NotHdf5)?;
        let version = bytes.u8()?;
        if version > 1 {
            return Err(ReadError::Unsupported {
                path: "/".to_owned(),
                what: "the newer file format (`libver=\"latest\"`); write it with `libver=\"earliest\"`",
            });
        }
        // Versions of the free-space storage, of the root's symbol, a zero, and of shared messages.
        bytes.take(4)?;
        if [bytes.u8()?, bytes.u8()?] != [8, 8] {
            return Err(ReadError::Unsupported {
                path: "/".to_owned(),
                what: "addresses of other than 8 bytes",
            });
        }
        // A zero, two sizes of nodes and flags; version 1 has one size and a zero more.
        bytes.take(if version == 0 { 9 } else { 13 })?;
        let base = bytes.u64()?;
        bytes.take(8)?;
        let end = bytes.u64()?;
        bytes.take(8 + 8)?;
        let root = bytes.u64()?;
        if base != 0 {
            return Err(ReadError::Unsupported { path: "/".to_owned(), what: "a user block" });
        }
        if end > have {
            return Err(ReadError::Truncated { have, wanted: end });
        }
        file.end = end;
        file.root = root;
        Ok(file)
    }

    /// The group that contains everything.
    ///
    /// # Errors
    /// When it is damaged, or no group.
    pub fn root(&self) -> Result<Group<'_, S>, ReadError> {
        match self.object("", self.root)? {
            Object::Group(group) => Ok(group),
            Object::Dataset(_) => Err(ReadError::damaged(self.root, "the root is no group")),
        }
    }

    /// The object at a path of names with `/` between them; `None` when there is none.
    ///
    /// # Errors
    /// When something on the way is damaged.
    pub fn find(&self, path: &str) -> Result<Option<Object<'_, S>>, ReadError> {
        let mut at = Object::Group(self.root()?);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Object::Group(group) = at else { return Ok(None) };
            let Some(next) = group.get(name)? else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }

    /// The dataset at a path; `None` when there is none.
    ///
    /// # Errors
    /// When something on the way is damaged.
    pub fn dataset(&self, path: &str) -> Result<Option<Dataset<'_, S>>, ReadError> {
        Ok(match self.find(path)? {
            Some(Object::Dataset(dataset)) => Some(dataset),
            _ => None,
        })
    }

    /// The group at a path; `None` when there is none.
    ///
    /// # Errors
    /// When something on the way is damaged.
    pub fn group(&self, path: &str) -> Result<Option<Group<'_, S>>, ReadError> {
        Ok(match self.find(path)? {
            Some(Object::Group(group)) => Some(group),
            _ => None,
        })
    }

    /// Calls `visit` with every group and dataset, the root first, groups before their members, members by name.
    ///
    /// # Errors
    /// When something is damaged, lies too deep, or `visit` fails.
    pub fn walk<E: From<ReadError>>(
        &self,
        mut visit: impl FnMut(&Object<'_, S>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut open = vec![(0, Object::Group(self.root()?))];
        while let Some((depth, object)) = open.pop() {
            visit(&object)?;
            if let Object::Group(group) = &object {
                if depth >= self.limits.depth {
                    return Err(ReadError::damaged(self.root, "groups lie too deep in each other").into());
                }
                for name in group.names().rev() {
                    if let Some(member) = group.get(name)? {
                        open.push((depth + 1, member));
                    }
                }
            }
        }
        Ok(())
    }

    /// The object whose header is at `address`.
    pub(crate) fn object(&self, path: &str, address: u64) -> Result<Object<'_, S>, ReadError> {
        let header = Header::read(self, path, address)?;
        if header.find(message::SYMBOL_TABLE).is_some() {
            return Ok(Object::Group(Group::new(self, path, header)?));
        }
        if header.find(message::LINK_INFO).is_some() {
            return Err(ReadError::Unsupported {
                path: path.to_owned(),
                what: "a group of the newer format",
            });
        }
        if header.find(message::LAYOUT).is_some() {
            return Ok(Object::Dataset(Dataset::new(self, path, header)?));
        }
        Err(ReadError::Unsupported { path: path.to_owned(), what: "a named type" })
    }

    /// What reading may cost.
    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Fails unless `bytes` bytes at `offset` lie in the file.
    pub(crate) fn check(&self, offset: u64, bytes: u64) -> Result<(), ReadError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.end => Ok(()),
            _ => Err(ReadError::damaged(offset, "an address or a length leads out of the file")),
        }
    }

    /// Reads bytes of data, which the caller has checked.
    pub(crate) fn data(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let bytes = buffer.len();
        self.source.read_at(offset, buffer).map_err(|source| ReadError::Input { offset, bytes, source })
    }

    /// Reads bytes of metadata, which are counted.
    pub(crate) fn metadata(&self, offset: u64, bytes: usize) -> Result<Vec<u8>, ReadError> {
        self.check(offset, bytes as u64)?;
        let read = self.metadata_read.fetch_add(bytes as u64, Ordering::Relaxed).saturating_add(bytes as u64);
        if read > self.limits.metadata_bytes {
            return Err(ReadError::TooLarge {
                what: "metadata".to_owned(),
                bytes: read,
                limit: self.limits.metadata_bytes,
            });
        }
        let mut text = vec![0; bytes];
        self.data(offset, &mut text)?;
        Ok(text)
    }
}
