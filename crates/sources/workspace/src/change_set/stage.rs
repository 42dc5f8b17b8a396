//! The stage: new content beside the workspace, on the same file system, complete before anything changes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_model::OperationId;
use rustix::io::Errno;

use super::operations::Operation;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, FileKind, c_name, split_parent};

/// Where stages are, below the root, for messages.
const STAGES: &[u8] = b".backstay/stage";

/// The directory of the stage of an operation, below the root of its workspace; what else an operation needs for as long as
/// it runs can be beside it, because a recovery removes everything there.
pub fn stage_of(root: &Path, operation: &str) -> PathBuf {
    root.join(crate::exclude::OWN_DIRECTORY).join("stage").join(operation)
}

/// Up to so many entries are made durable one by one; more, with everything else on the file system.
pub(crate) const MANY: usize = 128;

/// How many files are made durable at once, so that they share the writes of the file system's own journal.
const SYNC_THREADS: usize = 8;

/// The stage of one operation.
#[derive(Debug)]
pub(crate) struct Stage {
    above: Dir,
    name: OperationId,
    pub(crate) dir: Dir,
}

impl Stage {
    /// Makes an empty stage below `.backstay`.
    pub(crate) fn create(own: &Dir, operation: &OperationId) -> Result<Self> {
        let failed = |errno| WorkspaceError::path("create", STAGES, errno);
        match own.make_dir(c"stage") {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let above = own.open_dir(c"stage").map_err(failed)?;
        let name = c_name(operation.as_str().as_bytes()).map_err(failed)?;
        above.remove_tree(&name).map_err(failed)?;
        above.make_dir(&name).map_err(failed)?;
        let dir = above.open_dir(&name).map_err(failed)?;
        Ok(Self { above, name: operation.clone(), dir })
    }

    /// Opens the stage of an operation that was interrupted; `None` when there is none.
    pub(crate) fn open(own: &Dir, operation: &OperationId) -> Result<Option<Self>> {
        let open = || -> Result<Self, Errno> {
            let above = own.open_dir(c"stage")?;
            let dir = above.open_dir(&c_name(operation.as_str().as_bytes())?)?;
            Ok(Self { above, name: operation.clone(), dir })
        };
        match open() {
            Ok(stage) => Ok(Some(stage)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(WorkspaceError::path("open", STAGES, errno)),
        }
    }

    /// Makes the directory for what is kept.
    pub(super) fn make_kept(&self) -> Result<(), Errno> {
        match self.dir.make_dir(&c_name(super::kept::KEPT)?) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Makes what `operations` take from the stage durable: files one by one, very many with the rest of the file system.
    pub(crate) fn sync(&self, operations: &[Operation]) -> Result<()> {
        let failed = |errno| WorkspaceError::path("sync", STAGES, errno);
        let staged: Vec<&[u8]> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Place { staged, .. } => Some(staged.as_slice()),
                _ => None,
            })
            .collect();
        if staged.len() > MANY || !self.sync_each(&staged).map_err(failed)? {
            return rustix::fs::syncfs(self.dir.fd()).map_err(failed);
        }
        rustix::fs::fsync(self.dir.fd()).map_err(failed)
    }

    /// Makes files durable, several at once, and their directories. Returns whether that was possible for all of them.
    fn sync_each(&self, staged: &[&[u8]]) -> Result<bool, Errno> {
        let next = AtomicUsize::new(0);
        let one = |path: &[u8]| -> Result<bool, Errno> {
            let (dir, name) = self.dir.open_parent(path)?;
            let name = c_name(name)?;
            match dir.stat(&name)?.kind {
                FileKind::File => match dir.open_file(&name) {
                    Ok(file) => rustix::fs::fsync(file).map(|()| true),
                    // Its owner may not read it.
                    Err(Errno::ACCESS) => Ok(false),
                    Err(errno) => Err(errno),
                },
                // What is in it counts, too.
                FileKind::Directory => Ok(false),
                _ => Ok(true),
            }
        };
        let work = || -> Result<bool, Errno> {
            while let Some(path) = staged.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !one(path)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let all = std::thread::scope(|scope| {
            let others: Vec<_> = (1..SYNC_THREADS.min(staged.len())).map(|_| scope.spawn(work)).collect();
            let mut all = work();
            for other in others {
                let done = other.join().unwrap_or(Ok(false));
                all = all.and_then(|all| done.map(|done| all && done));
            }
            all
        })?;
        if all {
            let mut parents: Vec<&[u8]> = staged.iter().map(|path| split_parent(path).0).collect();
            parents.sort_unstable();
            parents.dedup();
            for parent in parents {
                rustix::fs::fsync(self.dir.open_beneath(parent)?.fd())?;
            }
        }
        Ok(all)
    }

    /// Removes the stage with all that is left in it.
    pub(crate) fn remove(self) -> Result<()> {
        let failed = |errno| WorkspaceError::path("remove", STAGES, errno);
        let name = c_name(self.name.as_str().as_bytes()).map_err(failed)?;
        self.above.remove_tree(&name).map_err(failed)
    }
}

/// Removes every stage, except those of `used` operations.
pub(crate) fn remove_stale(own: &Dir, used: &[OperationId]) -> Result<()> {
    let above = match own.open_dir(c"stage") {
        Ok(above) => above,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(WorkspaceError::path("open", STAGES, errno)),
    };
    let failed = |errno| WorkspaceError::path("remove", STAGES, errno);
    for (name, _) in above.list().map_err(failed)?.iter() {
        if !used.iter().any(|operation| operation.as_str().as_bytes() == name.to_bytes()) {
            above.remove_tree(name).map_err(failed)?;
        }
    }
    Ok(())
}
