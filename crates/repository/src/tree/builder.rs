//! Builds a directory from its entries, page by page.

use crate::error::{RepositoryError, Result};
use crate::limits::MAX_ENTRY_BYTES;
use crate::pages::{PageKind, PageListBuilder};
use crate::tree::codec::{Previous, encode_entry};
use crate::tree::{DirectoryRef, Entry};
use crate::writer::Lane;

/// Builds a directory from its entries, in the order of their names as bytes. It holds one page per level, so the
/// number of entries is not limited by memory.
#[derive(Debug)]
pub struct DirectoryBuilder {
    pages: PageListBuilder,
    previous: Previous,
    last_name: Vec<u8>,
}

impl Default for DirectoryBuilder {
    fn default() -> Self {
        Self {
            pages: PageListBuilder::new(PageKind::Directory),
            previous: Previous::default(),
            last_name: Vec::new(),
        }
    }
}

impl DirectoryBuilder {
    /// A directory without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry; names must strictly increase, compared as bytes.
    ///
    /// What the entry references must have been stored through a lane of the same capture, or be referenced by its
    /// parent. Error: [`RepositoryError::Invalid`], and the builder is as it was.
    pub fn add(&mut self, lane: &mut Lane<'_>, entry: &Entry) -> Result<()> {
        entry.check()?;
        let refuse = |reason| {
            let what = format!("the entry `{}`", entry.name.escape_ascii());
            Err(RepositoryError::Invalid { what, reason })
        };
        if self.last_name >= entry.name {
            return refuse("entries must be in the order of their names");
        }
        let xattr_bytes: usize = entry.xattrs.iter().map(|xattr| xattr.name.len() + xattr.value.len()).sum();
        if xattr_bytes > MAX_ENTRY_BYTES / 2 {
            return refuse("its extended attributes are larger than 1 MiB together");
        }
        if self.pages.at_page_start() {
            self.previous = Previous::default();
        }
        let before = self.previous;
        let after = &mut self.previous;
        self.pages.push(lane, &entry.name, 1, mark(&entry.name), |out| {
            *after = encode_entry(out, entry, before);
        })?;
        self.last_name.clone_from(&entry.name);
        Ok(())
    }

    /// Stores what is left and returns the reference to the directory. A directory of the same entries as one that is
    /// stored already costs nothing and has an equal reference.
    pub fn finish(self, lane: &mut Lane<'_>) -> Result<DirectoryRef> {
        let list = self.pages.finish(lane)?;
        Ok(DirectoryRef { id: list.root, levels: list.levels })
    }
}

/// What decides whether a page ends after the entry of this name: FNV-1a, folded.
fn mark(name: &[u8]) -> u32 {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as u32
}
