//! The content of files: extents, random access, streams.

use std::io;

use bytes::Bytes;

use crate::content::{Body, Content, Extent};
use crate::content_list::decode_extents;
use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::pages::{PageKind, decode_inner};
use crate::reader::Reader;
use crate::wire::Malformed;

/// The extents of a content, in order; holds one page per level. After an error it ends.
#[derive(Debug)]
pub struct Extents {
    reader: Reader,
    leaf: std::vec::IntoIter<Extent>,
    /// Pages still to be read, the next one last, each with its level.
    pages: Vec<(ChunkId, u8)>,
    /// Bytes that the extents must still add up to.
    remaining: Option<u64>,
}

/// A page that does not say what it should.
pub(super) fn damaged_page(id: ChunkId, reason: &'static str) -> RepositoryError {
    RepositoryError::Damaged { object: format!("page {id}"), offset: None, chunk: Some(id), reason }
}

impl Extents {
    fn next_page(&mut self) -> Result<bool> {
        let Some((id, level)) = self.pages.pop() else { return Ok(false) };
        let damaged = |Malformed(reason)| damaged_page(id, reason);
        let page = self.reader.chunk(&id)?;
        if level == 0 {
            self.leaf = decode_extents(&page).map_err(damaged)?.into_iter();
        } else {
            let children = decode_inner(&page, PageKind::Content, level).map_err(damaged)?;
            self.pages.extend(children.into_iter().rev().map(|child| (child.id, level - 1)));
        }
        Ok(true)
    }
}

impl Iterator for Extents {
    type Item = Result<Extent>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(extent) = self.leaf.next() {
                if let Some(remaining) = &mut self.remaining {
                    match remaining.checked_sub(extent.length()) {
                        Some(rest) => *remaining = rest,
                        None => return Some(self.wrong_length()),
                    }
                }
                return Some(Ok(extent));
            }
            match self.next_page() {
                Ok(true) => {}
                Ok(false) if self.remaining.is_some_and(|rest| rest > 0) => return Some(self.wrong_length()),
                Ok(false) => return None,
                Err(error) => {
                    self.pages.clear();
                    self.remaining = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Extents {
    fn wrong_length(&mut self) -> Result<Extent> {
        self.pages.clear();
        self.leaf = Vec::new().into_iter();
        self.remaining = None;
        Err(RepositoryError::Damaged {
            object: "the list of a file's content".to_owned(),
            offset: None,
            chunk: None,
            reason: "its extents do not add up to the length of the file",
        })
    }
}

impl Reader {
    /// The extents of `content` in order, those of long content page by page.
    pub fn extents(&self, content: &Content) -> Extents {
        let (leaf, pages) = match content.body() {
            Body::Inline(extents) => (extents.clone(), Vec::new()),
            Body::Paged { root, levels } => (Vec::new(), vec![(*root, levels - 1)]),
        };
        Extents { reader: self.clone(), leaf: leaf.into_iter(), pages, remaining: Some(content.length()) }
    }

    /// The extent that covers `offset`, and where it begins; `None` at the end. Costs O(log n) pages.
    pub(crate) fn extent_at(&self, content: &Content, offset: u64) -> Result<Option<(u64, Extent)>> {
        if offset >= content.length() {
            return Ok(None);
        }
        let mut start = 0;
        let mut page = match content.body() {
            Body::Inline(extents) => return Ok(covering(extents.iter(), &mut start, offset)),
            Body::Paged { root, levels } => (*root, levels - 1),
        };
        loop {
            let (id, level) = page;
            let damaged = |Malformed(reason)| damaged_page(id, reason);
            let bytes = self.chunk(&id)?;
            if level == 0 {
                let extents = decode_extents(&bytes).map_err(damaged)?;
                let found = covering(extents.iter(), &mut start, offset);
                return found.map(Some).ok_or_else(|| damaged_page(id, "it is shorter than the list tells"));
            }
            let children = decode_inner(&bytes, PageKind::Content, level).map_err(damaged)?;
            let child = children.iter().find(|child| {
                let end = start.saturating_add(child.weight);
                let covers = offset < end;
                if !covers {
                    start = end;
                }
                covers
            });
            let child = child.ok_or_else(|| damaged_page(id, "it is shorter than the list tells"))?;
            page = (child.id, level - 1);
        }
    }

    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end. Costs O(log n) pages and the touched blocks.
    pub fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut reader = self.open(content);
        reader.position = offset;
        let mut filled = 0;
        while filled < buffer.len() {
            match reader.read_some(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// All bytes of `content`; [`RepositoryError::Invalid`] when there are more than `limit`.
    pub fn read_all(&self, content: &Content, limit: u64) -> Result<Vec<u8>> {
        if content.length() > limit {
            let what = format!("a content of {} bytes", content.length());
            return Err(RepositoryError::Invalid {
                what,
                reason: "it is larger than what may be held in memory",
            });
        }
        let mut bytes = vec![0; content.length() as usize];
        let length = self.read_at(content, 0, &mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// A stream over `content`; it can be positioned.
    pub fn open(&self, content: &Content) -> ContentReader {
        ContentReader {
            reader: self.clone(),
            content: content.clone(),
            position: 0,
            current: None,
            coming: None,
        }
    }
}

fn covering<'e>(
    extents: impl Iterator<Item = &'e Extent>,
    start: &mut u64,
    offset: u64,
) -> Option<(u64, Extent)> {
    for extent in extents {
        let end = start.saturating_add(extent.length());
        if offset < end {
            return Some((*start, *extent));
        }
        *start = end;
    }
    None
}

/// A stream over stored content. Holes read as zeros.
#[derive(Debug)]
pub struct ContentReader {
    reader: Reader,
    content: Content,
    position: u64,
    /// The extent that was read from last: where it begins, and its bytes unless it is a hole.
    current: Option<(u64, u64, Option<Bytes>)>,
    /// The extents after it, while the stream is read from front to back.
    coming: Option<(u64, Extents)>,
}

impl ContentReader {
    /// The length in bytes.
    pub fn length(&self) -> u64 {
        self.content.length()
    }

    /// Makes the extent at the position the current one; false at the end.
    fn find(&mut self) -> Result<bool> {
        let position = self.position;
        if position >= self.content.length() {
            return Ok(false);
        }
        if self.current.as_ref().is_some_and(|(start, end, _)| (*start..*end).contains(&position)) {
            return Ok(true);
        }
        let next = match &mut self.coming {
            Some((at, extents)) if *at == position => {
                extents.next().transpose()?.map(|extent| (position, extent))
            }
            _ if position == 0 => {
                let (_, extents) = self.coming.insert((0, self.reader.extents(&self.content)));
                extents.next().transpose()?.map(|extent| (0, extent))
            }
            _ => {
                self.coming = None;
                self.reader.extent_at(&self.content, position)?
            }
        };
        let Some((start, extent)) = next else { return Ok(false) };
        let end = start.saturating_add(extent.length());
        if let Some((at, _)) = &mut self.coming {
            *at = end;
        }
        let bytes = match extent {
            Extent::Data { id, length } => {
                let bytes = self.reader.chunk(&id)?;
                if bytes.len() != length as usize {
                    return Err(damaged_page(id, "a chunk has another length than the list tells"));
                }
                Some(bytes)
            }
            Extent::Hole { .. } => None,
        };
        self.current = Some((start, end, bytes));
        Ok(true)
    }

    /// Reads at the position; 0 at the end.
    pub fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() || !self.find()? {
            return Ok(0);
        }
        let Some((start, end, bytes)) = &self.current else { return Ok(0) };
        let count = buffer.len().min(usize::try_from(end - self.position).unwrap_or(usize::MAX));
        match bytes {
            Some(bytes) => {
                let from = (self.position - start) as usize;
                buffer[..count].copy_from_slice(&bytes[from..from + count]);
            }
            None => buffer[..count].fill(0),
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl io::Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(io::Error::other)
    }
}

impl io::Seek for ContentReader {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        let target = match position {
            io::SeekFrom::Start(offset) => Some(offset),
            io::SeekFrom::End(distance) => self.content.length().checked_add_signed(distance),
            io::SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
