//! Which entries of a workspace are left out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Deserialize, Serialize};

use crate::error::WorkspaceError;
use crate::fs::join;

/// The directory in which Backstay keeps its own files.
pub const OWN_DIRECTORY: &str = ".backstay";

/// The file of exclude rules, in the language of `.gitignore`; it holds for its directory and below.
pub const IGNORE_FILE: &str = ".backstayignore";

/// The longest ignore file that is read, in bytes.
pub(crate) const LONGEST_IGNORE_FILE: u64 = 4 << 20;

/// What a capture leaves out beside `.backstay`, the repository and what `.backstayignore` files name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExcludeOptions {
    /// Patterns in the language of `.gitignore`, relative to the root.
    pub patterns: Vec<String>,
    /// Also obey `.gitignore` files.
    pub respect_gitignore: bool,
    /// Include `.git`.
    pub with_git: bool,
    /// Include other file systems mounted inside the workspace.
    pub cross_mounts: bool,
}

/// The rules that hold everywhere in a workspace.
#[derive(Debug)]
pub(crate) struct Rules {
    options: ExcludeOptions,
    patterns: Gitignore,
}

/// The rules of a directory: its own ignore files and those of the directories above. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleChain(Option<Arc<Level>>);

#[derive(Debug)]
struct Level {
    above: RuleChain,
    /// How many bytes of a path lie above the directory of these rules, with the `/`.
    prefix_bytes: usize,
    /// Strongest first.
    matchers: Vec<Gitignore>,
}

impl Rules {
    pub(crate) fn new(options: ExcludeOptions) -> Result<Self, WorkspaceError> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in &options.patterns {
            builder.add_line(None, pattern).map_err(|error| WorkspaceError::BadPattern {
                pattern: pattern.clone(),
                reason: error.to_string(),
            })?;
        }
        let patterns = builder.build().map_err(|error| WorkspaceError::BadPattern {
            pattern: options.patterns.join(" "),
            reason: error.to_string(),
        })?;
        Ok(Self { options, patterns })
    }

    pub(crate) fn cross_mounts(&self) -> bool {
        self.options.cross_mounts
    }

    /// The names of ignore files, the strongest first.
    pub(crate) fn ignore_files(&self) -> &'static [&'static str] {
        if self.options.respect_gitignore { &[IGNORE_FILE, ".gitignore"] } else { &[IGNORE_FILE] }
    }

    /// Whether `name` in the directory `parent` is left out. Does not look at the directories above: what lies in an
    /// excluded directory is never asked for.
    pub(crate) fn excludes(&self, chain: &RuleChain, parent: &[u8], name: &[u8], is_dir: bool) -> bool {
        if name == OWN_DIRECTORY.as_bytes() || (name == b".git" && !self.options.with_git) {
            return true;
        }
        if self.patterns.is_empty() && chain.0.is_none() {
            return false;
        }
        let path = join(parent, name);
        match self.patterns.matched(as_path(&path), is_dir) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
        let mut at = chain;
        while let Some(level) = &at.0 {
            for matcher in &level.matchers {
                match matcher.matched(as_path(&path[level.prefix_bytes..]), is_dir) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            at = &level.above;
        }
        false
    }

    /// The chain of the directory at `path`, whose ignore files, in the order of [`Rules::ignore_files`], hold `texts`.
    pub(crate) fn descend(above: &RuleChain, path: &[u8], texts: &[Vec<u8>]) -> RuleChain {
        let matchers: Vec<Gitignore> =
            texts.iter().map(|text| parse(text)).filter(|matcher| !matcher.is_empty()).collect();
        if matchers.is_empty() {
            return above.clone();
        }
        let prefix_bytes = if path.is_empty() { 0 } else { path.len() + 1 };
        RuleChain(Some(Arc::new(Level { above: above.clone(), prefix_bytes, matchers })))
    }
}

/// Reads an ignore file. A line that is no pattern is skipped, as git does.
fn parse(text: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in text.split(|b| *b == b'\n') {
        if let Ok(line) = std::str::from_utf8(line) {
            let _ = builder.add_line(None, line.strip_suffix('\r').unwrap_or(line));
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

impl Drop for Level {
    /// Takes the chain apart in a loop: it can be as long as the tree is deep.
    fn drop(&mut self) {
        let mut above = self.above.0.take();
        while let Some(level) = above {
            let Some(mut level) = Arc::into_inner(level) else { return };
            above = level.above.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(patterns: &[&str]) -> Rules {
        let patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Rules::new(ExcludeOptions { patterns, ..ExcludeOptions::default() }).unwrap()
    }

    #[test]
    fn own_files_and_git_are_left_out_everywhere() {
        let rules = rules(&[]);
        let chain = RuleChain::default();
        assert!(rules.excludes(&chain, b"", b".backstay", true));
        assert!(rules.excludes(&chain, b"a/b", b".git", true));
        assert!(!rules.excludes(&chain, b"", b".gitignore", false));
        let with_git = Rules::new(ExcludeOptions { with_git: true, ..ExcludeOptions::default() }).unwrap();
        assert!(!with_git.excludes(&chain, b"", b".git", true));
    }

    #[test]
    fn a_nested_file_overrules_the_one_above() {
        let rules = rules(&[]);
        let root = Rules::descend(&RuleChain::default(), b"", &[b"*.log\n/top\n".to_vec()]);
        let nested = Rules::descend(&root, b"a", &[b"!keep.log\nbuild/\n".to_vec()]);
        assert!(rules.excludes(&root, b"", b"x.log", false));
        assert!(rules.excludes(&root, b"", b"top", false));
        assert!(!rules.excludes(&nested, b"a", b"top", false));
        assert!(rules.excludes(&nested, b"a/c", b"x.log", false));
        assert!(!rules.excludes(&nested, b"a", b"keep.log", false));
        assert!(rules.excludes(&nested, b"a", b"build", true));
        assert!(!rules.excludes(&nested, b"a", b"build", false));
    }

    #[test]
    fn patterns_come_from_the_root_and_match_bytes() {
        let rules = rules(&["/data/*.bin", "target/"]);
        let chain = RuleChain::default();
        assert!(rules.excludes(&chain, b"data", b"\xff.bin", false));
        assert!(!rules.excludes(&chain, b"other/data", b"x.bin", false));
        assert!(rules.excludes(&chain, b"a/b", b"target", true));
    }

    #[test]
    fn a_chain_of_any_length_can_be_dropped() {
        let rules = rules(&[]);
        let mut chain = RuleChain::default();
        for _ in 0..200_000 {
            chain = RuleChain(Some(Arc::new(Level { above: chain, prefix_bytes: 0, matchers: Vec::new() })));
        }
        drop(chain);
        assert!(rules.ignore_files().contains(&IGNORE_FILE));
    }
}
