//! The trees of snapshots, with the ids of the other repository.

use std::collections::HashMap;

use crate::content::{Content, ContentHint, Extent};
use crate::content_list::ContentBuilder;
use crate::error::Result;
use crate::id::ChunkId;
use crate::maintenance::copy::DataCopy;
use crate::maintenance::survey::Survey;
use crate::reader::Reader;
use crate::repository::Repository;
use crate::tree::{DirectoryBuilder, DirectoryRef, Entry, Node};
use crate::writer::{Lane, Writer};

/// Copies trees one after the other; a directory that was copied before is not looked at again.
pub(crate) struct TreeCopy<'s> {
    reader: Reader,
    survey: &'s Survey,
    data: DataCopy,
    directories: HashMap<ChunkId, DirectoryRef>,
}

/// A directory that is being copied.
struct Frame {
    id: ChunkId,
    /// The entry of this directory in the one above; without it for the root.
    entry: Option<Entry>,
    entries: crate::reader::DirectoryEntries,
    builder: DirectoryBuilder,
}

impl<'s> TreeCopy<'s> {
    pub(crate) fn new(from: &Repository, survey: &'s Survey, data: DataCopy) -> Self {
        Self { reader: from.reader(), survey, data, directories: HashMap::new() }
    }

    /// Copies the tree of `root` through `writer` and returns what it is there. Depth costs no stack.
    pub(crate) fn copy(&mut self, writer: &Writer, root: &DirectoryRef) -> Result<DirectoryRef> {
        if let Some(known) = self.known(writer, root) {
            return Ok(known);
        }
        let mut lane = writer.lane();
        let mut frames = vec![self.frame(root, None)];
        loop {
            let Some(frame) = frames.last_mut() else { unreachable!("the root returns when it is finished") };
            writer.options().cancel.check()?;
            if let Some(entry) = frame.entries.next().transpose()? {
                if let Node::Directory { directory } = entry.node {
                    if let Some(directory) = self.known(writer, &directory) {
                        let entry = Entry { node: Node::Directory { directory }, ..entry };
                        frame.builder.add(&mut lane, &entry)?;
                    } else {
                        let below = self.frame(&directory, Some(entry));
                        frames.push(below);
                    }
                } else {
                    let entry = self.translate(writer, &mut lane, entry)?;
                    frame.builder.add(&mut lane, &entry)?;
                }
                continue;
            }
            let Some(Frame { id, entry, builder, .. }) = frames.pop() else { continue };
            let directory = builder.finish(&mut lane)?;
            self.directories.insert(id, directory);
            match (entry, frames.last_mut()) {
                (Some(entry), Some(above)) => {
                    let entry = Entry { node: Node::Directory { directory }, ..entry };
                    above.builder.add(&mut lane, &entry)?;
                }
                _ => return Ok(directory),
            }
        }
    }

    fn frame(&self, directory: &DirectoryRef, entry: Option<Entry>) -> Frame {
        Frame {
            id: directory.id,
            entry,
            entries: self.reader.entries(directory),
            builder: DirectoryBuilder::new(),
        }
    }

    /// A directory that was copied before and that no collection there is about to remove.
    fn known(&self, writer: &Writer, directory: &DirectoryRef) -> Option<DirectoryRef> {
        self.directories.get(&directory.id).copied().filter(|known| writer.is_stored(&known.id))
    }

    fn translate(&self, writer: &Writer, lane: &mut Lane<'_>, mut entry: Entry) -> Result<Entry> {
        if let Node::File { content } = &entry.node {
            let content = self.content(writer, lane, content)?;
            entry.node = Node::File { content };
        }
        Ok(entry)
    }

    fn content(&self, writer: &Writer, lane: &mut Lane<'_>, content: &Content) -> Result<Content> {
        let mut builder = ContentBuilder::new();
        for extent in self.reader.extents(content) {
            let extent = match extent? {
                Extent::Data { id, length } => Extent::Data { id: self.chunk(writer, lane, &id)?, length },
                hole @ Extent::Hole { .. } => hole,
            };
            builder.push(lane, extent)?;
        }
        builder.finish(lane)
    }

    /// The id of a chunk in the other repository, where it is stored when this returns.
    fn chunk(&self, writer: &Writer, lane: &mut Lane<'_>, id: &ChunkId) -> Result<ChunkId> {
        let copied = self.survey.index.chunk_number(id).and_then(|number| self.data.id(number));
        match copied.filter(|copied| writer.is_stored(copied)) {
            Some(copied) => Ok(copied),
            // Marked there since it was copied, or moved here.
            None => lane.add(&self.reader.chunk(id)?, ContentHint::Auto),
        }
    }
}
