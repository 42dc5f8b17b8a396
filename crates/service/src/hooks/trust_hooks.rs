//! Trusts the hooks of a workspace, or no longer.

use std::path::Path;

use backstay_model::{Action, Caller, ErrorKind, SourceId, Subject};
use backstay_source_workspace::declared::{self, Declared};
use serde_json::json;

use super::trust_store::{TrustStore, digest_of};
use crate::error::{Result, ServiceError};
use crate::open::cannot;
use crate::service::{Describe, Service};
use crate::view::{DeclaredHook, HookTrust};

impl Service {
    /// What the workspace declares, and whether that text is trusted.
    pub async fn show_hooks(&self, caller: &Caller, source: &SourceId) -> Result<HookTrust> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let root = self.workspace_root(&source)?;
        let (text, declared) = read(&root)?;
        let trusted = match &self.settings().trust_directory {
            Some(directory) => TrustStore::new(directory)
                .trusted(&root)
                .map_err(|error| cannot("read what is trusted in", directory, error))?,
            None => None,
        };
        Ok(view(&root, &text, &declared, trusted.as_deref() == Some(digest_of(&text).as_str())))
    }

    /// Trusts exactly the text that `backstay.yaml` has now, on this machine and for this user. A text that was trusted
    /// before is so no longer.
    ///
    /// Only the person at the command line may: `Forbidden` for everybody else, whatever their role. `NotFound` when there
    /// is no such file, `Invalid` when it cannot be read.
    pub async fn trust_hooks(&self, caller: &Caller, source: &SourceId) -> Result<HookTrust> {
        let source = self.permitted_source(caller, source, Action::ManageSources).await?;
        let directory = self.trust_directory(caller)?;
        let root = self.workspace_root(&source)?;
        let (text, declared) = read(&root)?;
        let digest = digest_of(&text);
        TrustStore::new(directory)
            .trust(&root, &digest)
            .map_err(|error| cannot("write what is trusted into", directory, error))?;
        let event = self.event(caller, "hooks.trusted", Subject::new("workspace", &source.id));
        let words: Vec<_> = declared.hooks.keys().map(|hook| hook.word()).collect();
        self.commit_event(
            event
                .of_source(&source.tenant, source.kind, &source.id)
                .with(json!({"digest": digest, "hooks": words})),
        )
        .await?;
        Ok(view(&root, &text, &declared, true))
    }

    /// Trusts no text of the workspace any more. Returns whether one was trusted.
    pub async fn revoke_hooks(&self, caller: &Caller, source: &SourceId) -> Result<bool> {
        let source = self.permitted_source(caller, source, Action::ManageSources).await?;
        let directory = self.trust_directory(caller)?;
        let root = self.workspace_root(&source)?;
        let revoked = TrustStore::new(directory)
            .revoke(&root)
            .map_err(|error| cannot("remove what is trusted from", directory, error))?;
        if revoked {
            let event = self.event(caller, "hooks.revoked", Subject::new("workspace", &source.id));
            self.commit_event(event.of_source(&source.tenant, source.kind, &source.id)).await?;
        }
        Ok(revoked)
    }

    /// Where trust is kept, for a caller who may give it.
    fn trust_directory(&self, caller: &Caller) -> Result<&Path> {
        let directory = self.settings().trust_directory.as_deref();
        directory.filter(|_| caller.actor.kind == backstay_model::ActorKind::Local).ok_or_else(|| {
            ServiceError::new(ErrorKind::Forbidden, "Hooks are trusted on the machine itself")
                .hint("run `backstay trust` there, in the workspace")
        })
    }
}

fn read(root: &Path) -> Result<(String, Declared)> {
    let text = declared::read_file(root).map_err(|error| unreadable(&error.to_string()))?;
    let text = text.ok_or_else(|| {
        ServiceError::new(
            ErrorKind::NotFound,
            format!("There is no {} in {}", declared::FILE, root.display()),
        )
    })?;
    let declared = Declared::parse(&text).map_err(|error| unreadable(&error))?;
    Ok((text, declared))
}

pub(super) fn unreadable(why: &str) -> ServiceError {
    ServiceError::new(ErrorKind::Invalid, format!("{} cannot be read: {why}", declared::FILE))
        .hint("it takes `hooks:` with before_ and after_ save, restore, upgrade, and after_rollback, each one shell text")
}

fn view(root: &Path, text: &str, declared: &Declared, trusted: bool) -> HookTrust {
    let hooks = declared.hooks.iter();
    HookTrust {
        root: root.to_owned(),
        digest: digest_of(text),
        trusted,
        hooks: hooks
            .map(|(hook, text)| DeclaredHook { hook: hook.word().to_owned(), run: text.clone() })
            .collect(),
    }
}
