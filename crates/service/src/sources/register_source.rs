//! Takes a workspace into care.

use std::path::{Path, PathBuf};

use backstay_catalog::{CatalogError, SourceRow};
use backstay_model::{Action, Caller, ErrorKind, Kind, SourceId, Subject};
use serde_json::json;

use super::{stored_rules, view};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service, blocking};
use crate::view::{NewSource, Source};

impl Service {
    /// Registers a directory as a workspace of the caller's tenant.
    ///
    /// Errors: `Invalid` for a bad name or a root that is no directory, `Forbidden` (`Root is not allowed`) outside the
    /// allowed roots, `Conflict` when the name or the root is taken.
    pub async fn register_source(&self, caller: &Caller, new: NewSource) -> Result<Source> {
        let subject = Subject::new("source", &new.name);
        self.permit(caller, Some(Kind::Workspace), Action::ManageSources, &subject).await?;
        let mut fields = Fields::default();
        fields.name("name", &new.name);
        fields.check(new.root.is_absolute(), "root", "it must be an absolute path");
        fields.finish()?;
        let root = self.allowed_root(caller, new.root, &subject).await?;
        let row =
            self.add_workspace(caller, &new.name, &root, new.retention.as_ref().map(stored_rules)).await?;
        view(row)
    }

    /// Resolves `root` and checks that it may be a workspace.
    async fn allowed_root(&self, caller: &Caller, root: PathBuf, subject: &Subject) -> Result<String> {
        let allowed = self.settings().allowed_roots.clone();
        let resolved = blocking("look at the root", move || resolve(&root, allowed.as_deref())).await?;
        match resolved {
            Ok(root) => Ok(root),
            Err(refused) => {
                self.note_denied(caller, subject, json!({"wanted": "register a root", "root": refused}))
                    .await?;
                Err(ServiceError::new(ErrorKind::Forbidden, "Root is not allowed")
                    .hint("an administrator of the server can allow it with `allowed_roots`"))
            }
        }
    }

    /// Adds the row of a workspace, with its event.
    pub(super) async fn add_workspace(
        &self,
        caller: &Caller,
        name: &str,
        root: &str,
        retention: Option<serde_json::Value>,
    ) -> Result<SourceRow> {
        let now = self.now();
        let row = SourceRow {
            id: SourceId::generate(now, &**self.rng()),
            tenant: caller.tenant.clone(),
            kind: Kind::Workspace,
            name: name.to_owned(),
            root: Some(root.to_owned()),
            host: self.settings().host.clone(),
            settings: json!({}),
            retention,
            state_serial: 0,
            created_at: now,
            updated_at: now,
            removed_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_source(&row).await.map_err(|error| match error {
            CatalogError::Duplicate { field, .. } if field == "root" => {
                ServiceError::conflict(format!("The directory {root} is a workspace already"))
                    .code("root_taken")
            }
            CatalogError::Duplicate { .. } => {
                ServiceError::conflict(format!("A workspace called `{name}` exists already"))
                    .code("name_taken")
            }
            error => error.into(),
        })?;
        let event = self.event(caller, "source.registered", Subject::new("source", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.id).with(json!({"name": name, "root": root})));
        tx.commit().await?;
        Ok(row)
    }
}

/// The resolved root as text, or the resolved root that is refused.
fn resolve(root: &Path, allowed: Option<&[PathBuf]>) -> Result<Result<String, String>> {
    let invalid = |detail: &str| ServiceError::invalid("root", detail);
    let is_allowed = |path: &Path| {
        allowed.is_none_or(|allowed| {
            allowed
                .iter()
                .any(|above| path.starts_with(above.canonicalize().unwrap_or_else(|_| above.clone())))
        })
    };
    let Ok(resolved) = root.canonicalize() else {
        // Whoever may not have it must not learn whether it exists.
        return if is_allowed(root) {
            Err(invalid("it is not a directory that can be read"))
        } else {
            Ok(Err(String::new()))
        };
    };
    if !is_allowed(&resolved) {
        return Ok(Err(resolved.to_string_lossy().into_owned()));
    }
    if !resolved.is_dir() {
        return Err(invalid("it is not a directory that can be read"));
    }
    resolved.into_os_string().into_string().map(Ok).map_err(|_| invalid("its path is not UTF-8"))
}
