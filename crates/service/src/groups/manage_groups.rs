//! Groups of workspaces.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Group, NewGroup};
use backstay_model::{Caller, SourceId};

impl Service {
    /// Creates a group. `Invalid` when the members are on several hosts.
    pub async fn create_group(&self, caller: &Caller, new: NewGroup) -> Result<Group> {
        let _ = (self, caller, new);
        Err(ServiceError::unfinished("create_group"))
    }

    /// Lists groups by name.
    pub async fn list_groups(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Group>> {
        let _ = (self, caller, page);
        Err(ServiceError::unfinished("list_groups"))
    }

    /// Shows a group.
    pub async fn show_group(&self, caller: &Caller, id: &str) -> Result<Group> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_group"))
    }

    /// Finds the group called `name` with exactly these members, or creates it. For the command line.
    pub async fn ensure_group(&self, caller: &Caller, name: &str, members: &[SourceId]) -> Result<Group> {
        let _ = (self, caller, name, members);
        Err(ServiceError::unfinished("ensure_group"))
    }

    /// Removes a group. Its snapshots stay.
    pub async fn remove_group(&self, caller: &Caller, id: &str) -> Result<()> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("remove_group"))
    }
}
