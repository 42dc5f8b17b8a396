//! Paths that a person names, as paths inside the workspace.

use std::path::{Component, Path, PathBuf};

use crate::discover::Workspace;
use crate::failure::Failure;

/// `named`, which is relative to where the command stands or absolute, as a path relative to the root of the workspace.
/// The root itself is the empty path. Nothing is looked up, so the path need not exist and may be a glob.
pub(crate) fn relative(workspace: &Workspace, named: &Path) -> Result<PathBuf, Failure> {
    let outside = || {
        Failure::usage(format!("{} is outside the workspace {}", named.display(), workspace.root.display()))
            .hint("name paths inside the workspace, or choose another one with -C")
    };
    let from_root = if named.is_absolute() {
        within(&workspace.root, named).ok_or_else(outside)?
    } else {
        workspace.prefix.join(named)
    };
    let mut normal = PathBuf::new();
    for component in from_root.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return Err(outside());
                }
            }
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    Ok(normal)
}

/// Every path of `named`; an empty list when the root is among them or nothing is named, which means everything.
pub(crate) fn scope(workspace: &Workspace, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let paths = named.iter().map(|path| relative(workspace, path)).collect::<Result<Vec<_>, _>>()?;
    if paths.iter().any(|path| path.as_os_str().is_empty()) { Ok(Vec::new()) } else { Ok(paths) }
}

fn within(root: &Path, named: &Path) -> Option<PathBuf> {
    if let Ok(rest) = named.strip_prefix(root) {
        return Some(rest.to_path_buf());
    }
    // The root has its symlinks resolved; the person may have named it through one.
    named.ancestors().skip(1).find_map(|ancestor| {
        let resolved = ancestor.canonicalize().ok()?;
        let rest = resolved.join(named.strip_prefix(ancestor).ok()?);
        rest.strip_prefix(root).ok().map(Path::to_path_buf)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Found;

    fn workspace() -> Workspace {
        Workspace { root: "/w".into(), prefix: "src/deep".into(), found: Found::Here }
    }

    #[test]
    fn names_start_where_the_command_stands() {
        let path =
            |named: &str| relative(&workspace(), Path::new(named)).map_err(|failure| failure.exit_code());
        assert_eq!(path("a.rs"), Ok("src/deep/a.rs".into()));
        assert_eq!(path("../../b*.md"), Ok("b*.md".into()));
        assert_eq!(path("/w/c"), Ok("c".into()));
        assert_eq!(path("../.."), Ok("".into()));
        assert_eq!(path("../../.."), Err(2));
        assert_eq!(path("/etc/passwd"), Err(2));
        assert_eq!(path("/w/../etc"), Err(2));
    }

    #[test]
    fn the_root_means_everything() {
        assert_eq!(scope(&workspace(), &["a".into(), "../..".into()]).unwrap(), Vec::<PathBuf>::new());
    }
}
