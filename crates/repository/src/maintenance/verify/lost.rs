//! Which paths of which snapshots are lost by the damage that was found.

use std::collections::HashSet;

use super::Verification;
use super::report::{LostPath, SnapshotDamage};
use super::structure::Structure;
use crate::content::{Body, Content, Extent};
use crate::content_list::decode_extents;
use crate::error::Result;
use crate::id::ChunkId;
use crate::maintenance::survey::is_damage;
use crate::pages::{PageKind, decode_inner};
use crate::tree::{DirectoryRef, Entry, Node, decode_entries};

/// A directory that is being looked through.
struct Frame {
    id: ChunkId,
    path_length: usize,
    /// Entries still to be looked at.
    entries: std::vec::IntoIter<Entry>,
    /// Pages still to be read, the next one last.
    pages: Vec<(ChunkId, u8)>,
    is_whole: bool,
}

/// Looks through snapshots; remembers directories in which nothing is lost.
struct Search<'v, 's> {
    verification: &'v Verification<'s>,
    whole: HashSet<ChunkId>,
}

impl Verification<'_> {
    pub(super) fn find_lost(&self, structure: &Structure) -> Result<()> {
        if structure.missing.is_empty() && self.bad.lock().is_empty() {
            return Ok(());
        }
        let mut search = Search { verification: self, whole: HashSet::new() };
        for (id, manifest) in &structure.manifests {
            let mut damage = SnapshotDamage {
                manifest: *id,
                snapshot: Some(manifest.snapshot.to_string()),
                lost_count: 0,
                lost: Vec::new(),
            };
            search.run(&manifest.root, &mut |path, is_directory| {
                damage.lost_count += 1;
                if damage.lost.len() < self.options.max_lost_paths {
                    damage.lost.push(LostPath { path: path.to_vec(), is_directory });
                }
            })?;
            if damage.lost_count > 0 {
                self.report.lock().snapshots.push(damage);
            }
        }
        Ok(())
    }
}

impl Search<'_, '_> {
    /// Tells of every path that is lost. Depth costs no stack.
    fn run(&mut self, root: &DirectoryRef, lost: &mut dyn FnMut(&[u8], bool)) -> Result<()> {
        let mut path = Vec::new();
        let mut frames = vec![Frame::of(root, 0)];
        while let Some(frame) = frames.last_mut() {
            self.verification.options.cancel.check()?;
            path.truncate(frame.path_length);
            if let Some(entry) = frame.entries.next() {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(&entry.name);
                match &entry.node {
                    Node::File { content } if !self.is_readable(content)? => {
                        frame.is_whole = false;
                        lost(&path, false);
                    }
                    Node::Directory { directory } if !self.whole.contains(&directory.id) => {
                        let below = Frame::of(directory, path.len());
                        frames.push(below);
                    }
                    _ => {}
                }
            } else if let Some((id, level)) = frame.pages.pop() {
                if !self.read_page(frame, id, level)? {
                    frame.is_whole = false;
                    lost(&path, true);
                }
            } else {
                let (id, is_whole) = (frame.id, frame.is_whole);
                frames.pop();
                if is_whole {
                    self.whole.insert(id);
                } else if let Some(above) = frames.last_mut() {
                    above.is_whole = false;
                }
            }
        }
        Ok(())
    }

    /// Reads a page of a directory; `false` when that cannot be done.
    fn read_page(&self, frame: &mut Frame, id: ChunkId, level: u8) -> Result<bool> {
        let Some(page) = self.page(&id)? else { return Ok(false) };
        if level == 0 {
            let Ok(entries) = decode_entries(&page) else { return Ok(false) };
            frame.entries = entries.into_iter();
        } else {
            let Ok(children) = decode_inner(&page, PageKind::Directory, level) else { return Ok(false) };
            frame.pages.extend(children.into_iter().rev().map(|child| (child.id, level - 1)));
        }
        Ok(true)
    }

    fn page(&self, id: &ChunkId) -> Result<Option<bytes::Bytes>> {
        if self.is_bad(id) {
            return Ok(None);
        }
        match self.verification.survey.chunk(self.verification.shared, id) {
            Ok(page) => Ok(Some(page)),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_bad(&self, id: &ChunkId) -> bool {
        let number = self.verification.survey.index.chunk_number(id);
        number.is_none_or(|number| self.verification.bad.lock().contains(number))
    }

    fn is_readable(&self, content: &Content) -> Result<bool> {
        let all_good = |extents: &[Extent]| {
            !extents.iter().any(|extent| matches!(extent, Extent::Data { id, .. } if self.is_bad(id)))
        };
        let mut pages = match content.body() {
            Body::Inline(extents) => return Ok(all_good(extents)),
            Body::Paged { root, levels } => vec![(*root, levels - 1)],
        };
        while let Some((id, level)) = pages.pop() {
            let Some(page) = self.page(&id)? else { return Ok(false) };
            if level == 0 {
                match decode_extents(&page) {
                    Ok(extents) if all_good(&extents) => {}
                    _ => return Ok(false),
                }
            } else {
                let Ok(children) = decode_inner(&page, PageKind::Content, level) else { return Ok(false) };
                pages.extend(children.iter().map(|child| (child.id, level - 1)));
            }
        }
        Ok(true)
    }
}

impl Frame {
    fn of(directory: &DirectoryRef, path_length: usize) -> Self {
        Self {
            id: directory.id,
            path_length,
            entries: Vec::new().into_iter(),
            pages: vec![(directory.id, directory.levels.saturating_sub(1))],
            is_whole: true,
        }
    }
}
