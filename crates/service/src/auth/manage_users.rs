//! The users of a tenant.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{NewUser, User, UserChange};
use backstay_model::{Caller, UserId};

impl Service {
    /// Creates a user. Nobody gives a role above the own.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User> {
        let _ = (self, caller, new);
        Err(ServiceError::unfinished("create_user"))
    }

    /// Lists users by name.
    pub async fn list_users(&self, caller: &Caller, page: &PageRequest) -> Result<Page<User>> {
        let _ = (self, caller, page);
        Err(ServiceError::unfinished("list_users"))
    }

    /// Shows a user.
    pub async fn show_user(&self, caller: &Caller, id: &UserId) -> Result<User> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_user"))
    }

    /// Changes a user. `Conflict` when it would leave no superadmin who can sign in.
    pub async fn update_user(&self, caller: &Caller, id: &UserId, change: UserChange) -> Result<User> {
        let _ = (self, caller, id, change);
        Err(ServiceError::unfinished("update_user"))
    }

    /// Finds a user by name.
    pub async fn find_user(&self, caller: &Caller, name: &str) -> Result<User> {
        let _ = (self, caller, name);
        Err(ServiceError::unfinished("find_user"))
    }

    /// Creates the superadmin `admin` without a password when there is no user at all; returns it then.
    pub async fn ensure_administrator(&self) -> Result<Option<User>> {
        let _ = (self,);
        Err(ServiceError::unfinished("ensure_administrator"))
    }
}
