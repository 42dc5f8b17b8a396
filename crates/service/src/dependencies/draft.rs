//! From what a draft would write to a set of changes of the workspace.

use std::path::Path;

use backstay_dependencies::change::Step;
use backstay_source_workspace::{ChangeSet, Seen};

use crate::error::Result;

/// The files that a draft reads first, as they are before it does.
const READ_FIRST: [&str; 5] = ["graft.yaml", "graft.lock", ".gitmodules", ".git/config", ".git/index"];

/// The files that a draft will read, as they are now.
pub(super) fn see(root: &Path) -> Result<Vec<(&'static str, Seen)>> {
    READ_FIRST.iter().map(|path| Ok((*path, Seen::look(root, path.as_bytes())?))).collect()
}

/// Turns the steps of a draft into those of the set. What the draft read must be as it was then.
pub(super) fn take(
    set: &mut ChangeSet,
    root: &Path,
    steps: &[Step],
    seen: &[(&'static str, Seen)],
) -> Result<()> {
    let before = |path: &str| seen.iter().find(|(known, _)| *known == path).map(|(_, seen)| *seen);
    for step in steps {
        match step {
            Step::Expect { path } => {
                let seen = match before(path) {
                    Some(seen) => seen,
                    None => Seen::look(root, path.as_bytes())?,
                };
                set.expect(path.as_bytes(), seen)?;
            }
            Step::Hold { path } => set.hold(path.as_bytes())?,
            Step::Write { path, content } => {
                if let Some(seen) = before(path) {
                    set.expect(path.as_bytes(), seen)?;
                }
                set.write(path.as_bytes(), content, None)?;
            }
            Step::Replace { path, prepared } => {
                if let Some(seen) = before(path) {
                    set.expect(path.as_bytes(), seen)?;
                }
                set.replace(path.as_bytes(), prepared.as_bytes())?;
            }
            Step::Place { path, prepared } => set.place(path, prepared)?,
            Step::RemoveFile { path } => set.remove_file(path)?,
            Step::RemoveTree { path } => set.remove_tree(path)?,
            Step::RemoveEmpty { path } => set.remove_empty(path)?,
            Step::SetAside { path, name } => set.set_aside(path, name)?,
            // Only who undoes knows where it is; it is done by then.
            Step::BringBack { .. } => {}
        }
    }
    Ok(())
}
