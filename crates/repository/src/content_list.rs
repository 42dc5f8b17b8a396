//! Builds the content of a file from its extents, and reads the pages of long ones.

use crate::content::{Content, Extent, INLINE_EXTENTS, decode_extent, encode_extent};
use crate::error::Result;
use crate::pages::{PageKind, PageListBuilder, open_page};
use crate::wire::Malformed;
use crate::writer::Lane;

/// Builds a [`Content`] from its extents, in order. Neighbouring holes become one.
#[derive(Debug, Default)]
pub struct ContentBuilder {
    pages: Option<PageListBuilder>,
    inline: Vec<Extent>,
    hole: u64,
}

impl ContentBuilder {
    /// Content without a byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an extent; one of length 0 is ignored. The chunk of a data extent must have been stored through a lane
    /// of the same capture, or be referenced by its parent.
    pub fn push(&mut self, lane: &mut Lane<'_>, extent: Extent) -> Result<()> {
        match extent {
            Extent::Hole { length } => {
                self.hole += length;
                Ok(())
            }
            Extent::Data { length: 0, .. } => Ok(()),
            Extent::Data { .. } => {
                self.end_hole(lane)?;
                self.append(lane, extent)
            }
        }
    }

    fn end_hole(&mut self, lane: &mut Lane<'_>) -> Result<()> {
        match std::mem::take(&mut self.hole) {
            0 => Ok(()),
            length => self.append(lane, Extent::Hole { length }),
        }
    }

    fn append(&mut self, lane: &mut Lane<'_>, extent: Extent) -> Result<()> {
        if let Some(pages) = &mut self.pages {
            return push_page(pages, lane, &extent);
        }
        self.inline.push(extent);
        if self.inline.len() > INLINE_EXTENTS {
            let mut pages = PageListBuilder::new(PageKind::Content);
            for extent in self.inline.drain(..) {
                push_page(&mut pages, lane, &extent)?;
            }
            self.pages = Some(pages);
        }
        Ok(())
    }

    /// Stores what is left and returns the content.
    pub fn finish(mut self, lane: &mut Lane<'_>) -> Result<Content> {
        self.end_hole(lane)?;
        let Some(pages) = self.pages else { return Ok(Content::inline(self.inline)) };
        let list = pages.finish(lane)?;
        Ok(Content::paged(list.weight, list.root, list.levels))
    }
}

fn push_page(pages: &mut PageListBuilder, lane: &mut Lane<'_>, extent: &Extent) -> Result<()> {
    let mark = match extent {
        Extent::Data { id, .. } => u32::from(id.as_bytes()[31]),
        Extent::Hole { .. } => 1,
    };
    pages.push(lane, &[], extent.length(), mark, |out| encode_extent(out, extent))
}

/// Reads a page of extents.
pub(crate) fn decode_extents(page: &[u8]) -> Result<Vec<Extent>, Malformed> {
    let (count, mut from) = open_page(page, PageKind::Content, 0)?;
    let mut extents = Vec::with_capacity(count);
    for _ in 0..count {
        extents.push(decode_extent(&mut from)?);
    }
    from.end()?;
    Ok(extents)
}
