//! What moving dependencies changes by itself: checkouts, the two files, git's own files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::mutate;
use backstay_source_workspace::{ChangeSet, Seen, WorkspaceError};

use super::found::FILES;
use super::in_place;
use super::site::{Isolation, Site};
use super::work::Work;
use crate::error::Result;
use crate::open::cannot;

/// Git's index.
const INDEX: &[u8] = b".git/index";

/// Where in the scratch directory it is drafted.
const PINS: &str = "pins";

impl Work {
    /// Drafts the moves in `scratch`: what the site gets.
    pub(super) fn draft_site(&self, scratch: &Path) -> Result<Vec<Step>> {
        let options = mutate::Options { stage: false, offline: true, force: false, now: self.now };
        Ok(self.draft(scratch, &options, None)?.steps)
    }

    fn draft(
        &self,
        scratch: &Path,
        options: &mutate::Options,
        yaml: Option<String>,
    ) -> Result<mutate::Drafted<Vec<mutate::Moved>>> {
        let moves: Vec<mutate::Move> = self
            .moves
            .iter()
            .map(|planned| mutate::Move {
                name: planned.name.clone(),
                reference: planned.reference.clone(),
                commit: planned.commit.clone(),
            })
            .collect();
        Ok(mutate::upgrade(&self.found.workspace, Draft::new(scratch), options, &moves, yaml)?)
    }

    /// Takes what is not at the site: the two files and git's own, drafted anew from what they are by now. Returns whether the
    /// index is left alone because of edits that are not staged.
    pub(super) fn take_pins(&self, set: &mut ChangeSet, site: &Site) -> Result<bool> {
        let is_in_place = site.isolation() == Isolation::InPlace;
        let edited_yaml = site.changed_text(FILES[0]);
        let edited_yaml = if is_in_place {
            self.take_files_back()?;
            edited_yaml
                .filter(|text| blake3::hash(text.as_bytes()).to_hex().to_string() != self.yaml_digest())
        } else {
            self.refuse_edited()?;
            edited_yaml
        };
        let scratch = set.scratch().join(PINS);
        std::fs::create_dir(&scratch).map_err(|error| cannot("create", &scratch, error))?;
        set.expect(INDEX, Seen::look(&self.root, INDEX)?)?;
        // In place, commands may have changed tracked files of a checkout.
        let options = mutate::Options {
            stage: !self.request.no_stage,
            offline: true,
            force: is_in_place,
            now: self.now,
        };
        let drafted = self.draft(&scratch, &options, edited_yaml)?;
        for step in drafted.steps {
            match step {
                Step::Hold { path } => set.hold(path.as_bytes())?,
                Step::Write { path, content } => set.write(path.as_bytes(), &content, None)?,
                Step::Replace { path, prepared } => {
                    set.replace(path.as_bytes(), format!("{PINS}/{prepared}").as_bytes())?;
                }
                Step::RemoveFile { path } if !is_checkout(&path) => set.remove_file(&path)?,
                // The checkout is at the site; that the two files stay as they are is expected already.
                Step::Place { .. }
                | Step::RemoveFile { .. }
                | Step::RemoveTree { .. }
                | Step::RemoveEmpty { .. }
                | Step::SetAside { .. }
                | Step::BringBack { .. }
                | Step::Expect { .. } => {}
            }
        }
        Ok(drafted.not_staged)
    }

    /// Someone else may have edited the two files while the commands ran.
    fn refuse_edited(&self) -> Result<()> {
        let mut edited = Vec::new();
        for (file, seen) in &self.found.seen {
            if Seen::look(&self.root, file.as_bytes())? != *seen {
                edited.push((*file).to_owned());
            }
        }
        if edited.is_empty() { Ok(()) } else { Err(WorkspaceError::Conflict { paths: edited }.into()) }
    }

    fn yaml_digest(&self) -> String {
        self.found.digests.yaml.clone().unwrap_or_default()
    }

    /// Commands in the workspace itself may have changed the two files, of which the draft has to be made as they were: the
    /// lock belongs to us, and what they made of the declarations is put in with the new refs.
    fn take_files_back(&self) -> Result<()> {
        for file in FILES {
            let Some(content) = in_place::saved(&self.root, &self.operation, file)? else { continue };
            let path = self.root.join(file);
            if std::fs::read(&path).ok().as_ref() == Some(&content) {
                continue;
            }
            if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
                return Err(WorkspaceError::Conflict { paths: vec![file.to_owned()] }.into());
            }
            std::fs::write(&path, content).map_err(|error| cannot("write", &path, error))?;
        }
        Ok(())
    }
}

/// Puts the checkout at its new commit to the site, with the git files that belong to it.
pub(super) fn populate(site: &Site, scratch: &Path, drafted: &[Step]) -> Result<()> {
    let path_of = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    for step in drafted {
        match step {
            Step::Write { path, content } if path.starts_with(".git/modules/") => {
                site.write(Path::new(path), content)?;
            }
            Step::Place { path, prepared } if is_checkout(path) => {
                site.put(&path_of(path), &scratch.join(path_of(prepared)))?;
            }
            Step::RemoveFile { path } | Step::RemoveTree { path } if is_checkout(path) => {
                site.remove(&path_of(path))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_checkout(path: &[u8]) -> bool {
    path.starts_with(b".graft/")
}
