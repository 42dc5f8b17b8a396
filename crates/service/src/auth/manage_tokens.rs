//! API tokens.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{CreatedToken, NewToken, Token};
use backstay_model::{Caller, TokenId};

impl Service {
    /// Creates a token in the caller's tenant, with a role not above the caller's.
    pub async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken> {
        let _ = (self, caller, new);
        Err(ServiceError::unfinished("create_token"))
    }

    /// Lists tokens, newest first.
    pub async fn list_tokens(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Token>> {
        let _ = (self, caller, page);
        Err(ServiceError::unfinished("list_tokens"))
    }

    /// Revokes a token, at once.
    pub async fn revoke_token(&self, caller: &Caller, id: &TokenId) -> Result<()> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("revoke_token"))
    }

    /// Who the token with this secret is. `Unauthenticated` when it is unknown, revoked or expired.
    pub async fn authenticate_token(&self, secret: &str) -> Result<Caller> {
        let _ = (self, secret);
        Err(ServiceError::unfinished("authenticate_token"))
    }
}
