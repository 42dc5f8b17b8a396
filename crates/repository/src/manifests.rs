//! The root manifests of a repository: `snapshots/*`.

use backstay_store::{ObjectName, StoreErrorKind};

use crate::error::{RepositoryError, Result};
use crate::id::ManifestId;
use crate::manifest::Manifest;
use crate::object::{self, ObjectKind};
use crate::repository::Repository;
use crate::tree::DirectoryRef;

/// Where deleted manifests are kept for one grace period: a capture that began before the deletion may still take
/// over their content.
pub(crate) const TRASH_FOLDER: &str = "trash";

/// The name under which a deleted manifest is kept.
pub(crate) fn trash_name(id: &ManifestId) -> ObjectName {
    ObjectName::parse(&format!("{TRASH_FOLDER}/{id}"))
        .expect("a folder and hexadecimal digits are an object name")
}

impl Repository {
    /// The ids of all root manifests, sorted.
    pub fn manifests(&self) -> Result<Vec<ManifestId>> {
        let mut ids = Vec::new();
        self.shared.store.list(ManifestId::FOLDER, &mut |meta| {
            ids.extend(ManifestId::from_object_name(&meta.name));
            true
        })?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Whether there is a root manifest of this id.
    pub fn has_manifest(&self, id: &ManifestId) -> Result<bool> {
        Ok(self.shared.store.head(&id.object_name())?.is_some())
    }

    /// Reads a root manifest; [`RepositoryError::NotFound`] when there is none.
    pub fn read_manifest(&self, id: &ManifestId) -> Result<Manifest> {
        self.read_manifest_at(&id.object_name(), id)
    }

    /// Reads the manifest `id`, stored under `name`.
    pub(crate) fn read_manifest_at(&self, name: &ObjectName, id: &ManifestId) -> Result<Manifest> {
        let bytes = match self.shared.store.get(name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind == StoreErrorKind::NotFound => {
                return Err(RepositoryError::NotFound { object: format!("manifest {id}") });
            }
            Err(error) => return Err(error.into()),
        };
        let plain = object::open(&self.shared.keys, name, id.as_bytes(), ObjectKind::Manifest, &bytes)?;
        decode(&plain).ok_or_else(|| RepositoryError::damaged(name, "it is not readable"))
    }

    /// Makes a root manifest durable; it is the commit point of a capture.
    pub(crate) fn write_manifest(&self, manifest: &Manifest) -> Result<ManifestId> {
        let shared = &self.shared;
        let plain = encode(manifest);
        let (bytes, name) = object::seal(&shared.keys, &*shared.rng, ObjectKind::Manifest, &plain)?;
        let id = ManifestId::from_bytes(name);
        shared.store.put(&id.object_name(), &bytes)?;
        Ok(id)
    }

    /// Removes a root manifest; succeeds when there is none. Its content stays until a collection finds that nothing
    /// references it and the grace period has passed.
    ///
    /// After an error the snapshot is still there, or gone; never half of it.
    pub fn delete_manifest(&self, id: &ManifestId) -> Result<()> {
        let store = &self.shared.store;
        let name = id.object_name();
        match store.get(&name) {
            Ok(bytes) => store.put(&trash_name(id), &bytes)?,
            Err(error) if error.kind == StoreErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        store.delete(&name)?;
        Ok(())
    }
}

/// The plain form of a manifest.
pub(crate) fn encode(manifest: &Manifest) -> Vec<u8> {
    serde_json::to_vec(manifest).expect("a manifest has a JSON form")
}

/// Reads the plain form of a manifest.
pub(crate) fn decode(plain: &[u8]) -> Option<Manifest> {
    serde_json::from_slice(plain)
        .ok()
        .filter(|manifest: &Manifest| DirectoryRef::levels_are_possible(manifest.root.levels))
}
