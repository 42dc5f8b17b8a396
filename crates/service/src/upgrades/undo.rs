//! The way back from an upgrade: what a snapshot holds goes back by paths, git's own files by what they mean.

use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::{CommitId, Reference, Workspace, mutate};
use backstay_model::Timestamp;
use backstay_repository::{Entry, Reader};
use backstay_source::{RestoreContext, RestoreReport};
use backstay_source_workspace::{ChangeSet, ExecuteOptions, RestorePlan, Seen, WorkspaceLock};

use super::found::name_of;
use crate::dependencies::{git_of, put_back_with};
use crate::error::{Result, ServiceError};
use crate::restore::StoredMove;
use crate::snapshots::Stored;

/// The longest `graft.yaml` or `graft.lock` there is, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// The dependencies that move back together with the paths of a plan.
pub(crate) struct WayBack {
    pub(crate) moves: Vec<StoredMove>,
    /// The content of the snapshot that is put back.
    pub(crate) target: Stored,
    /// Whether a dependency that was moved since goes back, too.
    pub(crate) force: bool,
    pub(crate) now: Timestamp,
}

impl WayBack {
    /// Executes `plan` and moves the dependencies, at one commit point. Git's history stays; in its index only the entries
    /// of the dependencies and of the two files change.
    pub(crate) fn execute(
        &self,
        plan: &RestorePlan,
        reader: &Reader,
        lock: &WorkspaceLock,
        options: &ExecuteOptions,
        context: &RestoreContext,
    ) -> Result<RestoreReport> {
        let (report, _) = put_back_with(plan, reader, lock, options, context, |set| {
            let root = plan.root();
            let workspace = Workspace::new(root, git_of(&context.cancel));
            for step in self.draft(&workspace, set)? {
                match step {
                    Step::Expect { path } if path.starts_with(".git/") => {
                        set.expect(path.as_bytes(), Seen::look(root, path.as_bytes())?)?;
                    }
                    Step::Hold { path } => set.hold(path.as_bytes())?,
                    Step::Write { path, content } if path.starts_with(".git/") => {
                        set.write(path.as_bytes(), &content, None)?;
                    }
                    Step::Replace { path, prepared } => set.replace(path.as_bytes(), prepared.as_bytes())?,
                    // The plan puts these back as they were.
                    _ => {}
                }
            }
            Ok(())
        })?;
        Ok(report)
    }

    fn draft(&self, workspace: &Workspace, set: &ChangeSet) -> Result<Vec<Step>> {
        let mut moves = Vec::new();
        for stored in &self.moves {
            let name = name_of(&stored.dependency)?;
            let store = workspace.required_store(&name)?;
            let at = store.head()?;
            if !self.force && at.as_ref().map(CommitId::as_str) != Some(stored.from.commit.as_str()) {
                return Err(ServiceError::conflict(format!(
                    "Dependency `{name}` was moved since; nothing was changed"
                ))
                .code("conflict")
                .hint("undo all the same with `--force`"));
            }
            let broken =
                || ServiceError::conflict(format!("The commit of `{name}` before the operation is unknown"));
            moves.push(mutate::Move {
                reference: Reference::parse(&stored.to.reference)?,
                commit: CommitId::parse(&stored.to.commit).ok_or_else(broken)?,
                name,
            });
        }
        // What the checkout has beside the commit goes back by paths.
        let options = mutate::Options { stage: true, offline: true, force: true, now: self.now };
        let pins = self.pins()?;
        Ok(mutate::move_back(workspace, Draft::new(set.scratch()), &options, &moves, &pins)?.steps)
    }

    /// The two files as they will be.
    fn pins(&self) -> Result<mutate::Pins> {
        let opened = self.target.open()?;
        let read = |path: &str| -> Result<Option<Vec<u8>>> {
            let entry = opened.reader.lookup_path(&opened.manifest.root, path.as_bytes())?;
            let Some(content) = entry.as_ref().and_then(Entry::content) else { return Ok(None) };
            Ok(Some(opened.reader.read_all(content, MOST_BYTES)?))
        };
        Ok(mutate::Pins { yaml: read("graft.yaml")?, lock: read("graft.lock")? })
    }
}
