//! Which paths an operation is about.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{Result, WorkspaceError};
use crate::fs::display;

/// The paths that an operation is about: everything, or what was named.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `None` selects everything.
    named: Option<Named>,
}

#[derive(Debug, Clone)]
struct Named {
    /// Sorted.
    paths: Vec<Vec<u8>>,
    globs: Option<GlobSet>,
    /// Whether what lies below a path is selected with it.
    with_below: bool,
}

/// How a path stands to a [`Selection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selected {
    /// Not selected, and nothing below it.
    Outside,
    /// Not selected itself; something below it may be.
    Above,
    /// Selected; what is below it is asked for by itself.
    Itself,
    /// Selected, with everything below it.
    Inside,
}

impl Selected {
    pub(crate) const fn is_selected(self) -> bool {
        matches!(self, Self::Itself | Self::Inside)
    }
}

impl Selection {
    /// Everything.
    pub const fn all() -> Self {
        Self { named: None }
    }

    /// Paths relative to the root, each with all that is below it. No path at all, or `.`, selects everything.
    pub fn of_paths<P: AsRef<[u8]>>(paths: &[P]) -> Result<Self> {
        Self::parse(paths, false)
    }

    /// Paths or patterns (`*`, `?`, `[a-z]`, `{a,b}`, `**`) relative to the root, each with all that is below it.
    pub fn of_patterns<P: AsRef<[u8]>>(patterns: &[P]) -> Result<Self> {
        Self::parse(patterns, true)
    }

    /// Exactly these paths, and not what lies below them. Any number of paths is looked up fast.
    pub fn exact<P: AsRef<[u8]>>(paths: &[P]) -> Result<Self> {
        let mut paths = paths.iter().map(|path| normalize(path.as_ref())).collect::<Result<Vec<_>>>()?;
        paths.sort_unstable();
        paths.dedup();
        Ok(Self { named: Some(Named { paths, globs: None, with_below: false }) })
    }

    fn parse<P: AsRef<[u8]>>(texts: &[P], with_globs: bool) -> Result<Self> {
        let mut paths = Vec::with_capacity(texts.len());
        let mut globs = GlobSetBuilder::new();
        let mut any_glob = false;
        for text in texts {
            let path = normalize(text.as_ref())?;
            if path.is_empty() {
                return Ok(Self::all());
            }
            if with_globs
                && path.iter().any(|b| b"*?[{".contains(b))
                && let Ok(pattern) = std::str::from_utf8(&path)
            {
                let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| {
                    WorkspaceError::BadPattern {
                        pattern: pattern.to_owned(),
                        reason: error.kind().to_string(),
                    }
                })?;
                globs.add(glob);
                any_glob = true;
            }
            // A file may be called `a[1]`, so a pattern is a plain path, too.
            paths.push(path);
        }
        if paths.is_empty() {
            return Ok(Self::all());
        }
        paths.sort_unstable();
        paths.dedup();
        let globs = if any_glob {
            Some(globs.build().map_err(|error| WorkspaceError::BadPattern {
                pattern: error.glob().unwrap_or_default().to_owned(),
                reason: error.kind().to_string(),
            })?)
        } else {
            None
        };
        Ok(Self { named: Some(Named { paths, globs, with_below: true }) })
    }

    /// Whether everything is selected.
    pub fn is_all(&self) -> bool {
        self.named.is_none()
    }

    /// The named paths; empty when everything is selected.
    pub fn paths(&self) -> &[Vec<u8>] {
        self.named.as_ref().map_or(&[], |named| &named.paths)
    }

    /// How `path` stands to the selection, given that the directory above it is not selected.
    pub(crate) fn of(&self, path: &[u8]) -> Selected {
        let Some(named) = &self.named else { return Selected::Inside };
        let as_path = std::path::Path::new(OsStr::from_bytes(path));
        let is_named = named.paths.binary_search_by(|wanted| wanted.as_slice().cmp(path)).is_ok();
        if is_named || named.globs.as_ref().is_some_and(|globs| globs.is_match(as_path)) {
            return if named.with_below { Selected::Inside } else { Selected::Itself };
        }
        let mut below = path.to_vec();
        if !path.is_empty() {
            below.push(b'/');
        }
        let at = named.paths.partition_point(|wanted| *wanted < below);
        let is_above =
            named.globs.is_some() || named.paths.get(at).is_some_and(|wanted| wanted.starts_with(&below));
        if is_above { Selected::Above } else { Selected::Outside }
    }

    /// Whether something below `path`, which is not selected itself, may be.
    pub fn leads_through(&self, path: &[u8]) -> bool {
        self.of(path) == Selected::Above
    }

    /// Whether `path` is selected, by its own name or by a directory above it.
    pub fn contains(&self, path: &[u8]) -> bool {
        let mut ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        ends.any(|end| self.of(&path[..end]) == Selected::Inside) || self.of(path).is_selected()
    }
}

/// Without `.`, doubled or final `/`; refuses what leads out of the root.
pub(crate) fn normalize(text: &[u8]) -> Result<Vec<u8>> {
    let refuse = || WorkspaceError::BadPath { path: display(text) };
    if text.starts_with(b"/") || text.contains(&0) {
        return Err(refuse());
    }
    let mut path = Vec::with_capacity(text.len());
    for part in text.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(refuse()),
            part => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_selects_itself_and_what_is_below() {
        let selection = Selection::of_paths(&["./src//lib/", "x"]).unwrap();
        assert_eq!(selection.of(b"src"), Selected::Above);
        assert_eq!(selection.of(b"src/lib"), Selected::Inside);
        assert!(selection.contains(b"src/lib/a"));
        assert_eq!(selection.of(b"src/libx"), Selected::Outside);
        assert_eq!(selection.of(b"sr"), Selected::Outside);
        assert!(Selection::of_paths(&["."]).unwrap().is_all());
    }

    #[test]
    fn a_pattern_selects_below_what_it_matches() {
        let selection = Selection::of_patterns(&["src/*.rs", "a[1]"]).unwrap();
        assert!(selection.contains(b"src/x.rs"));
        assert!(selection.contains(b"src/x.rs/below"));
        assert!(!selection.contains(b"src/deep/x.rs"));
        assert!(selection.contains(b"a[1]"));
        assert!(selection.contains(b"a1"));
    }

    #[test]
    fn an_exact_path_does_not_select_what_is_below() {
        let selection = Selection::exact(&["src", "src/a/b", "x"]).unwrap();
        assert_eq!(selection.of(b"src"), Selected::Itself);
        assert_eq!(selection.of(b"src/c"), Selected::Outside);
        assert_eq!(selection.of(b"src/a"), Selected::Above);
        assert!(selection.contains(b"src/a/b"));
        assert!(!selection.contains(b"x/y"));
    }

    #[test]
    fn what_leads_out_is_refused() {
        for path in ["..", "a/../b", "/etc", "a\0b"] {
            assert!(Selection::of_paths(&[path]).is_err(), "{path:?}");
        }
    }
}
