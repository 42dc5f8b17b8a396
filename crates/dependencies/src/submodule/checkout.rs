//! The checkout of a dependency: what is there, and the steps that move it to a commit.

use std::path::Path;

use super::index::GitFiles;
use crate::change::{Draft, Step};
use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::git::{Differing, Store};
use crate::name::DependencyName;
use crate::url::SourceUrl;
use crate::workspace::Workspace;

/// How many paths an error names.
const NAMED_PATHS: usize = 5;

/// What is on disk of a dependency.
#[derive(Debug, Clone)]
pub enum State {
    /// Neither a checkout nor a store.
    Absent,
    /// A store without a checkout.
    Stored(Store),
    /// A checkout and its store.
    Here(Store),
}

/// A store that a checkout can be made from.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The store. When it was cloned just now, it lies in the scratch directory.
    pub store: Store,
    /// There is a checkout already.
    pub here: bool,
    /// The name in the scratch directory of a store that was cloned just now.
    cloned: Option<String>,
}

impl State {
    /// Looks at what is on disk.
    ///
    /// Errors: [`DependencyError::LegacyClone`], [`DependencyError::InTheWay`].
    pub fn of(workspace: &Workspace, files: &GitFiles, name: &DependencyName) -> Result<Self> {
        let directory = workspace.checkout(name);
        let dot_git = directory.join(".git");
        if let Some(store) = Store::of_checkout(workspace.git(), &directory)? {
            let is_own = dot_git.symlink_metadata().is_ok_and(|found| found.is_dir());
            if is_own && !files.registry().has(name) {
                return Err(DependencyError::LegacyClone { name: name.to_string() });
            }
            return Ok(Self::Here(store));
        }
        let is_free = match std::fs::read_dir(&directory) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if !is_free {
            return Err(DependencyError::InTheWay { name: name.to_string() });
        }
        let kept = workspace.root().join(".git/modules").join(files.registry().module_of(name)?);
        Ok(Store::at(workspace.git(), &kept).map_or(Self::Absent, Self::Stored))
    }
}

/// The store of a dependency, cloned into the scratch directory when there is none.
pub fn draft_clone(
    workspace: &Workspace,
    draft: &mut Draft,
    name: &DependencyName,
    source: &SourceUrl,
    state: State,
) -> Result<Checkout> {
    Ok(match state {
        State::Here(store) => Checkout { store, here: true, cloned: None },
        State::Stored(store) => Checkout { store, here: false, cloned: None },
        State::Absent => {
            let (prepared, path) = draft.prepare(&format!("store-{name}"));
            let store = Store::clone_into(workspace.git(), source, workspace.root(), &path)?;
            Checkout { store, here: false, cloned: Some(prepared) }
        }
    })
}

/// The steps after which the checkout is at `commit`. Returns whether there are any.
///
/// Errors: [`DependencyError::Dirty`] when `force` is not given and someone changed what would be overwritten.
pub fn draft_checkout(
    workspace: &Workspace,
    files: &GitFiles,
    draft: &mut Draft,
    name: &DependencyName,
    checkout: &Checkout,
    commit: &CommitId,
    force: bool,
) -> Result<bool> {
    if checkout.here {
        move_checkout(workspace, draft, name, &checkout.store, commit, force)
    } else {
        new_checkout(workspace, files, draft, name, checkout, commit).map(|()| true)
    }
}

fn new_checkout(
    workspace: &Workspace,
    files: &GitFiles,
    draft: &mut Draft,
    name: &DependencyName,
    checkout: &Checkout,
    commit: &CommitId,
) -> Result<()> {
    let module = files.registry().module_of(name)?;
    let up = "../".repeat(module.split('/').count() + 2);
    let store = &checkout.store;
    let (prepared, directory) = draft.prepare(&format!("checkout-{name}"));
    let made = std::fs::create_dir(&directory).and_then(|()| {
        std::fs::write(directory.join(".git"), format!("gitdir: ../../.git/modules/{module}\n"))
    });
    made.map_err(|error| DependencyError::io("write", &directory, error))?;
    let index =
        if checkout.cloned.is_some() { store.git_dir.join("index") } else { draft.prepare("index").1 };
    store.read_tree(commit, &index)?;
    store.write_files(&index, &directory, None)?;
    let at = format!(".git/modules/{module}");
    // A store that git kept names its work tree already; one that does not is told.
    store.set_config("core.worktree", &format!("{up}{}", name.checkout()))?;
    if let Some(cloned) = &checkout.cloned {
        let head = store.git_dir.join("HEAD");
        std::fs::write(&head, format!("{commit}\n"))
            .map_err(|error| DependencyError::io("write", &head, error))?;
        if workspace.root().join(&at).symlink_metadata().is_ok() {
            draft.push(Step::RemoveTree { path: at.clone().into() });
        }
        draft.push(Step::Place { path: at.into(), prepared: cloned.clone().into() });
    } else {
        let content = std::fs::read(&index).map_err(|error| DependencyError::io("read", &index, error))?;
        draft.push(Step::Write { path: format!("{at}/index"), content });
        draft.push(Step::Write { path: format!("{at}/HEAD"), content: format!("{commit}\n").into() });
    }
    if workspace.checkout(name).symlink_metadata().is_ok() {
        draft.push(Step::RemoveTree { path: name.checkout().into() });
    }
    draft.push(Step::Place { path: name.checkout().into(), prepared: prepared.into() });
    Ok(())
}

fn move_checkout(
    workspace: &Workspace,
    draft: &mut Draft,
    name: &DependencyName,
    store: &Store,
    commit: &CommitId,
    force: bool,
) -> Result<bool> {
    let directory = workspace.checkout(name);
    let dirty = store.dirty(&directory)?;
    if !dirty.is_empty() && !force {
        return Err(refused(name, &dirty));
    }
    let head = store.head()?.ok_or_else(|| DependencyError::InTheWay { name: name.to_string() })?;
    if head == *commit && dirty.is_empty() {
        return Ok(false);
    }
    let differing: Vec<Differing> =
        store.differing(&head, commit)?.into_iter().filter(|path| !path.is_submodule).collect();
    let git_dir = store.git_dir.strip_prefix(workspace.root()).ok().and_then(Path::to_str);
    let git_dir =
        git_dir.ok_or_else(|| DependencyError::NotTopOfRepository { top: store.git_dir.clone() })?;
    let (_, index) = draft.prepare("index");
    store.read_tree(commit, &index)?;
    let mut written: Vec<Vec<u8>> =
        differing.iter().filter(|path| !path.deleted).map(|path| path.path.clone()).collect();
    let deleted: Vec<Vec<u8>> =
        differing.iter().filter(|path| path.deleted).map(|path| path.path.clone()).collect();
    // What was changed by hand and is in the commit is written again; the rest of it is left alone.
    for path in dirty {
        if !written.contains(&path) && !deleted.contains(&path) && store.has_file(commit, &path)? {
            written.push(path);
        }
    }
    let on_disk = |path: &[u8]| join(&directory, path).symlink_metadata();
    let removed = removals(&directory, &deleted, &written);
    if !force {
        let is_new = |path: &Vec<u8>| differing.iter().any(|other| other.added && other.path == *path);
        let is_taken = |path: &Vec<u8>| on_disk(path).is_ok() && !removed.contains(path);
        let is_below_taken = |path: &Vec<u8>| {
            blocking_ancestor(&directory, path).is_some_and(|above| !removed.contains(&above))
        };
        let taken: Vec<Vec<u8>> = written
            .iter()
            .filter(|path| is_new(path) && is_taken(path) || is_below_taken(path))
            .cloned()
            .collect();
        if !taken.is_empty() {
            return Err(refused(name, &taken));
        }
    }
    let (prepared, scratch) = draft.prepare(&format!("files-{name}"));
    std::fs::create_dir(&scratch).map_err(|error| DependencyError::io("create", &scratch, error))?;
    store.write_files(&index, &scratch, Some(&written))?;
    let below = |path: &[u8]| [name.checkout().as_bytes(), b"/", path].concat();
    for path in &removed {
        match on_disk(path) {
            Ok(found) if found.is_dir() => draft.push(Step::RemoveTree { path: below(path) }),
            Ok(_) => draft.push(Step::RemoveFile { path: below(path) }),
            Err(_) => {}
        }
    }
    let mut placed = std::collections::BTreeSet::new();
    for path in written {
        // A directory that takes the place of a file is placed as a whole.
        let path = blocking_ancestor(&directory, &path).unwrap_or(path);
        if !placed.insert(path.clone()) {
            continue;
        }
        let is_whole = scratch_is_directory(&scratch, &path);
        match on_disk(&path) {
            _ if removed.contains(&path) => {}
            Ok(found) if found.is_dir() => draft.push(Step::RemoveTree { path: below(&path) }),
            Ok(_) if is_whole => draft.push(Step::RemoveFile { path: below(&path) }),
            _ => {}
        }
        draft.push(Step::Place { path: below(&path), prepared: [prepared.as_bytes(), b"/", &path].concat() });
    }
    let content = std::fs::read(&index).map_err(|error| DependencyError::io("read", &index, error))?;
    draft.push(Step::Hold { path: format!("{git_dir}/index.lock") });
    draft.push(Step::Write { path: format!("{git_dir}/index"), content });
    draft.push(Step::Write { path: format!("{git_dir}/HEAD"), content: format!("{commit}\n").into() });
    Ok(true)
}

fn refused(name: &DependencyName, paths: &[Vec<u8>]) -> DependencyError {
    let shown = |path: &Vec<u8>| crate::name::shown(&String::from_utf8_lossy(path));
    let mut named: Vec<String> = paths.iter().take(NAMED_PATHS).map(shown).collect();
    if paths.len() > NAMED_PATHS {
        named.push(format!("and {} more", paths.len() - NAMED_PATHS));
    }
    DependencyError::Dirty { name: name.to_string(), paths: named }
}

fn join(directory: &Path, path: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt;
    directory.join(std::ffi::OsStr::from_bytes(path))
}

/// What stands above `path` on disk and is no directory, the outermost.
fn blocking_ancestor(directory: &Path, path: &[u8]) -> Option<Vec<u8>> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.map(|end| &path[..end])
        .find(|above| join(directory, above).symlink_metadata().is_ok_and(|found| !found.is_dir()))
        .map(<[u8]>::to_vec)
}

fn scratch_is_directory(scratch: &Path, path: &[u8]) -> bool {
    join(scratch, path).symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// What has to be removed so that `deleted` is gone, with the directories that nothing is left in.
fn removals(directory: &Path, deleted: &[Vec<u8>], written: &[Vec<u8>]) -> Vec<Vec<u8>> {
    use std::collections::BTreeSet;
    use std::os::unix::ffi::OsStrExt;
    let mut gone: BTreeSet<Vec<u8>> = deleted.iter().cloned().collect();
    let parent = |path: &[u8]| path.iter().rposition(|byte| *byte == b'/').map(|at| path[..at].to_vec());
    let mut open: Vec<Vec<u8>> = deleted.iter().filter_map(|path| parent(path)).collect();
    while let Some(dir) = open.pop() {
        let inside = [dir.as_slice(), b"/"].concat();
        let Ok(entries) = std::fs::read_dir(join(directory, &dir)) else { continue };
        let all_gone = entries
            .flatten()
            .all(|entry| gone.contains(&[inside.as_slice(), entry.file_name().as_bytes()].concat()));
        if all_gone && !written.iter().any(|path| path.starts_with(&inside)) && gone.insert(dir.clone()) {
            open.extend(parent(&dir));
        }
    }
    let is_covered = |path: &Vec<u8>| {
        let mut above = parent(path);
        while let Some(dir) = above {
            if gone.contains(&dir) {
                return true;
            }
            above = parent(&dir);
        }
        false
    };
    gone.iter().filter(|path| !is_covered(path)).cloned().collect()
}
