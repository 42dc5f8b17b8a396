//! Streams a snapshot into a repository.

use backstay_hdf5::write::{Attribute, Content, Dataset, Group, Member};
use backstay_repository::{
    Content as StoredContent, ContentBuilder, ContentHint, Counts, DirectoryRef, Entry, Extent, Lane, Node,
    RepositoryError, Writer,
};
use backstay_source::{CaptureContext, Captured};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::{
    AttributeNode, ContentNode, DatasetNode, Document, FORMAT, GroupNode, MemberNode, VERSION, type_name,
};
use super::{BLOCK_BYTES, DOCUMENT, INLINE_BYTES, StoredError, TENSORS, TrainingAttributes};
use crate::Snapshot;

/// Stores `snapshot` through `writer`. Commits nothing: that is [`Writer::finish`], by the caller.
///
/// # Errors
/// When the repository fails or the capture is cancelled.
pub fn capture(
    context: &CaptureContext,
    snapshot: &Snapshot,
    attributes: &TrainingAttributes,
    writer: &Writer,
) -> Result<Captured, StoredError> {
    let mut work = Work { lane: writer.lane(), context, counts: Counts::default(), logical_bytes: 0 };
    let root = work.store(&snapshot.group())?;
    let (counts, logical_bytes) = (work.counts, work.logical_bytes);
    Ok(Captured {
        root,
        counts,
        logical_bytes,
        read_files: counts.files,
        read_bytes: logical_bytes,
        partial: false,
        attributes: attributes.to_map(),
        warnings: Vec::new(),
    })
}

struct Work<'w> {
    lane: Lane<'w>,
    context: &'w CaptureContext,
    counts: Counts,
    logical_bytes: u64,
}

impl Work<'_> {
    fn store(&mut self, root: &Group) -> Result<DirectoryRef, StoredError> {
        let (node, tensors) = self.group(root, "")?;
        let document = Document { format: FORMAT.to_owned(), version: VERSION, root: node };
        let text =
            serde_json::to_vec(&document).map_err(|error| StoredError::tree(DOCUMENT, error.to_string()))?;
        let content = self.lane.store_bytes(&text, ContentHint::Auto).map_err(StoredError::Repository)?;
        let mut entries = vec![self.file(DOCUMENT, content)];
        entries.extend(self.directory(TENSORS, &tensors)?);
        self.lane.store_directory(&entries).map_err(StoredError::Repository)
    }

    /// The node of a group in the document, and the entries of its directory.
    fn group(&mut self, group: &Group, path: &str) -> Result<(GroupNode, Vec<Entry>), StoredError> {
        let mut node = GroupNode { attributes: attributes(group.attributes()), ..GroupNode::default() };
        let mut entries = Vec::new();
        for (name, member) in group.members() {
            let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let member = match member {
                Member::Group(group) => {
                    let (node, inside) = self.group(group, &below)?;
                    entries.extend(self.directory(name, &inside)?);
                    MemberNode::Group(node)
                }
                Member::Dataset(dataset) => {
                    let (node, file) = self.dataset(dataset, name, &below)?;
                    entries.extend(file);
                    MemberNode::Dataset(node)
                }
            };
            node.members.insert(name.clone(), member);
        }
        Ok((node, entries))
    }

    fn dataset(
        &mut self,
        dataset: &Dataset,
        name: &str,
        path: &str,
    ) -> Result<(DatasetNode, Option<Entry>), StoredError> {
        let attributes = attributes(dataset.attributes());
        let bytes = match dataset.content() {
            Content::Text(text) => {
                let content = ContentNode::Text { text: text.clone() };
                return Ok((DatasetNode { attributes, content }, None));
            }
            Content::Bytes(bytes) => bytes,
            Content::Stream { .. } => return Err(StoredError::tree(path, "is not in memory")),
        };
        let datatype =
            type_name(dataset.datatype()).ok_or_else(|| StoredError::tree(path, "has no type of numbers"))?;
        let shape = dataset.shape().to_vec();
        if bytes.len() <= INLINE_BYTES {
            let content = ContentNode::Document { datatype, shape, base64: STANDARD.encode(bytes) };
            return Ok((DatasetNode { attributes, content }, None));
        }
        self.context.progress.current(path.as_bytes());
        let content = self.blocks(bytes).map_err(StoredError::Repository)?;
        let entry = self.file(name, content);
        Ok((DatasetNode { attributes, content: ContentNode::Tensor { datatype, shape } }, Some(entry)))
    }

    /// Bytes in fixed blocks.
    fn blocks(&mut self, bytes: &[u8]) -> Result<StoredContent, RepositoryError> {
        let mut content = ContentBuilder::new();
        for block in bytes.chunks(BLOCK_BYTES) {
            let id = self.lane.add(block, ContentHint::Array)?;
            content.push(&mut self.lane, Extent::Data { id, length: block.len() as u32 })?;
        }
        content.finish(&mut self.lane)
    }

    fn file(&mut self, name: &str, content: StoredContent) -> Entry {
        self.counts.files += 1;
        self.logical_bytes += content.length();
        self.context.progress.advance(1, 0);
        Entry { mode: 0o644, ..Entry::new(name, Node::File { content }) }
    }

    /// The entry of a directory; none for an empty one.
    fn directory(&mut self, name: &str, entries: &[Entry]) -> Result<Option<Entry>, StoredError> {
        if entries.is_empty() {
            return Ok(None);
        }
        let directory = self.lane.store_directory(entries).map_err(StoredError::Repository)?;
        self.counts.directories += 1;
        Ok(Some(Entry { mode: 0o755, ..Entry::new(name, Node::Directory { directory }) }))
    }
}

fn attributes(attributes: &[(String, Attribute)]) -> Vec<(String, AttributeNode)> {
    attributes.iter().map(|(name, value)| (name.clone(), value.into())).collect()
}
