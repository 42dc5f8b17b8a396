//! What an upgrade finds: the two files, the repository, and the digests that a plan is bound to.

use std::path::Path;

use backstay_dependencies::declarations::Declarations;
use backstay_dependencies::git::Superproject;
use backstay_dependencies::lock::LockReading;
use backstay_dependencies::{DependencyName, Workspace};
use backstay_source_workspace::Seen;

use crate::dependencies::git_of_run;
use crate::error::Result;
use crate::run::Run;
use crate::view::UpgradeDigests;

/// The files that say what the dependencies are.
pub(super) const FILES: [&str; 2] = ["graft.yaml", "graft.lock"];

/// A workspace as it was read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) workspace: Workspace,
    pub(super) declared: Declarations,
    pub(super) locked: LockReading,
    pub(super) digests: UpgradeDigests,
    /// The two files when they were read.
    pub(super) seen: Vec<(&'static str, Seen)>,
}

impl Found {
    /// Reads everything. A file that cannot be parsed ends it.
    pub(super) fn read(root: &Path, run: &Run) -> Result<Self> {
        let workspace = Workspace::new(root, git_of_run(run));
        let mut seen = Vec::new();
        for file in FILES {
            seen.push((file, Seen::look(root, file.as_bytes())?));
        }
        let (declared, _) = workspace.declarations()?;
        let locked = workspace.required_lock()?;
        let digests = digests(&workspace, &locked)?;
        Ok(Self { workspace, declared, locked, digests, seen })
    }
}

/// The digests of the present state.
pub(super) fn digests(workspace: &Workspace, locked: &LockReading) -> Result<UpgradeDigests> {
    let root = workspace.root();
    let of_file = |file: &str| {
        std::fs::read(root.join(file)).ok().map(|bytes| blake3::hash(&bytes).to_hex().to_string())
    };
    let project = Superproject::find(workspace.git(), root)?;
    let mut links = Vec::new();
    for name in locked.lock.entries.keys() {
        let link = project.gitlink(&name.checkout())?;
        links.push(format!("{name}={}", link.map(|link| link.to_string()).unwrap_or_default()));
    }
    let gitlink = match &links[..] {
        [] => None,
        links => Some(blake3::hash(links.join("\n").as_bytes()).to_hex().to_string()),
    };
    let head = project.head()?.map(|head| head.to_string());
    Ok(UpgradeDigests { yaml: of_file(FILES[0]), lock: of_file(FILES[1]), gitlink, head })
}

/// The name, checked.
pub(super) fn name_of(text: &str) -> Result<DependencyName> {
    Ok(DependencyName::parse(text)?)
}
