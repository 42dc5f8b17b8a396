//! Which repositories of the machine a workspace may depend on.

use std::path::{Component, Path, PathBuf};

use backstay_catalog::SourceRow;
use backstay_dependencies::{SourceUrl, Workspace};
use backstay_model::{Caller, ErrorKind, Subject};
use backstay_repository::Cancel;
use serde_json::json;

use super::git::git_of;
use crate::error::{Result, ServiceError};
use crate::service::{Service, blocking};

impl Service {
    /// Through a server, nobody reads repositories of its machine that lie elsewhere than workspaces may: neither what `new`
    /// names nor what `graft.yaml` and `graft.lock`, which anybody may have written, name already.
    pub(crate) async fn refuse_foreign_paths(
        &self,
        caller: &Caller,
        source: &SourceRow,
        root: &Path,
        new: Option<&SourceUrl>,
    ) -> Result<()> {
        let Some(allowed) = self.settings().allowed_roots.clone() else { return Ok(()) };
        let (root, new) = (root.to_owned(), new.cloned());
        let foreign = blocking("look at the sources", move || {
            let workspace = Workspace::new(&root, git_of(&Cancel::new()));
            let sources = new.into_iter().chain(named(&workspace));
            Ok(sources.into_iter().find(|url| is_foreign(url, &root, &allowed)))
        })
        .await?;
        let Some(foreign) = foreign else { return Ok(()) };
        let wanted = json!({"wanted": "depend on a path", "source": foreign.redacted()});
        self.note_denied(caller, &Subject::new("source", &source.id), wanted).await?;
        Err(ServiceError::new(ErrorKind::Forbidden, "Source is not allowed")
            .hint("a path must lie below `allowed_roots`; or use a URL"))
    }
}

/// The sources in the two files. A file that cannot be read is told by whoever reads it next.
fn named(workspace: &Workspace) -> Vec<SourceUrl> {
    let declared = workspace.declarations().map(|(declared, _)| declared.dependencies).unwrap_or_default();
    let locked = workspace.lock().ok().flatten().map(|reading| reading.lock.entries).unwrap_or_default();
    declared
        .into_iter()
        .map(|declared| declared.source)
        .chain(locked.into_values().map(|entry| entry.source))
        .collect()
}

fn is_foreign(url: &SourceUrl, root: &Path, allowed: &[PathBuf]) -> bool {
    let Some(path) = url.local_path(root) else { return false };
    let Some(found) = real_path(&path) else { return true };
    !allowed.iter().any(|allowed| allowed.canonicalize().is_ok_and(|allowed| found.starts_with(allowed)))
}

/// Where `path` leads, as far as it is there; `None` when that cannot be told: through a link to nothing, or by `..`.
fn real_path(path: &Path) -> Option<PathBuf> {
    for above in path.ancestors() {
        if let Ok(found) = above.canonicalize() {
            let missing = path.strip_prefix(above).ok()?;
            let is_plain = missing.components().all(|part| matches!(part, Component::Normal(_)));
            return is_plain.then(|| found.join(missing));
        }
        if above.symlink_metadata().is_ok() {
            return None;
        }
    }
    None
}
