//! Signing in and out.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{Session, SignedIn};
use backstay_model::Caller;

impl Service {
    /// Signs in with name and password. `remote` is the address of the client, for the rate limit.
    ///
    /// Errors: `Unauthenticated` (the same for an unknown name, a wrong password and a disabled user, after the same work),
    /// `RateLimited` with `retry_after_s`.
    pub async fn login(&self, name: &str, password: &str, remote: &str) -> Result<SignedIn> {
        let _ = (self, name, password, remote);
        Err(ServiceError::unfinished("login"))
    }

    /// Ends the session with this secret.
    pub async fn logout(&self, caller: &Caller, secret: &str) -> Result<()> {
        let _ = (self, caller, secret);
        Err(ServiceError::unfinished("logout"))
    }

    /// Who the session with this secret belongs to. `Unauthenticated` when it is unknown or has ended.
    pub async fn authenticate_session(&self, secret: &str) -> Result<(Caller, Session)> {
        let _ = (self, secret);
        Err(ServiceError::unfinished("authenticate_session"))
    }
}
