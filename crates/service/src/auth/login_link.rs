//! Links that sign a user in, once.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{LoginLink, SignedIn};
use backstay_model::{Caller, UserId};

impl Service {
    /// Creates a link for a user of the caller's tenant.
    pub async fn create_login_link(&self, caller: &Caller, user: &UserId) -> Result<LoginLink> {
        let _ = (self, caller, user);
        Err(ServiceError::unfinished("create_login_link"))
    }

    /// Signs in with the secret of a link, which ends the link.
    pub async fn redeem_login_link(&self, secret: &str, remote: &str) -> Result<SignedIn> {
        let _ = (self, secret, remote);
        Err(ServiceError::unfinished("redeem_login_link"))
    }
}
