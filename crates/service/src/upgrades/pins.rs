//! What moving dependencies changes by itself: checkouts, the two files, git's own files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::declarations::edit;
use backstay_dependencies::{Pin, mutate};
use backstay_source_workspace::{ChangeSet, Seen, WorkspaceError};

use super::found::FILES;
use super::in_place;
use super::site::{Isolation, Site};
use super::work::Work;
use crate::error::Result;
use crate::open::cannot;

/// Git's index.
const INDEX: &[u8] = b".git/index";

/// A drafted move.
pub(super) struct Drafted {
    pub(super) steps: Vec<Step>,
    /// The index is left alone because of edits that are not staged.
    pub(super) not_staged: bool,
}

impl Work {
    /// Drafts the moves in `scratch`. `force` overwrites what commands did to tracked files of a checkout.
    pub(super) fn draft(&self, scratch: &Path, force: bool) -> Result<Drafted> {
        let options = mutate::Options { stage: !self.request.no_stage, offline: true, force, now: self.now };
        let moves: Vec<mutate::Move> = self
            .moves
            .iter()
            .map(|planned| mutate::Move {
                name: planned.name.clone(),
                reference: planned.reference.clone(),
                commit: planned.commit.clone(),
            })
            .collect();
        let drafted = mutate::upgrade(&self.found.workspace, Draft::new(scratch), &options, &moves)?;
        Ok(Drafted { steps: drafted.steps, not_staged: drafted.not_staged })
    }

    /// Takes what is not at the site: the two files and git's own, drafted anew from what they are by now.
    pub(super) fn take_pins(&self, set: &mut ChangeSet, site: &Site) -> Result<()> {
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
        let scratch = set.scratch().join("pins");
        std::fs::create_dir(&scratch).map_err(|error| cannot("create", &scratch, error))?;
        set.expect(INDEX, Seen::look(&self.root, INDEX)?)?;
        for step in self.draft(&scratch, is_in_place)?.steps {
            match step {
                Step::Hold { path } => set.hold(path.as_bytes())?,
                Step::Write { path, content } => {
                    let content = match &edited_yaml {
                        Some(edited) if path == FILES[0] => self.moved_yaml(edited.clone())?.into_bytes(),
                        _ => content,
                    };
                    set.write(path.as_bytes(), &content, None)?;
                }
                Step::RemoveFile { path } if !is_checkout(&path) => set.remove_file(&path)?,
                // The checkout is at the site; that the two files stay as they are is expected already.
                Step::Place { .. }
                | Step::RemoveFile { .. }
                | Step::RemoveTree { .. }
                | Step::Expect { .. } => {}
            }
        }
        Ok(())
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
