//! The files of the workspace's own git that change together with a dependency: `.gitmodules`, `config` and the index.

use std::path::{Path, PathBuf};

use super::registry::{FILE_NAME, Registry};
use crate::change::{Draft, Step};
use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::git::{IndexEdit, Superproject};
use crate::name::DependencyName;
use crate::url::SourceUrl;

/// Git's index.
const INDEX: &str = ".git/index";

/// A file whose new content goes into the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    /// Its path.
    pub path: &'static str,
    /// Its content.
    pub content: Vec<u8>,
}

/// Whether `registered` in `.gitmodules`, which is shared, still names the source. What a relative path comes to differs from
/// machine to machine, so of that only the end counts.
fn is_same_source(source: &SourceUrl, url: &str, registered: &str) -> bool {
    let relative = source.as_path().filter(|path| path.is_relative());
    let end = relative.map(|path| -> PathBuf {
        path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
    });
    registered == url
        || end.is_some_and(|end| !end.as_os_str().is_empty() && Path::new(registered).ends_with(end))
}

/// Private copies of the two files, edited with git, and the edits of the index; [`GitFiles::finish`] makes steps of them.
#[derive(Debug)]
pub struct GitFiles {
    project: Superproject,
    registry: Registry,
    modules: PathBuf,
    config: PathBuf,
    stage: bool,
    modules_changed: bool,
    config_changed: bool,
    index_edits: Vec<IndexEdit>,
}

impl GitFiles {
    /// Copies the two files. `stage`: whether the index is to change.
    ///
    /// Errors: a workspace that is not the top of a repository of its own, because then the repository's files lie outside
    /// of what can be changed at once.
    pub fn copy(project: &Superproject, root: &Path, draft: &mut Draft, stage: bool) -> Result<Self> {
        let own = root.join(".git");
        let same = |path: &Path| path.canonicalize().ok() == own.canonicalize().ok();
        let is_plain = own.symlink_metadata().is_ok_and(|found| found.is_dir());
        if !is_plain || !project.prefix.is_empty() || !same(&project.git_dir) || !same(&project.common_dir) {
            return Err(DependencyError::NotTopOfRepository { top: project.top.clone() });
        }
        let mut copy = |what: &str, from: &Path| {
            let (_, to) = draft.prepare(what);
            match std::fs::copy(from, &to) {
                Ok(_) => Ok(to),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(to),
                Err(error) => Err(DependencyError::io("copy", from, error)),
            }
        };
        let modules = copy("gitmodules", &root.join(FILE_NAME))?;
        let config = copy("config", &project.config())?;
        draft.push(Step::Hold { path: ".git/index.lock".to_owned() });
        Ok(Self {
            project: project.clone(),
            registry: Registry::read(project)?,
            modules,
            config,
            stage,
            modules_changed: false,
            config_changed: false,
            index_edits: Vec::new(),
        })
    }

    /// What is registered so far.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Registers a dependency and notes its commit in the index.
    pub fn register(
        &mut self,
        name: &DependencyName,
        source: &SourceUrl,
        root: &Path,
        commit: &CommitId,
    ) -> Result<()> {
        let module = self.registry.module_of(name)?;
        let url = source.for_git(root);
        let path = name.checkout();
        let key = |field: &str| format!("submodule.{module}.{field}");
        let old: Vec<(String, String)> =
            if self.modules.exists() { self.project.read_config(&self.modules)? } else { Vec::new() };
        let has = |key: &str, value: &str| old.iter().any(|(known, is)| known == key && is == value);
        let fits = |known: &String, is: &String| *known == key("url") && is_same_source(source, &url, is);
        if !has(&key("path"), &path) || !old.iter().any(|(known, is)| fits(known, is)) {
            self.project.write_config(&self.modules, &key("path"), &path)?;
            self.project.write_config(&self.modules, &key("url"), &url)?;
            self.modules_changed = true;
        }
        let old = self.project.read_config(&self.config)?;
        let has = |key: &str, value: &str| old.iter().any(|(known, is)| known == key && is == value);
        if !has(&key("active"), "true") || !has(&key("url"), &url) {
            self.project.write_config(&self.config, &key("active"), "true")?;
            self.project.write_config(&self.config, &key("url"), &url)?;
            self.config_changed = true;
        }
        if self.stage && self.project.gitlink(&path)?.as_ref() != Some(commit) {
            self.index_edits.push(IndexEdit::submodule(&path, commit));
        }
        Ok(())
    }

    /// Forgets a dependency.
    pub fn unregister(&mut self, name: &DependencyName) -> Result<()> {
        let section = format!("submodule.{}", self.registry.module_of(name)?);
        if self.registry.has(name) {
            self.modules_changed |= self.project.remove_section(&self.modules, &section)?;
        }
        self.config_changed |= self.project.remove_section(&self.config, &section)?;
        if self.stage && self.project.gitlink(&name.checkout())?.is_some() {
            self.index_edits.push(IndexEdit::Remove { path: name.checkout() });
        }
        Ok(())
    }

    /// Makes the settings of a submodule in git's configuration these.
    pub(crate) fn set_settings(&mut self, module: &str, settings: &[(String, String)]) -> Result<()> {
        self.project.remove_section(&self.config, &format!("submodule.{module}"))?;
        for (key, value) in settings {
            self.project.write_config(&self.config, key, value)?;
        }
        self.config_changed = true;
        Ok(())
    }

    /// Makes the entry of the index at `path` this one.
    pub(crate) fn set_entry(&mut self, path: &str, entry: Option<&str>) {
        self.index_edits.push(IndexEdit::entry(path, entry));
    }

    /// The steps that put the edited files into place. `files` are staged with them when anything else is, or when they
    /// changed.
    pub fn finish(mut self, draft: &mut Draft, files: &[StagedFile]) -> Result<()> {
        let read =
            |path: &Path| std::fs::read(path).map_err(|error| DependencyError::io("read", path, error));
        let mut staged = files.to_vec();
        if self.modules_changed {
            let content = if self.modules.exists() { read(&self.modules)? } else { Vec::new() };
            if content.iter().all(u8::is_ascii_whitespace) {
                draft.push(Step::RemoveFile { path: FILE_NAME.into() });
                if self.stage {
                    self.index_edits.push(IndexEdit::Remove { path: FILE_NAME.to_owned() });
                }
            } else {
                draft.push(Step::Write { path: FILE_NAME.to_owned(), content: content.clone() });
                staged.push(StagedFile { path: FILE_NAME, content });
            }
        }
        if self.stage {
            for file in &staged {
                let id = self.project.store_file(file.path, &file.content)?;
                self.index_edits.push(IndexEdit::file(file.path, id));
            }
        }
        if self.config_changed {
            draft.push(Step::Write { path: ".git/config".to_owned(), content: read(&self.config)? });
        }
        if self.index_edits.is_empty() {
            draft.push(Step::Expect { path: INDEX.to_owned() });
        } else {
            let prepared = self.edit_index(draft)?;
            draft.push(Step::Replace { path: INDEX.to_owned(), prepared });
        }
        Ok(())
    }

    /// Lets git write the new index, beside the old one. Returns its name in the scratch directory.
    ///
    /// Git replaces an index and never writes into one, so a second name serves it as a copy would. A third name keeps the
    /// old index until the end of the change: with only one name left, its change time would tell of an edit.
    fn edit_index(&self, draft: &mut Draft) -> Result<String> {
        let from = self.project.index();
        let (_, kept) = draft.prepare("index-before");
        let (prepared, index) = draft.prepare("index");
        let linked = std::fs::hard_link(&from, &kept).and_then(|()| std::fs::hard_link(&from, &index));
        match linked.or_else(|_| std::fs::copy(&from, &index).map(drop)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DependencyError::io("copy", &from, error));
            }
            _ => {}
        }
        self.project.edit_index(&index, &self.index_edits)?;
        Ok(prepared)
    }
}
