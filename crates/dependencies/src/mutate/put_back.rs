//! Going back behind a change of dependencies: what git's own files said before it, and the steps that make them say so again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::change::{Draft, Step};
use crate::commit_id::CommitId;
use crate::declarations;
use crate::error::{DependencyError, Result};
use crate::git::{Store, Superproject};
use crate::lock;
use crate::name::DependencyName;
use crate::submodule::{GitFiles, Registry};
use crate::workspace::Workspace;

/// Where checkouts are.
const CHECKOUTS: &str = ".graft";

/// What git's own files say about dependencies, as far as a change of them touches it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitRecord {
    /// The entries of the index by path, as `mode id`; `None` where there is none.
    pub entries: BTreeMap<String, Option<String>>,
    /// By the name of the dependency.
    pub submodules: BTreeMap<String, SubmoduleRecord>,
    /// Whether there is a directory for checkouts.
    pub directory: bool,
}

/// One dependency as git has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubmoduleRecord {
    /// The name of the submodule, and where its store lies below `.git/modules`.
    pub module: String,
    /// Its settings in git's configuration.
    pub settings: Vec<(String, String)>,
    /// The text of `HEAD` in its store; `None` without a store.
    pub head: Option<String>,
    /// The commit that it means.
    pub commit: Option<String>,
    /// Whether there is a checkout.
    pub checkout: bool,
    /// Whether there is something in its place: the checkout, or plain files.
    pub directory: bool,
}

/// The steps that go back, and what stands against it.
#[derive(Debug)]
pub struct PutBack {
    /// The steps.
    pub steps: Vec<Step>,
    /// What was changed since in git; nothing when it is forced.
    pub conflicts: Vec<String>,
}

impl GitRecord {
    /// Looks at what there is of `names`.
    pub fn read(workspace: &Workspace, names: &[DependencyName]) -> Result<Self> {
        let project = Superproject::find(workspace.git(), workspace.root())?;
        let registry = Registry::read(&project)?;
        let mut modules = Vec::new();
        for name in names {
            modules.push((name.clone(), registry.module_of(name)?));
        }
        Self::look(workspace, &project, &modules)
    }

    /// Looks at what there is of the same dependencies now.
    pub fn again(&self, workspace: &Workspace) -> Result<Self> {
        let project = Superproject::find(workspace.git(), workspace.root())?;
        let mut modules = Vec::new();
        for (name, submodule) in &self.submodules {
            modules.push((DependencyName::parse(name)?, submodule.module.clone()));
        }
        Self::look(workspace, &project, &modules)
    }

    fn look(
        workspace: &Workspace,
        project: &Superproject,
        modules: &[(DependencyName, String)],
    ) -> Result<Self> {
        let files = [declarations::FILE_NAME, lock::FILE_NAME, ".gitmodules"].map(str::to_owned);
        let paths: Vec<String> =
            files.into_iter().chain(modules.iter().map(|(name, _)| name.checkout())).collect();
        let config = project.config();
        let settings = if config.exists() { project.read_config(&config)? } else { Vec::new() };
        let mut submodules = BTreeMap::new();
        for (name, module) in modules {
            let prefix = format!("submodule.{module}.");
            let store = Store::at(workspace.git(), &project.modules().join(module));
            let head = match &store {
                Some(store) => Some(read_head(&store.git_dir)?),
                None => None,
            };
            let commit = match &store {
                Some(store) => store.head()?.map(|commit| commit.to_string()),
                None => None,
            };
            let submodule = SubmoduleRecord {
                module: module.clone(),
                settings: settings.iter().filter(|(key, _)| key.starts_with(&prefix)).cloned().collect(),
                head,
                commit,
                checkout: is_there(&workspace.checkout(name).join(".git")),
                directory: is_there(&workspace.checkout(name)),
            };
            submodules.insert(name.to_string(), submodule);
        }
        let directory = is_there(&workspace.root().join(CHECKOUTS));
        Ok(Self { entries: project.entries(&paths)?, submodules, directory })
    }
}

/// The steps after which git's own files say `before` again, where a change made `after` of it: its index and configuration,
/// the stores, and whether there is a checkout. Files of a checkout that stays, `graft.yaml`, `graft.lock` and `.gitmodules`
/// are put back by paths, by someone else; a checkout that was not there before goes as a whole, whatever is in it.
///
/// What the change left alone is left alone. What someone changed since is a conflict, unless `force`.
pub fn put_back(
    workspace: &Workspace,
    mut draft: Draft,
    before: &GitRecord,
    after: &GitRecord,
    force: bool,
) -> Result<PutBack> {
    let project = Superproject::find(workspace.git(), workspace.root())?;
    let now = before.again(workspace)?;
    let mut files = GitFiles::copy(&project, workspace.root(), &mut draft, true)?;
    let mut conflicts = Vec::new();
    for (path, entry) in &before.entries {
        let (left, found) = (after.entries.get(path), now.entries.get(path));
        if left == Some(entry) || found == Some(entry) {
            continue;
        }
        if found != left && !force {
            conflicts.push(path.clone());
            continue;
        }
        // An object that git has removed cannot be in its index; the file itself comes back all the same.
        if entry.as_deref().map_or(Ok(true), |entry| project.has_object(entry))? {
            files.set_entry(path, entry.as_deref());
        }
    }
    for (name, old) in &before.submodules {
        let name = DependencyName::parse(name)?;
        let left = after.submodules.get(name.as_str()).unwrap_or(old);
        let found = now.submodules.get(name.as_str()).unwrap_or(old);
        if left == old {
            continue;
        }
        let place = |submodule: &SubmoduleRecord| {
            (submodule.head.clone(), submodule.commit.clone(), submodule.checkout)
        };
        if !force && place(found) != place(left) {
            conflicts.push(name.checkout());
            continue;
        }
        if old.settings != found.settings && old.settings != left.settings {
            files.set_settings(&old.module, &old.settings)?;
        }
        let back = Back { workspace, name: &name, old, found };
        back.store(&mut draft)?;
        back.checkout(&mut draft);
    }
    if now.directory && !before.directory {
        draft.push(Step::RemoveEmpty { path: CHECKOUTS.into() });
    }
    files.finish(&mut draft, &[])?;
    Ok(PutBack { steps: draft.steps().to_vec(), conflicts })
}

/// One dependency on its way back.
struct Back<'a> {
    workspace: &'a Workspace,
    name: &'a DependencyName,
    old: &'a SubmoduleRecord,
    found: &'a SubmoduleRecord,
}

impl Back<'_> {
    fn store(&self, draft: &mut Draft) -> Result<()> {
        let at = format!(".git/modules/{}", self.old.module);
        match (&self.old.head, &self.found.head) {
            (None, None) => {}
            (Some(_), None) => {
                draft.push(Step::BringBack { path: at.into(), name: self.name.to_string() });
            }
            (None, Some(_)) => draft.push(Step::SetAside { path: at.into(), name: self.name.to_string() }),
            (Some(head), Some(found)) => {
                if head == found && self.old.commit == self.found.commit {
                    return Ok(());
                }
                let commit = self.old.commit.as_deref().and_then(CommitId::parse);
                if let Some(commit) = commit.filter(|_| self.old.checkout) {
                    let store = self.workspace.required_store(self.name)?;
                    let (_, index) = draft.prepare("index");
                    store.read_tree(&commit, &index)?;
                    let content =
                        std::fs::read(&index).map_err(|error| DependencyError::io("read", &index, error))?;
                    draft.push(Step::Hold { path: format!("{at}/index.lock") });
                    draft.push(Step::Write { path: format!("{at}/index"), content });
                }
                draft.push(Step::Write { path: format!("{at}/HEAD"), content: head.clone().into() });
            }
        }
        Ok(())
    }

    fn checkout(&self, draft: &mut Draft) {
        let checkout = self.name.checkout();
        match (self.old.checkout, self.found.checkout) {
            (true, true) | (false, false) => {}
            (true, false) => {
                let content = format!("gitdir: ../../.git/modules/{}\n", self.old.module).into();
                draft.push(Step::Write { path: format!("{checkout}/.git"), content });
            }
            // Files that were there without a checkout go back by paths.
            (false, true) if self.old.directory => {
                draft.push(Step::RemoveFile { path: format!("{checkout}/.git").into() });
            }
            (false, true) => draft.push(Step::RemoveTree { path: checkout.into() }),
        }
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn read_head(git_dir: &Path) -> Result<String> {
    let path = git_dir.join("HEAD");
    std::fs::read_to_string(&path).map_err(|error| DependencyError::io("read", &path, error))
}
