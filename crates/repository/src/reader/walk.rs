//! Everything that a directory tree consists of.

use bytes::Bytes;

use crate::content::{Body, Content, Extent};
use crate::content_list::decode_extents;
use crate::error::Result;
use crate::id::ChunkId;
use crate::pages::{PageKind, decode_inner};
use crate::reader::Reader;
use crate::reader::content::damaged_page;
use crate::tree::{DirectoryRef, Node, decode_entries};
use crate::wire::Malformed;

/// What a chunk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ChunkRole {
    /// A page of a directory or of a content list.
    Page,
    /// Bytes of a file.
    Data,
}

/// Visits every chunk that `root` reaches: pages before what they refer to. `visit` returns whether to go into a page;
/// returning false for pages that were seen already makes the walk as long as what is new.
///
/// Depth costs no stack: what is still to do is kept in a list.
pub(crate) fn walk(
    reader: &Reader,
    root: &DirectoryRef,
    visit: &mut dyn FnMut(ChunkId, ChunkRole) -> Result<bool>,
) -> Result<()> {
    walk_with(&mut |id| reader.chunk(id), root, visit)
}

/// As [`walk`], with pages that `read_page` provides.
pub(crate) fn walk_with(
    read_page: &mut dyn FnMut(&ChunkId) -> Result<Bytes>,
    root: &DirectoryRef,
    visit: &mut dyn FnMut(ChunkId, ChunkRole) -> Result<bool>,
) -> Result<()> {
    let mut pages = vec![(root.id, PageKind::Directory, root.levels.saturating_sub(1))];
    while let Some((id, kind, level)) = pages.pop() {
        if !visit(id, ChunkRole::Page)? {
            continue;
        }
        let damaged = |Malformed(reason)| damaged_page(id, reason);
        let page = read_page(&id)?;
        match (kind, level) {
            (PageKind::Directory, 0) => {
                for entry in decode_entries(&page).map_err(damaged)? {
                    match entry.node {
                        Node::File { content } => enter(&content, &mut pages, visit)?,
                        Node::Directory { directory } => {
                            pages.push((directory.id, PageKind::Directory, directory.levels - 1));
                        }
                        _ => {}
                    }
                }
            }
            (PageKind::Content, 0) => data(&decode_extents(&page).map_err(damaged)?, visit)?,
            (kind, level) => {
                let children = decode_inner(&page, kind, level).map_err(damaged)?;
                pages.extend(children.iter().map(|child| (child.id, kind, level - 1)));
            }
        }
    }
    Ok(())
}

fn enter(
    content: &Content,
    pages: &mut Vec<(ChunkId, PageKind, u8)>,
    visit: &mut dyn FnMut(ChunkId, ChunkRole) -> Result<bool>,
) -> Result<()> {
    match content.body() {
        Body::Inline(extents) => data(extents, visit),
        Body::Paged { root, levels } => {
            pages.push((*root, PageKind::Content, levels - 1));
            Ok(())
        }
    }
}

fn data(extents: &[Extent], visit: &mut dyn FnMut(ChunkId, ChunkRole) -> Result<bool>) -> Result<()> {
    for extent in extents {
        if let Extent::Data { id, .. } = extent {
            visit(*id, ChunkRole::Data)?;
        }
    }
    Ok(())
}
