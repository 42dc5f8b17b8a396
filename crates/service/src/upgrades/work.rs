//! The blocking part of an upgrade: private copy, commands, and the change of the workspace.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::declarations::edit;
use backstay_dependencies::{Pin, mutate};
use backstay_model::{ErrorKind, OperationId, SnapshotId, Timestamp};
use backstay_process::{End, Outcome, Supervisor, run as run_command};
use backstay_source_workspace::{
    Applied, ChangeSet, ChangeSetOptions, Layer, LayerEntry, Seen, Steps, WorkspaceError, WorkspaceLock,
};

use super::commands::command_of;
use super::found::Found;
use super::output::Recorder;
use super::private_copy::PrivateCopy;
use super::targets::{Move, PlannedStep, StepKind};
use crate::error::{CANCELLED, Result, ServiceError};
use crate::open::cannot;
use crate::restore::ChangedPaths;
use crate::run::Run;
use crate::snapshots::Stored;
use crate::view::{CannotRestore, UpgradeEvent, UpgradeRequest, UpgradeStep};

/// Git's index.
const INDEX: &[u8] = b".git/index";

/// How much of what a failed command said is quoted.
const QUOTED_BYTES: usize = 2000;

/// Everything that the work needs.
pub(super) struct Work {
    pub(super) root: PathBuf,
    pub(super) lock: Arc<WorkspaceLock>,
    pub(super) operation: OperationId,
    pub(super) found: Found,
    pub(super) moves: Vec<Move>,
    pub(super) request: UpgradeRequest,
    pub(super) before: Stored,
    pub(super) snapshot: SnapshotId,
    /// The time of the file system before the snapshot was begun.
    pub(super) began_ns: i64,
    pub(super) now: Timestamp,
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) recorder: Recorder,
    pub(super) run: Run,
}

/// How the work ended.
pub(super) struct Ended {
    pub(super) steps: Vec<UpgradeStep>,
    pub(super) not_restored: Vec<CannotRestore>,
    pub(super) result: Result<Applied>,
}

impl Work {
    /// Does it. After an error the workspace is as it was, unless the error says that the flip is unfinished.
    pub(super) fn run(self) -> Ended {
        let mut ended = Ended { steps: Vec::new(), not_restored: Vec::new(), result: Err(stopped()) };
        ended.result = self.change(&mut ended.steps, &mut ended.not_restored);
        ended
    }

    fn change(&self, steps: &mut Vec<UpgradeStep>, not_restored: &mut Vec<CannotRestore>) -> Result<Applied> {
        let options = ChangeSetOptions {
            operation: self.operation.clone(),
            kind: "upgrade".to_owned(),
            snapshot: None,
            safety_snapshot: Some(self.snapshot.clone()),
            steps: Steps::unlimited(),
        };
        let mut set = ChangeSet::begin(&self.root, &self.lock, options)?;
        for (file, seen) in &self.found.seen {
            set.expect(file.as_bytes(), *seen)?;
        }
        let drafted = self.draft(set.scratch())?;
        let copy = PrivateCopy::make(&self.root, set.scratch(), &self.supervisor, &self.run.cancel)?;
        populate(&copy, set.scratch(), &drafted)?;
        self.run_steps(&copy, steps, not_restored)?;
        self.run.cancel.check()?;

        let entries = copy.changes()?;
        let made_commits = entries.iter().any(|entry| is_ref(&entry.path));
        if made_commits {
            not_restored.push(note(".git", "what commands changed in git stays in their private copy"));
        }
        let entries: Vec<LayerEntry> = entries.into_iter().filter(|entry| !is_ours(&entry.path)).collect();
        let opened = self.before.open()?;
        let seen = |path: &[u8]| -> Result<Option<Seen>, WorkspaceError> {
            let found = opened.reader.lookup_path(&opened.manifest.root, path)?;
            Ok(found.as_ref().map(Seen::stored))
        };
        let layer =
            Layer { directory: copy.directory(), entries: &entries, seen: &seen, made_at_ns: self.began_ns };
        for path in set.take_layer(&layer)? {
            let path = String::from_utf8_lossy(&path).into_owned();
            not_restored.push(note(&path, "it is no file, directory or link, and stays in the private copy"));
        }
        self.take_pins(&mut set, &copy)?;
        self.run.cancel.check()?;
        let paths = ChangedPaths::of_changes(set.changes());
        Ok(set.commit(paths.to_json())?)
    }

    /// What moving the dependencies changes by itself, prepared in `scratch`.
    fn draft(&self, scratch: &Path) -> Result<Vec<Step>> {
        let options =
            mutate::Options { stage: !self.request.no_stage, offline: true, force: false, now: self.now };
        let moves: Vec<mutate::Move> = self
            .moves
            .iter()
            .map(|planned| mutate::Move {
                name: planned.name.clone(),
                reference: planned.reference.clone(),
                commit: planned.commit.clone(),
            })
            .collect();
        Ok(mutate::upgrade(&self.found.workspace, Draft::new(scratch), &options, &moves)?.steps)
    }

    /// Migrations of all dependencies in order, each followed by its checks.
    fn run_steps(
        &self,
        copy: &PrivateCopy,
        steps: &mut Vec<UpgradeStep>,
        not_restored: &mut Vec<CannotRestore>,
    ) -> Result<()> {
        for planned in &self.moves {
            for step in &planned.steps {
                self.run_step(copy, planned, step, steps, not_restored)?;
            }
        }
        Ok(())
    }

    fn run_step(
        &self,
        copy: &PrivateCopy,
        planned: &Move,
        step: &PlannedStep,
        steps: &mut Vec<UpgradeStep>,
        not_restored: &mut Vec<CannotRestore>,
    ) -> Result<()> {
        self.run.cancel.check()?;
        let command = command_of(step, &planned.name, copy, &self.request)?;
        let number = steps.len();
        let (kind, name) = (step.kind.as_str().to_owned(), step.command.name.clone());
        let started = UpgradeEvent::Started {
            step: number,
            dependency: planned.name.to_string(),
            change: step.change.clone(),
            kind: kind.clone(),
            name: name.clone(),
        };
        self.recorder.started(number, &started);
        let began = Instant::now();
        let outcome = run_command(
            &self.supervisor,
            &command,
            &mut |stream, bytes| self.recorder.wrote(stream, bytes),
            &|| self.run.cancel.is_cancelled(),
        );
        let (exit_code, timed_out, duration) = match &outcome {
            Ok(outcome) => (exit_code(outcome), outcome.end == End::TimedOut, outcome.duration),
            Err(_) => (None, false, began.elapsed()),
        };
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.recorder.tell(&UpgradeEvent::Ended { step: number, exit_code, duration_ms, timed_out });
        steps.push(UpgradeStep {
            dependency: planned.name.to_string(),
            change: step.change.clone(),
            kind,
            name,
            exit_code,
            duration_ms,
            timed_out,
        });
        if number == 0 {
            not_restored.push(note(
                "(outside of the workspace)",
                "effects of commands on the network, on databases and on paths outside of the root are not put back",
            ));
        }
        let outcome = outcome?;
        for left in outcome.leftovers.iter().filter(|left| !left.ended) {
            let reason = format!("process {} ({}) of a command could not be ended", left.pid, left.name);
            not_restored.push(note("(processes)", &reason));
        }
        judge(step, &outcome, duration_ms)
    }

    /// Takes what is not in the private copy: the two files and git's own, drafted anew from what they are by now.
    fn take_pins(&self, set: &mut ChangeSet, copy: &PrivateCopy) -> Result<()> {
        let mut edited = Vec::new();
        for (file, seen) in &self.found.seen {
            if Seen::look(&self.root, file.as_bytes())? != *seen {
                edited.push((*file).to_owned());
            }
        }
        if !edited.is_empty() {
            return Err(WorkspaceError::Conflict { paths: edited }.into());
        }
        let scratch = set.scratch().join("pins");
        std::fs::create_dir(&scratch).map_err(|error| cannot("create", &scratch, error))?;
        set.expect(INDEX, Seen::look(&self.root, INDEX)?)?;
        for step in self.draft(&scratch)? {
            match step {
                Step::Hold { path } => set.hold(path.as_bytes())?,
                Step::Write { path, content } => {
                    let changed = if path == "graft.yaml" { copy.changed_text(&path) } else { None };
                    let content = match changed {
                        Some(changed) => self.moved_yaml(changed)?.into_bytes(),
                        None => content,
                    };
                    set.write(path.as_bytes(), &content, None)?;
                }
                Step::RemoveFile { path } if !is_checkout(&path) => set.remove_file(&path)?,
                // The checkout is in the private copy; that the two files stay as they are is expected already.
                Step::Place { .. }
                | Step::RemoveFile { .. }
                | Step::RemoveTree { .. }
                | Step::Expect { .. } => {}
            }
        }
        Ok(())
    }

    /// The same moves in a `graft.yaml` that a migration has changed.
    fn moved_yaml(&self, mut text: String) -> Result<String> {
        for planned in &self.moves {
            if let Some(declared) = self.found.declared.dependency(&planned.name) {
                let pin = Pin { source: declared.source.clone(), reference: planned.reference.clone() };
                text = edit::set(&text, &planned.name, &pin)?;
            }
        }
        Ok(text)
    }
}

/// Puts the checkout at its new commit into the private copy, with the git files that belong to it.
fn populate(copy: &PrivateCopy, scratch: &Path, drafted: &[Step]) -> Result<()> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let path_of = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    for step in drafted {
        match step {
            Step::Write { path, content } if path.starts_with(".git/modules/") => {
                copy.write(Path::new(path), content)?;
            }
            Step::Place { path, prepared } if is_checkout(path) => {
                copy.put(&path_of(path), &scratch.join(path_of(prepared)))?;
            }
            Step::RemoveFile { path } | Step::RemoveTree { path } if is_checkout(path) => {
                copy.remove(&path_of(path))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_checkout(path: &[u8]) -> bool {
    path.starts_with(b".graft/")
}

/// Paths that the upgrade itself changes.
fn is_ours(path: &[u8]) -> bool {
    path == b"graft.yaml"
        || path == b"graft.lock"
        || path == b".git"
        || path.starts_with(b".git/")
        || path == b".backstay"
        || path.starts_with(b".backstay/")
}

fn is_ref(path: &[u8]) -> bool {
    path.starts_with(b".git/refs/heads/") || path.starts_with(b".git/refs/tags/")
}

fn exit_code(outcome: &Outcome) -> Option<i32> {
    match outcome.end {
        End::Exited { code } => Some(code),
        End::Signalled { signal } => Some(128 + signal),
        End::TimedOut | End::Cancelled => None,
    }
}

/// Whether the command did what it should.
fn judge(step: &PlannedStep, outcome: &Outcome, duration_ms: u64) -> Result<()> {
    let what = match step.kind {
        StepKind::Migration => "Migration",
        StepKind::Verify => "Verification",
    };
    let name = &step.command.name;
    let (code, why) = match outcome.end {
        End::Exited { code: 0 } => return Ok(()),
        End::Exited { code } => ("command_failed", format!("exited with code {code}")),
        End::Signalled { signal } => ("command_failed", format!("was ended by signal {signal}")),
        End::TimedOut => ("timed_out", format!("was over its limit after {duration_ms} ms")),
        End::Cancelled => return Err(stopped()),
    };
    let said = outcome.output.last_lines(QUOTED_BYTES);
    let said = said.trim_end();
    let message = format!("{what} `{name}` of {} {why}", step.change);
    let message = if said.is_empty() { message } else { format!("{message}:\n{said}") };
    Err(ServiceError::conflict(message).code(code))
}

fn stopped() -> ServiceError {
    ServiceError::new(ErrorKind::Conflict, "The upgrade was interrupted").code(CANCELLED)
}

pub(super) fn note(path: &str, reason: &str) -> CannotRestore {
    CannotRestore { path: path.to_owned(), reason: reason.to_owned() }
}

/// How many paths were changed, in each way.
pub(super) fn count(applied: &Applied) -> crate::view::PathCounts {
    use backstay_source_workspace::PathChangeKind;
    let mut kinds: HashMap<PathChangeKind, u64> = HashMap::new();
    for change in applied.changes.iter().filter(|change| !change.path.starts_with(b".git/")) {
        *kinds.entry(change.kind).or_default() += 1;
    }
    let of = |kind| kinds.get(&kind).copied().unwrap_or_default();
    crate::view::PathCounts {
        added: of(PathChangeKind::Added),
        modified: of(PathChangeKind::Modified),
        deleted: of(PathChangeKind::Deleted),
    }
}
