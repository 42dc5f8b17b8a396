//! The passwords and key files of the repository.

use backstay_model::{Action, Caller, Subject};
use backstay_repository::{Credential, KeyKind};
use serde_json::json;

use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service, blocking};
use crate::view::KeyView;

impl Service {
    /// Lists the keys.
    pub async fn list_keys(&self, caller: &Caller) -> Result<Vec<KeyView>> {
        self.permit_repository(caller).await?;
        let repository = self.repository().await?;
        let keys = blocking("list the keys", move || Ok(repository.keys()?)).await?;
        let view = |key: backstay_repository::KeyDescription| KeyView {
            id: key.id,
            kind: match key.kind {
                KeyKind::Password => "password".to_owned(),
                KeyKind::KeyFile => "key_file".to_owned(),
            },
            label: key.label,
            created_at: key.created_at,
            current: key.current,
        };
        Ok(keys.into_iter().map(view).collect())
    }

    /// Adds a key; returns its id.
    pub async fn add_key(&self, caller: &Caller, credential: &Credential, label: &str) -> Result<String> {
        self.permit_repository(caller).await?;
        let mut fields = Fields::default();
        fields.line("label", label, 100);
        fields.finish()?;
        let (repository, credential, now) = (self.repository().await?, credential.clone(), self.now());
        let text = label.to_owned();
        let id = blocking("add the key", move || Ok(repository.add_key(&credential, &text, now)?)).await?;
        self.note_key(caller, "repository.key_added", &id, label).await?;
        Ok(id)
    }

    /// Removes a key. `Conflict` when it is the only one.
    pub async fn remove_key(&self, caller: &Caller, id: &str) -> Result<()> {
        self.permit_repository(caller).await?;
        let (repository, key) = (self.repository().await?, id.to_owned());
        blocking("remove the key", move || Ok(repository.remove_key(&key)?)).await?;
        self.note_key(caller, "repository.key_removed", id, "").await
    }

    /// Replaces a key by one with another credential; returns the id of the new one.
    pub async fn change_key(&self, caller: &Caller, id: &str, credential: &Credential) -> Result<String> {
        self.permit_repository(caller).await?;
        let (repository, credential, now) = (self.repository().await?, credential.clone(), self.now());
        let key = id.to_owned();
        let new =
            blocking("change the key", move || Ok(repository.change_key(&key, &credential, now)?)).await?;
        self.note_key(caller, "repository.key_changed", &new, "").await?;
        Ok(new)
    }

    /// The repository as a whole belongs to nobody's tenant.
    pub(crate) async fn permit_repository(&self, caller: &Caller) -> Result<()> {
        self.permit(caller, None, Action::ManageTenants, &Subject::new("repository", "main")).await
    }

    async fn note_key(&self, caller: &Caller, action: &str, id: &str, label: &str) -> Result<()> {
        let event = self.event(caller, action, Subject::new("key", id)).with(json!({"label": label}));
        self.commit_event(event).await.map(|_| ())
    }
}
