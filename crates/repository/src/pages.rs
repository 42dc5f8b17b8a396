//! Lists of any length as trees of pages with content-defined boundaries.
//!
//! A list is cut where its items say so, not where a page is full: when one item changes, one page of each level
//! changes, and all others are found to be stored already. Directories and contents are such lists.

use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::limits::MAX_LEVELS;
use crate::wire::{Decoder, Malformed, put_prefixed, put_varint};
use crate::writer::Lane;

/// A page ends after an item whose mark has its low bits zero: after 64 items on average.
const MARK_BITS: u32 = 6;
/// A page has at least this many items, unless it is the last.
const MIN_ITEMS: u32 = 16;
/// A page has at most this many items.
const MAX_ITEMS: u32 = 256;
/// A page that is longer than this ends, however few items it has.
const MAX_BYTES: usize = 64 << 10;

/// What a page consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageKind {
    /// Entries of a directory.
    Directory,
    /// Extents of a file.
    Content,
}

impl PageKind {
    /// The first byte of a page of this kind at `level`, counted from 0 for the items themselves.
    const fn tag(self, level: u8) -> u8 {
        match (self, level) {
            (Self::Directory, 0) => 1,
            (Self::Directory, _) => 2,
            (Self::Content, 0) => 3,
            (Self::Content, _) => 4,
        }
    }
}

/// A page below an inner page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChildPage {
    /// The chunk of the page.
    pub(crate) id: ChunkId,
    /// The sum of the weights of all items below: entries of a directory count 1, extents their bytes.
    pub(crate) weight: u64,
    /// The key of the first item below: the name of an entry; empty for extents.
    pub(crate) key: Vec<u8>,
}

#[derive(Debug, Default)]
struct Level {
    body: Vec<u8>,
    count: u32,
    weight: u64,
    key: Vec<u8>,
    /// The page that a level of one item consists of, so that a root with one child is not written.
    only_child: Option<ChunkId>,
}

/// Builds a list. It holds one page per level.
#[derive(Debug)]
pub(crate) struct PageListBuilder {
    kind: PageKind,
    levels: Vec<Level>,
}

/// A finished list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageList {
    pub(crate) root: ChunkId,
    pub(crate) levels: u8,
    pub(crate) weight: u64,
}

impl PageListBuilder {
    pub(crate) fn new(kind: PageKind) -> Self {
        Self { kind, levels: vec![Level::default()] }
    }

    /// Whether the next item begins a page.
    pub(crate) fn at_page_start(&self) -> bool {
        self.levels[0].count == 0
    }

    /// Appends an item that `encode` writes. `mark` decides whether the page ends after it.
    pub(crate) fn push(
        &mut self,
        lane: &mut Lane<'_>,
        key: &[u8],
        weight: u64,
        mark: u32,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let level = &mut self.levels[0];
        if level.count == 0 {
            level.key = key.to_vec();
        }
        encode(&mut level.body);
        level.count += 1;
        level.weight = level.weight.saturating_add(weight);
        if level.ends(mark) { self.close(lane, 0) } else { Ok(()) }
    }

    /// Stores the page that is open at `level` and enters it in the level above, and so on upwards.
    fn close(&mut self, lane: &mut Lane<'_>, mut level: usize) -> Result<()> {
        loop {
            let child = self.store(lane, level)?;
            level += 1;
            if level > usize::from(MAX_LEVELS) {
                return Err(RepositoryError::Invalid { what: "a list".to_owned(), reason: "it is too long" });
            }
            if self.levels.len() == level {
                self.levels.push(Level::default());
            }
            let above = &mut self.levels[level];
            if above.count == 0 {
                above.key.clone_from(&child.key);
            }
            above.only_child = (above.count == 0).then_some(child.id);
            above.count += 1;
            above.weight = above.weight.saturating_add(child.weight);
            above.body.extend_from_slice(child.id.as_bytes());
            put_varint(&mut above.body, child.weight);
            put_prefixed(&mut above.body, &child.key);
            let mark = u32::from(child.id.as_bytes()[31]) ^ level as u32;
            if !above.ends(mark) {
                return Ok(());
            }
        }
    }

    fn store(&mut self, lane: &mut Lane<'_>, level: usize) -> Result<ChildPage> {
        let open = std::mem::take(&mut self.levels[level]);
        let mut page = Vec::with_capacity(open.body.len() + 8);
        page.push(self.kind.tag(level as u8));
        put_varint(&mut page, open.count.into());
        page.extend_from_slice(&open.body);
        Ok(ChildPage { id: lane.add_page(&page)?, weight: open.weight, key: open.key })
    }

    /// Stores what is left. The same items give the same list.
    pub(crate) fn finish(mut self, lane: &mut Lane<'_>) -> Result<PageList> {
        let mut level = 0;
        loop {
            let is_top = level + 1 == self.levels.len();
            let open = &self.levels[level];
            if is_top {
                let weight = open.weight;
                if let Some(root) = open.only_child {
                    return Ok(PageList { root, levels: level as u8, weight });
                }
                let root = self.store(lane, level)?.id;
                return Ok(PageList { root, levels: level as u8 + 1, weight });
            }
            if open.count > 0 {
                self.close(lane, level)?;
            }
            level += 1;
        }
    }
}

impl Level {
    fn ends(&self, mark: u32) -> bool {
        self.body.len() >= MAX_BYTES
            || self.count >= MAX_ITEMS
            || (self.count >= MIN_ITEMS && mark.trailing_zeros() >= MARK_BITS)
    }
}

/// Begins to read a page that must be of this kind and level: its number of items, and the items' bytes.
pub(crate) fn open_page(page: &[u8], kind: PageKind, level: u8) -> Result<(usize, Decoder<'_>), Malformed> {
    let mut from = Decoder::new(page);
    if from.u8()? != kind.tag(level) {
        return Err(Malformed("a page is of another kind"));
    }
    // Every item takes at least two bytes.
    let count = from.bounded(page.len() as u64 / 2, "a page has an impossible number of items")?;
    Ok((count as usize, from))
}

/// Reads an inner page.
pub(crate) fn decode_inner(page: &[u8], kind: PageKind, level: u8) -> Result<Vec<ChildPage>, Malformed> {
    let (count, mut from) = open_page(page, kind, level)?;
    if count == 0 {
        return Err(Malformed("an inner page is empty"));
    }
    let mut children = Vec::with_capacity(count.min(from.remaining() / 34));
    for _ in 0..count {
        let id = ChunkId::from_bytes(from.array()?);
        let weight = from.varint()?;
        let key = from.prefixed(crate::limits::MAX_NAME_BYTES, "a key is too long")?.to_vec();
        children.push(ChildPage { id, weight, key });
    }
    from.end()?;
    Ok(children)
}
