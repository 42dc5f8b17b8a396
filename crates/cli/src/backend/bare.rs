//! A repository itself, without any catalog.

use std::path::PathBuf;

use backstay_model::{ErrorKind, Kind, SnapshotId, Trigger};
use backstay_repository::{Credential, Manifest, ManifestId, Repository};

use super::store::Location;
use crate::context::Context;
use crate::discover::OWN_DIRECTORY;
use crate::failure::Failure;
use crate::secrets::CredentialSources;

/// Where a repository is and where its password or key may come from.
#[derive(Debug, Clone)]
pub(crate) struct Bare {
    pub(crate) location: Location,
    password_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    variable: Option<&'static str>,
    own_key: Option<PathBuf>,
}

impl Bare {
    /// The repository that `--repository` names, else the workspace's own.
    pub(crate) fn here(cx: &Context) -> Result<Self, Failure> {
        let (location, own_key) = if let Some(text) = &cx.globals.repository {
            (Location::parse(text, &cx.directory()?)?, None)
        } else {
            let own = cx.workspace()?.root.join(OWN_DIRECTORY);
            (Location::Directory(own.join("repository")), Some(own.join("key")))
        };
        Ok(Self {
            location,
            password_file: cx.globals.password_file.clone(),
            key_file: cx.globals.key_file.clone(),
            variable: Some("BACKSTAY_PASSWORD"),
            own_key,
        })
    }

    /// A second repository, with options of its own for its password or key.
    pub(crate) fn other(
        cx: &Context,
        location: &str,
        password_file: Option<PathBuf>,
        key_file: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let location = Location::parse(location, &cx.directory()?)?;
        Ok(Self { location, password_file, key_file, variable: None, own_key: None })
    }

    fn sources(&self) -> CredentialSources<'_> {
        CredentialSources {
            password_file: self.password_file.as_deref(),
            key_file: self.key_file.as_deref(),
            variable: self.variable,
            own_key: self.own_key.as_deref(),
        }
    }

    /// The credential for a repository that does not exist yet.
    pub(crate) fn new_credential(&self) -> Result<Credential, Failure> {
        self.sources().find_new(&self.location.to_string())
    }

    /// Opens the repository; blocks.
    pub(crate) fn open(&self, cx: &Context) -> Result<Repository, Failure> {
        let store = self.location.open()?;
        if !Repository::exists(&*store)? {
            return Err(Failure::new(
                ErrorKind::NotFound,
                format!("there is no repository in {}", self.location),
            )
            .code("not_a_repository")
            .hint("check the location, or create one there with `backstay repository init`"));
        }
        let credential = self.sources().find(&self.location.to_string())?;
        Ok(Repository::open(store, &credential, cx.rng.clone())?)
    }
}

/// A snapshot of the repository: the id of its root manifest, and the manifest.
pub(crate) type Stored = (ManifestId, Manifest);

/// The snapshots of a repository.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Those that can be read, newest first.
    pub(crate) readable: Vec<Stored>,
    /// Why the others cannot.
    pub(crate) unreadable: Vec<String>,
}

/// Reads every root manifest; blocks.
pub(crate) fn manifests(repository: &Repository) -> Result<Listing, Failure> {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for id in repository.manifests()? {
        match repository.read_manifest(&id) {
            Ok(manifest) => readable.push((id, manifest)),
            Err(error) => unreadable.push(format!("snapshots/{id}: {error}")),
        }
    }
    readable.sort_by(|(_, one), (_, two)| {
        (two.created_at, two.snapshot.as_str()).cmp(&(one.created_at, one.snapshot.as_str()))
    });
    Ok(Listing { readable, unreadable })
}

/// The manifest that `text` means: `latest`, `latest~N`, an id or a unique prefix. Undo points and states of jobs are not the latest.
pub(crate) fn resolve(manifests: &[Stored], text: &str) -> Result<Stored, Failure> {
    let ids: Vec<(&SnapshotId, bool)> = manifests
        .iter()
        .map(|(_, manifest)| {
            let passed_over = manifest.trigger == Trigger::Safety || manifest.kind == Kind::Job;
            (&manifest.snapshot, passed_over)
        })
        .collect();
    let position = position(&ids, text)?;
    Ok(manifests[position].clone())
}

/// Where the snapshot is in a list of ids, newest first, each with whether it is passed over by `latest`.
fn position(ids: &[(&SnapshotId, bool)], text: &str) -> Result<usize, Failure> {
    let unknown = || {
        Failure::new(ErrorKind::NotFound, format!("there is no snapshot {text} in the repository"))
            .hint("`backstay repository list` shows what it has")
    };
    let back = text.strip_prefix("latest").and_then(|rest| match rest.strip_prefix('~') {
        Some(number) => number.parse::<usize>().ok(),
        None => rest.is_empty().then_some(0),
    });
    if let Some(back) = back {
        let mut listed = ids.iter().enumerate().filter(|(_, (_, passed_over))| !passed_over);
        return listed.nth(back).map(|(at, _)| at).ok_or_else(unknown);
    }
    if let Some(exact) = ids.iter().position(|(id, _)| id.as_str() == text) {
        return Ok(exact);
    }
    let matching: Vec<usize> =
        (0..ids.len()).filter(|at| !text.is_empty() && ids[*at].0.as_str().starts_with(text)).collect();
    match matching.as_slice() {
        [only] => Ok(*only),
        [] => Err(unknown()),
        several => {
            let some: Vec<_> = several.iter().take(5).map(|at| ids[*at].0.as_str()).collect();
            Err(Failure::usage(format!("{text} is the beginning of several ids"))
                .because(some.join(", "))
                .hint("give more of it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_by_age_or_by_its_beginning() {
        let ids = ["c3", "s9", "b22", "b21"].map(|id| SnapshotId::parse(id).unwrap());
        let list: Vec<_> = ids.iter().map(|id| (id, id.as_str() == "s9")).collect();
        let at = |text: &str| position(&list, text).map_err(|failure| failure.exit_code());
        assert_eq!(at("latest"), Ok(0));
        assert_eq!(at("latest~1"), Ok(2), "undo points do not count");
        assert_eq!(at("latest~3"), Err(1));
        assert_eq!(at("b22"), Ok(2));
        assert_eq!(at("s"), Ok(1));
        assert_eq!(at("b2"), Err(2), "ambiguous");
        assert_eq!(at("x"), Err(1));
        assert_eq!(at(""), Err(1));
    }
}
