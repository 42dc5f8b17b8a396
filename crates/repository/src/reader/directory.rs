//! Directories: their entries page by page, look-ups by name and by path.

use crate::error::Result;
use crate::id::ChunkId;
use crate::pages::{ChildPage, PageKind, decode_inner};
use crate::reader::Reader;
use crate::reader::content::damaged_page;
use crate::tree::{DirectoryRef, Entry, decode_entries};
use crate::wire::Malformed;

/// The entries of a directory, in the order of their names; holds one page per level. After an error it ends.
#[derive(Debug)]
pub struct DirectoryEntries {
    reader: Reader,
    leaf: std::vec::IntoIter<Entry>,
    /// Pages still to be read, the next one last, each with its level.
    pages: Vec<(ChunkId, u8)>,
    /// Only entries with greater names are wanted.
    after: Option<Vec<u8>>,
    last: Vec<u8>,
}

impl DirectoryEntries {
    fn next_page(&mut self) -> Result<bool> {
        let Some((id, level)) = self.pages.pop() else { return Ok(false) };
        let damaged = |Malformed(reason)| damaged_page(id, reason);
        let page = self.reader.chunk(&id)?;
        if level > 0 {
            let children = decode_inner(&page, PageKind::Directory, level).map_err(damaged)?;
            let first = self.after.as_deref().map_or(0, |after| child_for(&children, after));
            self.pages.extend(children[first..].iter().rev().map(|child| (child.id, level - 1)));
            return Ok(true);
        }
        let mut entries = decode_entries(&page).map_err(damaged)?;
        if let Some(first) = entries.first()
            && !self.last.is_empty()
            && first.name <= self.last
        {
            return Err(damaged_page(id, "names are not in order"));
        }
        if let Some(last) = entries.last() {
            self.last.clone_from(&last.name);
        }
        if let Some(after) = &self.after {
            let skipped = entries.partition_point(|entry| entry.name <= *after);
            entries.drain(..skipped);
        }
        self.leaf = entries.into_iter();
        Ok(true)
    }
}

/// The child page in which `name` is, if it is anywhere.
fn child_for(children: &[ChildPage], name: &[u8]) -> usize {
    children.partition_point(|child| child.key.as_slice() <= name).saturating_sub(1)
}

impl Iterator for DirectoryEntries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.leaf.next() {
                return Some(Ok(entry));
            }
            match self.next_page() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.pages.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Reader {
    /// The entries of a directory in the order of their names, page by page.
    pub fn entries(&self, directory: &DirectoryRef) -> DirectoryEntries {
        self.entries_from(directory, None)
    }

    /// The entries of a directory whose names are greater than `name`, for paging. Pages before it are not read.
    pub fn entries_after(&self, directory: &DirectoryRef, name: &[u8]) -> DirectoryEntries {
        self.entries_from(directory, Some(name.to_vec()))
    }

    fn entries_from(&self, directory: &DirectoryRef, after: Option<Vec<u8>>) -> DirectoryEntries {
        DirectoryEntries {
            reader: self.clone(),
            leaf: Vec::new().into_iter(),
            pages: vec![(directory.id, directory.levels.saturating_sub(1))],
            after,
            last: Vec::new(),
        }
    }

    /// How many entries a directory has. Costs one page.
    pub fn entry_count(&self, directory: &DirectoryRef) -> Result<u64> {
        let id = directory.id;
        let damaged = |Malformed(reason)| damaged_page(id, reason);
        let page = self.chunk(&id)?;
        match directory.levels.saturating_sub(1) {
            0 => Ok(decode_entries(&page).map_err(damaged)?.len() as u64),
            level => {
                let children = decode_inner(&page, PageKind::Directory, level).map_err(damaged)?;
                Ok(children.iter().fold(0, |sum, child| child.weight.saturating_add(sum)))
            }
        }
    }

    /// The entry of that name. Costs O(log n) pages.
    pub fn lookup(&self, directory: &DirectoryRef, name: &[u8]) -> Result<Option<Entry>> {
        let (mut id, mut level) = (directory.id, directory.levels.saturating_sub(1));
        loop {
            let damaged = |Malformed(reason)| damaged_page(id, reason);
            let page = self.chunk(&id)?;
            if level == 0 {
                let mut entries = decode_entries(&page).map_err(damaged)?;
                let found = entries.binary_search_by(|entry| entry.name.as_slice().cmp(name));
                return Ok(found.ok().map(|place| entries.swap_remove(place)));
            }
            let children = decode_inner(&page, PageKind::Directory, level).map_err(damaged)?;
            id = children[child_for(&children, name)].id;
            level -= 1;
        }
    }

    /// The entry at a path of names joined by `/`, relative to `directory`; `None` when any part is absent, is not
    /// a directory, or cannot be a name. The empty path has no entry.
    pub fn lookup_path(&self, directory: &DirectoryRef, path: &[u8]) -> Result<Option<Entry>> {
        let mut found: Option<Entry> = None;
        for name in path.split(|byte| *byte == b'/') {
            let within = match &found {
                None => Some(*directory),
                Some(entry) => entry.directory(),
            };
            let Some(within) = within.filter(|_| Entry::name_is_possible(name)) else { return Ok(None) };
            found = self.lookup(&within, name)?;
            if found.is_none() {
                return Ok(None);
            }
        }
        Ok(found)
    }
}
