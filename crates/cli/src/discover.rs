//! Which directory is the workspace.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The name of Backstay's own directory at the root of a workspace.
pub(crate) const OWN_DIRECTORY: &str = ".backstay";

/// The file that declares dependencies.
const DECLARATIONS: &str = "graft.yaml";

/// How the workspace was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It has a `.backstay` directory already.
    Initialized,
    /// It is the top of a git work tree.
    GitTop,
    /// Nothing marks it; it is the directory itself.
    Here,
    /// The person named it.
    Named,
}

/// The root of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// The root, absolute, with symlinks resolved.
    pub(crate) root: PathBuf,
    /// Where the command stands inside the root; named paths start there.
    pub(crate) prefix: PathBuf,
    /// How the root was found.
    pub(crate) found: Found,
}

/// Finds the workspace that `start` belongs to: the nearest ancestor with `.backstay/`, else the top of the git work
/// tree, else `start` itself. Inside `.graft/<dependency>` it is the outer workspace.
pub(crate) fn workspace(start: &Path) -> Result<Workspace, Failure> {
    find(start, false)
}

/// The same for a command about dependencies: an ancestor with `graft.yaml` counts as one with `.backstay/` does.
pub(crate) fn workspace_with_dependencies(start: &Path) -> Result<Workspace, Failure> {
    find(start, true)
}

fn find(start: &Path, declared: bool) -> Result<Workspace, Failure> {
    let start = workspace_at(start)?;
    let mut from = start.as_path();
    let (root, found) = loop {
        let (root, found) = nearest(from, declared);
        match outside_of_graft(&root) {
            Some(outer) => from = outer_within(from, &outer),
            None => break (root, found),
        }
    };
    let prefix = start.strip_prefix(&root).map(Path::to_path_buf).unwrap_or_default();
    Ok(Workspace { root, prefix, found })
}

/// The workspace that `-C` names: that directory itself, whatever is above it.
pub(crate) fn exactly(root: &Path) -> Result<Workspace, Failure> {
    let found = workspace_at(root)?;
    Ok(Workspace { root: found, prefix: PathBuf::new(), found: Found::Named })
}

fn workspace_at(directory: &Path) -> Result<PathBuf, Failure> {
    let resolved = directory
        .canonicalize()
        .map_err(|error| Failure::io(format!("cannot use the directory {}", directory.display()), &error))?;
    if resolved.is_dir() {
        Ok(resolved)
    } else {
        Err(Failure::usage(format!("{} is not a directory", directory.display())))
    }
}

fn nearest(start: &Path, declared: bool) -> (PathBuf, Found) {
    let with =
        |name: &str| start.ancestors().find(|directory| directory.join(name).symlink_metadata().is_ok());
    let is_marked = |directory: &&Path| {
        directory.join(OWN_DIRECTORY).is_dir() || (declared && directory.join(DECLARATIONS).is_file())
    };
    if let Some(root) = start.ancestors().find(is_marked) {
        (root.to_path_buf(), Found::Initialized)
    } else if let Some(root) = with(".git") {
        (root.to_path_buf(), Found::GitTop)
    } else {
        (start.to_path_buf(), Found::Here)
    }
}

/// For `<outer>/.graft/<dependency>…`: `<outer>`.
fn outside_of_graft(root: &Path) -> Option<PathBuf> {
    root.ancestors()
        .find(|part| part.file_name().is_some_and(|name| name == ".graft"))?
        .parent()
        .map(Path::to_path_buf)
}

fn outer_within<'a>(from: &'a Path, outer: &Path) -> &'a Path {
    from.ancestors().find(|directory| *directory == outer).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root_from(start: &Path) -> (PathBuf, PathBuf, Found) {
        let found = workspace(start).unwrap();
        (found.root, found.prefix, found.found)
    }

    #[test]
    fn the_nearest_backstay_directory_wins_over_git() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("a/b/.git")).unwrap();
        fs::create_dir_all(top.join("a/b/c")).unwrap();
        assert_eq!(root_from(&top.join("a/b/c")), (top.join("a/b"), "c".into(), Found::GitTop));
        fs::create_dir_all(top.join("a/.backstay")).unwrap();
        assert_eq!(root_from(&top.join("a/b/c")), (top.join("a"), "b/c".into(), Found::Initialized));
    }

    #[test]
    fn an_unmarked_directory_is_its_own_workspace() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        if top.ancestors().any(|directory| directory.join(".git").exists()) {
            return; // The system's temporary directory lies inside a work tree.
        }
        assert_eq!(root_from(&top), (top.clone(), PathBuf::new(), Found::Here));
    }

    #[test]
    fn inside_a_dependency_the_outer_workspace_is_meant() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("w/.git")).unwrap();
        fs::create_dir_all(top.join("w/.graft/kb/deep")).unwrap();
        fs::write(top.join("w/.graft/kb/.git"), "gitdir: ../../.git/modules/kb").unwrap();
        assert_eq!(root_from(&top.join("w/.graft/kb/deep")).0, top.join("w"));
    }

    #[test]
    fn declarations_mark_a_workspace_for_commands_about_them_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(top.join(".git")).unwrap();
        fs::create_dir_all(top.join("app/src/deep")).unwrap();
        fs::create_dir_all(top.join("app/.graft/kb/sub")).unwrap();
        for file in ["app/graft.yaml", "app/.graft/kb/graft.yaml"] {
            fs::write(top.join(file), "apiVersion: graft/v0\n").unwrap();
        }
        let with = |start: &str| workspace_with_dependencies(&top.join(start)).unwrap().root;
        assert_eq!(with("app/src/deep"), top.join("app"));
        assert_eq!(with("app/.graft/kb/sub"), top.join("app"));
        assert_eq!(root_from(&top.join("app/src/deep")).0, top);
    }

    #[test]
    fn a_file_is_no_workspace() {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(workspace(scratch.path()).unwrap_err().exit_code(), 2);
    }
}
