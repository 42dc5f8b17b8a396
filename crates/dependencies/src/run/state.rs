//! `.graft/run-state`: what commands hand on to each other, and how far a sequence came.

use std::io::Read;
use std::path::{Path, PathBuf};

use backstay_model::Timestamp;
use serde::Serialize;

use crate::error::{DependencyError, Result};

/// The most bytes of a state that become a variable.
const MAX_VALUE_BYTES: u64 = 64 * 1024;

/// The directory of states.
#[derive(Debug, Clone)]
pub struct StateDirectory(PathBuf);

/// How far a sequence came: `sequence-state.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SequenceState {
    /// The sequence.
    pub sequence: String,
    /// The names of its steps.
    pub steps: Vec<String>,
    /// How many of them succeeded.
    pub completed: usize,
    /// `running`, `completed` or `failed`.
    pub status: &'static str,
    /// The step that runs or failed.
    pub current_step: Option<String>,
    /// The exit code of the step that failed.
    pub exit_code: Option<i32>,
    /// When the sequence began.
    pub started_at: Timestamp,
    /// When this was written.
    pub updated_at: Timestamp,
}

impl StateDirectory {
    /// That of the workspace at `root`. Makes nothing.
    pub fn of(root: &Path) -> Self {
        Self(root.join(".graft/run-state"))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the directory, which git ignores.
    pub fn create(&self) -> Result<()> {
        let ignore = self.0.join(".gitignore");
        let made = std::fs::create_dir_all(&self.0).and_then(|()| {
            // An empty one was left by a process that was killed between making and filling it.
            let is_there = ignore.symlink_metadata().is_ok_and(|found| !found.is_file() || found.len() > 0);
            if is_there { Ok(()) } else { std::fs::write(&ignore, "*\n") }
        });
        made.map_err(|error| DependencyError::io("create", &self.0, error))
    }

    /// What was written for the state `name`: `<name>.json`, else `<name>`. `None` when nothing was, or nothing that can be
    /// the value of a variable.
    pub fn value(&self, name: &str) -> Option<String> {
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
        let read = |file: String| -> Option<String> {
            let mut text = String::new();
            let opened = std::fs::File::open(self.0.join(file)).ok()?;
            opened.take(MAX_VALUE_BYTES + 1).read_to_string(&mut text).ok()?;
            (text.len() as u64 <= MAX_VALUE_BYTES && !text.contains('\0')).then(|| text.trim_end().to_owned())
        };
        if is_plain { read(format!("{name}.json")).or_else(|| read(name.to_owned())) } else { None }
    }

    /// Writes how far a sequence came, whole or not at all.
    pub fn save(&self, state: &SequenceState) -> Result<()> {
        let path = self.0.join("sequence-state.json");
        let failed = |error| DependencyError::io("write", &path, error);
        let text = serde_json::to_vec_pretty(state).map_err(|error| failed(error.into()))?;
        let mut file = tempfile::NamedTempFile::new_in(&self.0).map_err(failed)?;
        std::io::Write::write_all(&mut file, &text).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}
