//! What a change of the workspace would write: a list of steps, for the engine that makes all of them happen or none.

use std::path::{Path, PathBuf};

/// One step. Paths are relative to the root of the workspace and may lie in `.git`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The file must still be as it is now when the change commits.
    Expect {
        /// The path.
        path: String,
    },
    /// The file is created while the change happens, so that another program keeps away.
    Hold {
        /// The path.
        path: String,
    },
    /// The file is created or replaced.
    Write {
        /// The path.
        path: String,
        /// Its content.
        content: Vec<u8>,
    },
    /// The file is created or replaced by one that was prepared in the scratch directory.
    Replace {
        /// The path.
        path: String,
        /// Its name in the scratch directory.
        prepared: String,
    },
    /// What was prepared in the scratch directory is moved to its place.
    Place {
        /// The path.
        path: Vec<u8>,
        /// Its name in the scratch directory.
        prepared: Vec<u8>,
    },
    /// The file or link is removed.
    RemoveFile {
        /// The path.
        path: Vec<u8>,
    },
    /// The directory is removed with all that is in it.
    RemoveTree {
        /// The path.
        path: Vec<u8>,
    },
    /// The directory is removed when nothing is left in it.
    RemoveEmpty {
        /// The path.
        path: Vec<u8>,
    },
    /// The directory is moved to where an undo finds it.
    SetAside {
        /// The path.
        path: Vec<u8>,
        /// Under which name it is kept.
        name: String,
    },
    /// What the undone change set aside is put to its place, as a copy.
    BringBack {
        /// The path.
        path: Vec<u8>,
        /// Under which name it is kept.
        name: String,
    },
}

/// The steps of one change, and the directory in which its parts are prepared.
///
/// The directory lies on the file system of the workspace and belongs to the change alone; it is for the caller to make
/// and to remove.
#[derive(Debug)]
pub struct Draft {
    scratch: PathBuf,
    steps: Vec<Step>,
    prepared: usize,
}

impl Draft {
    /// A draft without steps.
    pub fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_path_buf(), steps: Vec::new(), prepared: 0 }
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether nothing would be changed.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Expect { .. } | Step::Hold { .. }))
    }

    /// Forgets the steps after the first `count`.
    pub(crate) fn go_back_to(&mut self, count: usize) {
        self.steps.truncate(count);
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// A new name in the scratch directory, and its path.
    pub(crate) fn prepare(&mut self, what: &str) -> (String, PathBuf) {
        self.prepared += 1;
        let name = format!("d-{}-{what}", self.prepared);
        let path = self.scratch.join(&name);
        (name, path)
    }
}
