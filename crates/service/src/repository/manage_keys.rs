//! The passwords and key files of the repository.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::KeyView;
use backstay_model::Caller;
use backstay_repository::Credential;

impl Service {
    /// Lists the keys.
    pub async fn list_keys(&self, caller: &Caller) -> Result<Vec<KeyView>> {
        let _ = (self, caller);
        Err(ServiceError::unfinished("list_keys"))
    }

    /// Adds a key; returns its id.
    pub async fn add_key(&self, caller: &Caller, credential: &Credential, label: &str) -> Result<String> {
        let _ = (self, caller, credential, label);
        Err(ServiceError::unfinished("add_key"))
    }

    /// Removes a key. `Conflict` when it is the only one.
    pub async fn remove_key(&self, caller: &Caller, id: &str) -> Result<()> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("remove_key"))
    }

    /// Replaces a key by one with another credential; returns the id of the new one.
    pub async fn change_key(&self, caller: &Caller, id: &str, credential: &Credential) -> Result<String> {
        let _ = (self, caller, id, credential);
        Err(ServiceError::unfinished("change_key"))
    }
}
