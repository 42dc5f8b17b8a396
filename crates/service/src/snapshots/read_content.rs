//! The bytes of a snapshot: one file, or a subtree.

use backstay_model::{Action, Caller, SnapshotId};
use backstay_repository as repository;
use backstay_repository::{Content, Manifest, Reader};
use backstay_source_workspace::{Selection, WorkspaceAttributes};

use super::stored::Stored;
use super::tree_walk::TreeWalk;
use super::view::entry as view;
use crate::error::{Result, ServiceError};
use crate::service::{Service, blocking};
use crate::view::{Entry, EntryKind};

pub use backstay_repository::ContentReader;

/// A file of a snapshot, opened for reading at any place.
#[derive(Debug)]
pub struct OpenContent {
    /// The entry of the file.
    pub entry: Entry,
    /// Identifies the content: equal texts mean equal bytes. 64 hexadecimal digits.
    pub etag: String,
    /// Reads the content; blocks, so it belongs on a blocking thread. Implements `Read` and `Seek`.
    pub reader: ContentReader,
}

/// A subtree of a snapshot, entry by entry; every directory before what is in it.
///
/// It blocks, so it belongs on a blocking thread.
#[derive(Debug)]
pub struct Subtree {
    reader: Reader,
    root: Option<SubtreeItem>,
    first: Option<(Vec<u8>, repository::Entry)>,
    walk: Option<TreeWalk>,
    selection: Selection,
}

/// One entry of a [`Subtree`].
#[derive(Debug)]
pub struct SubtreeItem {
    /// The entry; its path is relative to the root of the snapshot, and empty for the root itself.
    pub entry: Entry,
    /// The extended attributes, access control lists among them.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The content of a regular file.
    pub reader: Option<ContentReader>,
}

impl Iterator for Subtree {
    type Item = Result<SubtreeItem>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(root) = self.root.take() {
            return Some(Ok(root));
        }
        loop {
            let (path, stored) = match self.first.take() {
                Some(first) => first,
                None => match self.walk.as_mut()?.next()? {
                    Ok(found) => found,
                    Err(error) => return Some(Err(error)),
                },
            };
            let wanted = self.selection.is_all()
                || self.selection.contains(&path)
                || (stored.directory().is_some() && self.selection.leads_through(&path));
            if wanted {
                let reader = stored.content().map(|content| self.reader.open(content));
                let xattrs =
                    stored.xattrs.iter().map(|xattr| (xattr.name.clone(), xattr.value.clone())).collect();
                return Some(Ok(SubtreeItem { entry: view(path, &stored), xattrs, reader }));
            }
        }
    }
}

impl Service {
    /// Opens the regular file at `path`.
    ///
    /// Errors: `NotFound` with `Path not found`, `Conflict` when it is no regular file or the snapshot is not ready.
    pub async fn open_content(&self, caller: &Caller, id: &SnapshotId, path: &[u8]) -> Result<OpenContent> {
        let row = self.permitted_snapshot(caller, id, Action::View).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        let path = path.to_vec();
        blocking("open the file", move || {
            let opened = stored.open()?;
            let found = opened.reader.lookup_path(&opened.manifest.root, &path)?;
            let found = found.ok_or_else(|| ServiceError::not_found("Path"))?;
            let Some(content) = found.content() else {
                let shown = String::from_utf8_lossy(&path);
                return Err(ServiceError::conflict(format!("`{shown}` is no regular file")));
            };
            let etag = etag_of(&opened.reader, content)?;
            let reader = opened.reader.open(content);
            Ok(OpenContent { etag, reader, entry: view(path, &found) })
        })
        .await
    }

    /// Opens the subtree at `path` (empty for everything), which may be a single entry. Of it come only what `select` names by
    /// paths or globs relative to the root, and the directories on the way there; everything when it names nothing.
    pub async fn open_subtree(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        path: &[u8],
        select: &[String],
    ) -> Result<Subtree> {
        let row = self.permitted_snapshot(caller, id, Action::View).await?;
        let selection = Selection::of_patterns(select)?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        let path = path.to_vec();
        blocking("open the subtree", move || {
            let opened = stored.open()?;
            let reader = opened.reader;
            if path.is_empty() {
                let root = selection.is_all().then(|| root_of(&opened.manifest)).flatten();
                let walk = TreeWalk::begin(reader.clone(), opened.manifest.root, b"");
                return Ok(Subtree { reader, root, first: None, walk: Some(walk), selection });
            }
            let found = reader.lookup_path(&opened.manifest.root, &path)?;
            let found = found.ok_or_else(|| ServiceError::not_found("Path"))?;
            let walk = found.directory().map(|directory| TreeWalk::begin(reader.clone(), directory, &path));
            Ok(Subtree { reader, root: None, first: Some((path, found)), walk, selection })
        })
        .await
    }
}

/// The root itself, when the whole of it was captured.
fn root_of(manifest: &Manifest) -> Option<SubtreeItem> {
    let attributes = WorkspaceAttributes::from_map(&manifest.attributes);
    let root = attributes.root;
    (attributes.scope.is_empty() && root.mode != 0).then(|| SubtreeItem {
        entry: Entry {
            path: Vec::new(),
            kind: EntryKind::Directory,
            size: 0,
            mode: root.mode,
            uid: root.uid,
            gid: root.gid,
            mtime_ns: root.mtime_ns.into(),
            target: None,
            hard_link_group: None,
            xattrs: root.xattrs.iter().map(|(name, _)| name.clone()).collect(),
        },
        xattrs: root.xattrs,
        reader: None,
    })
}

/// A hash over the list of the content's pieces, which determine its bytes.
fn etag_of(reader: &Reader, content: &Content) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for extent in reader.extents(content) {
        match extent? {
            repository::Extent::Data { id, length } => {
                hasher.update(&[1]).update(id.as_bytes()).update(&u64::from(length).to_le_bytes())
            }
            repository::Extent::Hole { length } => hasher.update(&[0]).update(&length.to_le_bytes()),
        };
    }
    Ok(hasher.finalize().to_hex().to_string())
}
