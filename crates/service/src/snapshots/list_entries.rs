//! The tree of a snapshot.

use backstay_model::{Action, Caller, SnapshotId};
use backstay_repository::{DirectoryRef, Reader};

use super::stored::Stored;
use super::tree_walk::TreeWalk;
use super::view::entry as view;
use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::{Service, blocking};
use crate::view::{Entry, EntryOptions};

impl Service {
    /// Lists entries: of a directory in the order of their names, with `recursive` in the order of a walk, every directory before
    /// what is in it. The total of a recursive list below the root is known only when the list ends with this page; else it is
    /// what was passed so far.
    ///
    /// Errors: `NotFound` with `Path not found`, `Conflict` when the path is no directory or the snapshot is not ready.
    pub async fn list_entries(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        options: &EntryOptions,
        page: &PageRequest,
    ) -> Result<Page<Entry>> {
        let row = self.permitted_snapshot(caller, id, Action::View).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        let (options, page) = (options.clone(), page.clone());
        blocking("list the entries", move || {
            let opened = stored.open()?;
            let directory = directory_at(&opened.reader, opened.manifest.root, &options.path)?;
            if options.recursive {
                let counts = opened.manifest.counts;
                // The root is counted among the directories and has no entry.
                let all = counts.files + counts.directories + counts.symlinks + counts.skipped;
                let total = options.path.is_empty().then(|| all.saturating_sub(1));
                list_below(&opened.reader, directory, &options.path, total, &page)
            } else {
                list_directory(&opened.reader, directory, &options.path, &page)
            }
        })
        .await
    }

    /// Shows the entry at `path`; `None` when there is none. The root has no entry.
    pub async fn show_entry(&self, caller: &Caller, id: &SnapshotId, path: &[u8]) -> Result<Option<Entry>> {
        let row = self.permitted_snapshot(caller, id, Action::View).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        let path = path.to_vec();
        blocking("read the entry", move || {
            let opened = stored.open()?;
            let found = opened.reader.lookup_path(&opened.manifest.root, &path)?;
            Ok(found.map(|entry| view(path, &entry)))
        })
        .await
    }
}

fn directory_at(reader: &Reader, root: DirectoryRef, path: &[u8]) -> Result<DirectoryRef> {
    if path.is_empty() {
        return Ok(root);
    }
    let entry = reader.lookup_path(&root, path)?.ok_or_else(|| ServiceError::not_found("Path"))?;
    entry
        .directory()
        .ok_or_else(|| ServiceError::conflict(format!("`{}` is no directory", String::from_utf8_lossy(path))))
}

fn list_directory(
    reader: &Reader,
    directory: DirectoryRef,
    path: &[u8],
    page: &PageRequest,
) -> Result<Page<Entry>> {
    let total = reader.entry_count(&directory)?;
    let limit = page.paging()?.limit as usize;
    let rest = match page.cursor.as_deref() {
        Some(cursor) => reader.entries_after(&directory, &name_of(cursor)?),
        None => reader.entries(&directory),
    };
    let mut items = Vec::with_capacity(limit);
    let mut next = None;
    for entry in rest.skip(usize::try_from(page.offset).unwrap_or(usize::MAX)) {
        let entry = entry?;
        if items.len() == limit {
            next = items.last().map(|last: &Entry| cursor_after(&last.path));
            break;
        }
        items.push(view(joined(path, &entry.name), &entry));
    }
    Ok(Page { items, total, next })
}

fn list_below(
    reader: &Reader,
    directory: DirectoryRef,
    path: &[u8],
    total: Option<u64>,
    page: &PageRequest,
) -> Result<Page<Entry>> {
    let limit = page.paging()?.limit as usize;
    let mut walk = match page.cursor.as_deref() {
        Some(cursor) => TreeWalk::resume(reader.clone(), directory, path, &path_of(cursor)?)?,
        None => TreeWalk::begin(reader.clone(), directory, path),
    };
    let mut passed = 0;
    while passed < page.offset && walk.next().transpose()?.is_some() {
        passed += 1;
    }
    let mut items = Vec::with_capacity(limit);
    let mut next = None;
    for found in walk {
        let (path, entry) = found?;
        if items.len() == limit {
            next = items.last().map(|last: &Entry| cursor_after(&last.path));
            break;
        }
        items.push(view(path, &entry));
    }
    let passed = passed + items.len() as u64;
    Ok(Page { total: total.unwrap_or(passed + u64::from(next.is_some())).max(passed), items, next })
}

/// `path` and `name` joined by `/`.
pub(super) fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(path.len() + 1 + name.len());
    whole.extend_from_slice(path);
    if !path.is_empty() {
        whole.push(b'/');
    }
    whole.extend_from_slice(name);
    whole
}

/// A cursor names the path that it follows, so that it stays right whatever is asked in between. Long paths are no longer than
/// what a URL takes, since they are cut by the limit of 500 characters of the interface only when they are deeper than that.
fn cursor_after(path: &[u8]) -> String {
    use base64::Engine;
    format!("e{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(path))
}

fn path_of(cursor: &str) -> Result<Vec<u8>> {
    use base64::Engine;
    cursor
        .strip_prefix('e')
        .and_then(|text| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or_else(|| ServiceError::invalid("cursor", "it is not one that a list gave out"))
}

fn name_of(cursor: &str) -> Result<Vec<u8>> {
    let path = path_of(cursor)?;
    let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    Ok(path[start..].to_vec())
}
