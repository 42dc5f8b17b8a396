//! Everything except the data: keys, index, manifests, pages, and which packs there are.

use std::collections::HashSet;

use super::Verification;
use super::report::{DamagedObject, SnapshotDamage};
use crate::error::{RepositoryError, Result};
use crate::id::{ChunkId, ManifestId};
use crate::keys;
use crate::maintenance::live::Live;
use crate::maintenance::survey::is_damage;
use crate::manifest::Manifest;
use crate::reader::{ChunkRole, walk_with};
use crate::repository::Repository;

/// What the snapshots to be verified consist of.
pub(super) struct Structure {
    /// The manifests that can be read.
    pub(super) manifests: Vec<(ManifestId, Manifest)>,
    pub(super) live: Live,
    /// Chunks that are needed and not in the index.
    pub(super) missing: HashSet<ChunkId>,
}

impl Structure {
    pub(super) fn check(verification: &Verification<'_>, repository: &Repository) -> Result<Self> {
        let survey = verification.survey;
        let mut structure = Self { manifests: Vec::new(), live: Live::new(survey), missing: HashSet::new() };
        if verification.options.manifests.is_none() {
            verification.check_keys()?;
        }
        verification.check_packs();
        let ids = verification.options.manifests.as_ref().unwrap_or(&survey.manifests);
        for id in ids {
            verification.options.cancel.check()?;
            match repository.read_manifest(id) {
                Ok(manifest) => {
                    verification.report.lock().checked_snapshots.push(*id);
                    structure.walk(verification, &manifest)?;
                    structure.manifests.push((*id, manifest));
                }
                // Deleted since it was listed.
                Err(RepositoryError::NotFound { .. }) if verification.options.manifests.is_none() => {}
                Err(error) if is_damage(&error) => verification.note_manifest(id, &error),
                Err(error) => return Err(error),
            }
        }
        verification.report.lock().missing_chunks = structure.missing.len() as u64;
        Ok(structure)
    }

    fn walk(&mut self, verification: &Verification<'_>, manifest: &Manifest) -> Result<()> {
        let (shared, survey) = (verification.shared, verification.survey);
        let Self { live, missing, .. } = self;
        let walked = walk_with(&mut |id| survey.chunk(shared, id), &manifest.root, &mut |id, role| {
            verification.options.cancel.check()?;
            let Some(number) = survey.index.chunk_number(&id) else {
                missing.insert(id);
                return Ok(false);
            };
            if !live.visit(survey, &id, role)? || role == ChunkRole::Data {
                return Ok(false);
            }
            match survey.chunk(shared, &id) {
                Ok(_) => Ok(true),
                Err(error) if is_damage(&error) => {
                    verification.note(&error);
                    verification.bad.lock().insert(number);
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        });
        match walked {
            // A page that is authentic and makes no sense; what it leads to is found lost later.
            Err(error @ RepositoryError::Damaged { chunk: Some(page), .. }) => {
                verification.note(&error);
                if let Some(number) = survey.index.chunk_number(&page) {
                    verification.bad.lock().insert(number);
                }
                Ok(())
            }
            walked => walked,
        }
    }
}

impl Verification<'_> {
    pub(super) fn note(&self, error: &RepositoryError) {
        let object = match error {
            RepositoryError::Store(error) => error.subject.clone(),
            _ => String::new(),
        };
        self.report.lock().damaged.push(DamagedObject::of(error, &object));
    }

    fn note_manifest(&self, id: &ManifestId, error: &RepositoryError) {
        let mut report = self.report.lock();
        report.damaged.push(DamagedObject::of(error, &id.object_name()));
        report.snapshots.push(SnapshotDamage {
            manifest: *id,
            snapshot: None,
            lost_count: 0,
            lost: Vec::new(),
        });
    }

    fn check_keys(&self) -> Result<()> {
        let (_, trouble) = keys::read_all(&*self.shared.store)?;
        if let Some(error) = trouble {
            self.note(&error);
        }
        Ok(())
    }

    /// Index objects that cannot be read, packs that are missing or have another length.
    fn check_packs(&self) {
        let survey = self.survey;
        let mut report = self.report.lock();
        report.checked_packs = survey.packs.len() as u64;
        for (id, error) in &survey.damaged_index {
            report.damaged.push(DamagedObject::of(error, &id.object_name()));
        }
        // A marked pack that is gone was collected; if anything needs it all the same, that is found by its chunks.
        for pack in survey.missing_packs.iter().filter(|pack| !survey.markers.contains_key(pack)) {
            report.damaged.push(DamagedObject::new(&pack.object_name(), "it is missing"));
        }
        for pack in &survey.altered_packs {
            report
                .damaged
                .push(DamagedObject::new(&pack.object_name(), "it has another length than it should"));
        }
        let unindexed = survey.packs.keys().filter(|pack| survey.index.pack_number(pack).is_none()).count();
        report.unindexed_packs = unindexed as u64;
    }
}
