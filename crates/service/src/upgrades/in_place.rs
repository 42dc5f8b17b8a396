//! Upgrades whose commands run in the workspace itself.
//!
//! Before the first change the files of git that snapshots leave out are copied to `.backstay/in-place/OPERATION`. As long
//! as that directory is there, the workspace may be half changed; whoever finds it under the lock puts back the snapshot
//! of the state before and the copies, at one commit point, compares, and removes it.
//!
//! The index, which is large where a workspace is, is no copy but a hard link: whatever drives git writes a new index beside the
//! old one and renames it. A digest tells when a command wrote over it all the same.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_catalog::{OperationRow, SourceRow};
use backstay_dependencies::change::Step;
use backstay_model::{Caller, ErrorKind, OperationId, SnapshotId};
use backstay_source::RestoreContext;
use backstay_source_workspace::{
    self as workspace, ChangeSet, ChangeSetOptions, OWN_DIRECTORY, RestoreOptions, Steps, WorkspaceLock,
};

use super::differences::differences;
use super::found::FILES;
use crate::error::{Result, ServiceError};
use crate::open::cannot;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::{Stored, context_of};
use crate::view::{CannotRestore, Rollback};

/// The word in the journal for putting the state before back.
const ROLLBACK: &str = "rollback";

/// Git's index, and the file that keeps other programs from it.
const INDEX: [&str; 2] = [".git/index", ".git/index.lock"];

/// What the index was: its BLAKE3 digest in hexadecimal digits.
const INDEX_DIGEST: &str = "index.digest";

fn directory_of(root: &Path, operation: &OperationId) -> PathBuf {
    root.join(OWN_DIRECTORY).join("in-place").join(operation.as_str())
}

/// Whether commands of the operation may have changed the workspace.
fn is_begun(root: &Path, operation: &OperationId) -> bool {
    directory_of(root, operation).symlink_metadata().is_ok()
}

/// Copies, durably, the two files and those of git that `drafted` changes. From here on the workspace may be changed.
pub(super) fn begin(root: &Path, operation: &OperationId, drafted: &[Step]) -> Result<()> {
    let directory = directory_of(root, operation);
    let unfinished = directory.with_extension("new");
    let written = drafted.iter().filter_map(|step| match step {
        Step::Write { path, .. } | Step::Replace { path, .. } if path.starts_with(".git/") => {
            Some(path.as_str())
        }
        _ => None,
    });
    let saved = || -> io::Result<()> {
        if unfinished.symlink_metadata().is_ok() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        for path in written.filter(|path| *path != INDEX[0]).chain(FILES) {
            match fs::read(root.join(path)) {
                Ok(content) => write_durably(&unfinished, path, &content)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        keep_index(root, &unfinished)?;
        fs::rename(&unfinished, &directory)?;
        sync_directory(directory.parent().unwrap_or(root))
    };
    saved().map_err(|error| cannot("write", &directory, error))
}

/// Forgets the copies: the workspace is whole.
pub(super) fn end(root: &Path, operation: &OperationId) -> Result<()> {
    let directory = directory_of(root, operation);
    match fs::remove_dir_all(&directory) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("remove", &directory, error)),
    }
}

/// The copy of the file at `path`.
pub(super) fn saved(root: &Path, operation: &OperationId, path: &str) -> Result<Option<Vec<u8>>> {
    let copy = directory_of(root, operation).join(path);
    match fs::read(&copy) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", &copy, error)),
    }
}

/// The state before an upgrade in place, and what it takes to go back to it.
pub(super) struct Before<'a> {
    pub(super) root: &'a Path,
    pub(super) lock: &'a WorkspaceLock,
    pub(super) operation: &'a OperationId,
    pub(super) snapshot: &'a SnapshotId,
    pub(super) stored: &'a Stored,
    pub(super) repository: Option<&'a PathBuf>,
}

impl Before<'_> {
    /// Goes back to it, and compares. What keeps it from that is part of the answer; then the next recovery tries again.
    pub(super) fn put_back(&self, context: &RestoreContext) -> Rollback {
        let mut restored = 0;
        let failed = match self.change_back(context, &mut restored) {
            Ok(()) => differences(self.stored, self.root, self.repository, context).and_then(|differing| {
                let mut failed: Vec<CannotRestore> =
                    differing.into_iter().map(|path| note(path, "it is not as it was")).collect();
                for (path, _) in self.changed_files()? {
                    failed.push(note(path, "it is not as it was"));
                }
                if failed.is_empty() {
                    let lost = self.index_is_lost()?;
                    end(self.root, self.operation)?;
                    if lost {
                        let reason =
                            "a command wrote over it without git; remove it, and `git reset` makes a new one";
                        failed.push(note(INDEX[0].to_owned(), reason));
                    }
                }
                Ok(failed)
            }),
            Err(error) => Err(error),
        };
        match failed {
            Ok(failed) => Rollback { complete: failed.is_empty(), restored, failed },
            Err(error) => {
                let failed = vec![note(".".to_owned(), &error.message)];
                Rollback { complete: false, restored, failed }
            }
        }
    }

    fn change_back(&self, context: &RestoreContext, restored: &mut u64) -> Result<()> {
        let opened = self.stored.open()?;
        let options = RestoreOptions { repository: self.repository.cloned(), ..RestoreOptions::default() };
        let plan = workspace::plan(self.root, &opened.manifest, &opened.reader, &options, context)?;
        let mut files = self.changed_files()?;
        files.retain(|(path, _)| plan.changes().iter().all(|change| change.path != path.as_bytes()));
        if plan.is_empty() && files.is_empty() {
            return Ok(());
        }
        let options = ChangeSetOptions {
            operation: self.operation.clone(),
            kind: ROLLBACK.to_owned(),
            snapshot: Some(self.snapshot.clone()),
            safety_snapshot: None,
            steps: Steps::unlimited(),
        };
        let mut set = ChangeSet::begin(self.root, self.lock, options)?;
        set.take_plan(&plan, &opened.reader, context)?;
        if files.iter().any(|(path, _)| path == INDEX[0]) {
            set.hold(INDEX[1].as_bytes())?;
        }
        for (path, content) in &files {
            set.write(path.as_bytes(), content, None)?;
        }
        set.commit(serde_json::Value::Null)?;
        workspace::acknowledge(self.root, self.operation)?;
        *restored = (plan.changes().len() + files.len()) as u64;
        Ok(())
    }

    /// Whether the link to the index holds something else than when it was made.
    fn index_is_lost(&self) -> Result<bool> {
        let Some(digest) = saved(self.root, self.operation, INDEX_DIGEST)? else { return Ok(false) };
        let kept = saved(self.root, self.operation, INDEX[0])?.unwrap_or_default();
        Ok(blake3::hash(&kept).to_hex().as_bytes() != digest)
    }

    /// The copied files that are not what they were and can be put back.
    fn changed_files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let directory = directory_of(self.root, self.operation);
        let without_index = self.index_is_lost()?;
        let mut changed = Vec::new();
        let mut open = vec![PathBuf::new()];
        while let Some(below) = open.pop() {
            let listed =
                fs::read_dir(directory.join(&below)).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            for entry in listed.map_err(|error| cannot("list", &directory, error))? {
                let path = below.join(entry.file_name());
                if entry.path().is_dir() {
                    open.push(path);
                    continue;
                }
                if path == Path::new(INDEX_DIGEST) || without_index && path == Path::new(INDEX[0]) {
                    continue;
                }
                let content = fs::read(entry.path()).map_err(|error| cannot("read", &directory, error))?;
                if fs::read(self.root.join(&path)).ok().as_ref() != Some(&content) {
                    changed.push((path.to_string_lossy().into_owned(), content));
                }
            }
        }
        Ok(changed)
    }
}

impl Service {
    /// Puts back what commands of an upgrade did in the workspace itself before it was cut off; `None` when they had not
    /// begun. The state that was found is kept as an undo point, because someone may have worked on it.
    pub(crate) async fn take_back_in_place(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        lock: &Arc<WorkspaceLock>,
    ) -> Result<Option<Rollback>> {
        let root = self.workspace_root(source)?;
        if !is_begun(&root, &row.id) {
            return Ok(None);
        }
        let unknown = || {
            let message = format!("The state before operation {} is not known", row.id);
            ServiceError::new(ErrorKind::Damaged, message)
                .hint("look into `backstay list --all`, and restore")
        };
        let snapshot = row.snapshot.clone().ok_or_else(unknown)?;
        let before = self.read().await?.snapshot(&snapshot).await?.ok_or_else(unknown)?;
        let stored = Stored::of(&before, self.lazy_repository())?;
        if let Err(error) =
            self.keep_tree(caller, source, row, root.clone(), "as it was found", &Run::default()).await
        {
            tracing::warn!(operation.id = %row.id, %error, "the state that was found is not kept");
        }
        let (lock, operation) = (Arc::clone(lock), row.id.clone());
        let repository = self.repository_directory().cloned();
        let context = context_of(&Run::default());
        let rollback = blocking("put the state before back", move || {
            let before = Before {
                root: &root,
                lock: &lock,
                operation: &operation,
                snapshot: &snapshot,
                stored: &stored,
                repository: repository.as_ref(),
            };
            Ok(before.put_back(&context))
        })
        .await?;
        Ok(Some(rollback))
    }

    /// Forgets the copies of an upgrade that is in place. What cannot be removed is in nobody's way.
    pub(super) fn forget_in_place(&self, source: &SourceRow, row: &OperationRow) {
        let forgotten = self.workspace_root(source).and_then(|root| end(&root, &row.id));
        if let Err(error) = forgotten {
            tracing::warn!(operation.id = %row.id, %error, "copies of git's files are left");
        }
    }
}

fn note(path: String, reason: &str) -> CannotRestore {
    CannotRestore { path, reason: reason.to_owned() }
}

/// Links the index to its place in `directory`, or copies it where links are not to be had, and notes what it is.
fn keep_index(root: &Path, directory: &Path) -> io::Result<()> {
    let index = root.join(INDEX[0]);
    let content = match fs::read(&index) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        content => content?,
    };
    // Git leaves it to the system when an index reaches the disk.
    File::open(&index)?.sync_all()?;
    let kept = directory.join(INDEX[0]);
    fs::create_dir_all(kept.parent().unwrap_or(directory))?;
    // A link to a link would be none to what that leads to.
    if index.symlink_metadata()?.is_file() && fs::hard_link(&index, &kept).is_ok() {
        sync_above(directory, &kept)?;
    } else {
        write_durably(directory, INDEX[0], &content)?;
    }
    write_durably(directory, INDEX_DIGEST, blake3::hash(&content).to_hex().as_bytes())
}

fn write_durably(directory: &Path, path: &str, content: &[u8]) -> io::Result<()> {
    let to = directory.join(path);
    fs::create_dir_all(to.parent().unwrap_or(directory))?;
    let mut file = File::create(&to)?;
    file.write_all(content)?;
    file.sync_all()?;
    sync_above(directory, &to)
}

/// Makes the names of `path` durable, up to `directory`.
fn sync_above(directory: &Path, path: &Path) -> io::Result<()> {
    let mut above = path.parent();
    while let Some(parent) = above.filter(|parent| parent.starts_with(directory)) {
        sync_directory(parent)?;
        above = parent.parent();
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
