//! A walk through a stored tree: every directory before what is in it, names in the order of their bytes.

use backstay_repository::{DirectoryEntries, DirectoryRef, Entry, Reader};

use super::list_entries::joined;
use crate::error::{Result, ServiceError};

/// A walk below one directory, with memory of one page per level. It blocks.
#[derive(Debug)]
pub(crate) struct TreeWalk {
    reader: Reader,
    levels: Vec<(Vec<u8>, DirectoryEntries)>,
}

impl TreeWalk {
    /// The walk through everything below `directory`, whose own path is `path`.
    pub(crate) fn begin(reader: Reader, directory: DirectoryRef, path: &[u8]) -> Self {
        let entries = reader.entries(&directory);
        Self { reader, levels: vec![(path.to_vec(), entries)] }
    }

    /// The part of that walk that comes after the entry `last`.
    pub(crate) fn resume(reader: Reader, directory: DirectoryRef, path: &[u8], last: &[u8]) -> Result<Self> {
        let foreign = || ServiceError::invalid("cursor", "it is not one that this list gave out");
        let below = match (path, last.strip_prefix(path)) {
            ([], _) => last,
            (_, Some([b'/', rest @ ..])) => rest,
            _ => return Err(foreign()),
        };
        let mut walk = Self { reader, levels: Vec::new() };
        let (mut at, mut directory) = (path.to_vec(), Some(directory));
        for name in below.split(|byte| *byte == b'/') {
            let within = directory.ok_or_else(foreign)?;
            walk.levels.push((at.clone(), walk.reader.entries_after(&within, name)));
            directory = walk.reader.lookup(&within, name)?.and_then(|entry| entry.directory());
            at = joined(&at, name);
        }
        if let Some(last) = directory {
            let entries = walk.reader.entries(&last);
            walk.levels.push((at, entries));
        }
        Ok(walk)
    }
}

impl Iterator for TreeWalk {
    type Item = Result<(Vec<u8>, Entry)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, entries) = self.levels.last_mut()?;
            match entries.next() {
                None => {
                    self.levels.pop();
                }
                Some(Err(error)) => {
                    self.levels.clear();
                    return Some(Err(error.into()));
                }
                Some(Ok(entry)) => {
                    let path = joined(path, &entry.name);
                    if let Some(directory) = entry.directory() {
                        let entries = self.reader.entries(&directory);
                        self.levels.push((path.clone(), entries));
                    }
                    return Some(Ok((path, entry)));
                }
            }
        }
    }
}
