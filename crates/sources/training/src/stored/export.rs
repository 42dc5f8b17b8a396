//! Puts the HDF5 file of a stored snapshot together.

use backstay_hdf5::Datatype;
use backstay_hdf5::write::{Content, Dataset, Group, Plan};
use backstay_repository::{DirectoryRef, Reader};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::{
    AttributeNode, ContentNode, DatasetNode, Document, FORMAT, GroupNode, MemberNode, VERSION, parse_type,
};
use super::{DOCUMENT, MAX_DOCUMENT_BYTES, StoredError, TENSORS};
use crate::Snapshot;

/// Plans the file of the snapshot in the tree `root`. Tensors are read from the repository when the plan is written, one
/// block at a time; the length is known before. The same tree gives the same bytes.
///
/// # Errors
/// When the repository fails or the tree is none of a training snapshot.
pub fn export(reader: &Reader, root: &DirectoryRef) -> Result<Plan, StoredError> {
    Tree { reader, root }.group(document(reader, root)?.root, TENSORS)?.plan().map_err(StoredError::File)
}

/// The document in the tree `root`.
pub(super) fn document(reader: &Reader, root: &DirectoryRef) -> Result<Document, StoredError> {
    let failed = |error| StoredError::reading(DOCUMENT, error);
    let entry = reader.lookup(root, DOCUMENT.as_bytes()).map_err(failed)?;
    let content = entry.as_ref().and_then(|entry| entry.content());
    let content = content.ok_or_else(|| StoredError::tree(DOCUMENT, "is missing"))?;
    let text = reader.read_all(content, MAX_DOCUMENT_BYTES).map_err(failed)?;
    let document: Document = serde_json::from_slice(&text)
        .map_err(|error| StoredError::tree(DOCUMENT, format!("is none: {error}")))?;
    if document.format != FORMAT || document.version != VERSION {
        let problem =
            format!("is of {} {}, which this version does not read", document.format, document.version);
        return Err(StoredError::tree(DOCUMENT, problem));
    }
    Ok(document)
}

/// Loads the snapshot in the tree `root`, with every checksum checked.
///
/// # Errors
/// When the repository fails, the tree is none of a training snapshot, or the snapshot cannot be gone on from.
pub fn load(reader: &Reader, root: &DirectoryRef) -> Result<Snapshot, StoredError> {
    let mut file = Vec::new();
    export(reader, root)?.write(&mut file).map_err(StoredError::File)?;
    Snapshot::read(file.as_slice()).map_err(StoredError::Snapshot)
}

struct Tree<'r> {
    reader: &'r Reader,
    root: &'r DirectoryRef,
}

impl Tree<'_> {
    fn group(&self, node: GroupNode, path: &str) -> Result<Group, StoredError> {
        let mut group = Group::new();
        for (name, value) in node.attributes {
            let value = value.into_attribute().ok_or_else(|| broken_attribute(path, &name))?;
            group.attribute(&name, value);
        }
        for (name, member) in node.members {
            let below = format!("{path}/{name}");
            match member {
                MemberNode::Group(node) => group.group(&name, self.group(node, &below)?),
                MemberNode::Dataset(node) => group.dataset(&name, self.dataset(node, &below)?),
            };
        }
        Ok(group)
    }

    fn dataset(&self, node: DatasetNode, path: &str) -> Result<Dataset, StoredError> {
        let number = |name: &str| -> Result<Datatype, StoredError> {
            parse_type(name).ok_or_else(|| StoredError::tree(path, format!("has the unknown type {name}")))
        };
        let dataset = match node.content {
            ContentNode::Text { text } => Dataset::text(text),
            ContentNode::Document { datatype, shape, base64 } => {
                let bytes =
                    STANDARD.decode(base64).map_err(|error| StoredError::tree(path, error.to_string()))?;
                Dataset::new(number(&datatype)?, &shape, Content::Bytes(bytes))
            }
            ContentNode::Tensor { datatype, shape } => {
                let found = self
                    .reader
                    .lookup_path(self.root, path.as_bytes())
                    .map_err(|error| StoredError::reading(path, error))?;
                let content = found.as_ref().and_then(|entry| entry.content());
                let content = content.ok_or_else(|| StoredError::tree(path, "is missing"))?;
                let stream =
                    Content::Stream { bytes: content.length(), reader: Box::new(self.reader.open(content)) };
                Dataset::new(number(&datatype)?, &shape, stream)
            }
        };
        with_attributes(dataset, node.attributes, path)
    }
}

fn with_attributes(
    mut dataset: Dataset,
    attributes: Vec<(String, AttributeNode)>,
    path: &str,
) -> Result<Dataset, StoredError> {
    for (name, value) in attributes {
        let value = value.into_attribute().ok_or_else(|| broken_attribute(path, &name))?;
        dataset = dataset.with(&name, value);
    }
    Ok(dataset)
}

fn broken_attribute(path: &str, name: &str) -> StoredError {
    StoredError::tree(path, format!("has an attribute `{name}` that is no number"))
}
