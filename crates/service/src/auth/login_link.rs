//! Links that sign a user in, once.

use backstay_catalog::LoginLinkRow;
use backstay_model::{Action, Caller, ErrorKind, Outcome, Subject, UserId};
use serde_json::json;

use super::login::nobody;
use super::secret::{hash_secret, new_secret};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};
use crate::view::{LoginLink, SignedIn};

impl Service {
    /// Creates a link for a user of the caller's tenant whose role is not above the caller's.
    pub async fn create_login_link(&self, caller: &Caller, user: &UserId) -> Result<LoginLink> {
        let subject = Subject::new("user", user);
        let row = self.read().await?.user(user).await?.ok_or_else(|| ServiceError::not_found("User"))?;
        self.permit_in_tenant(caller, &row.tenant, Action::ManageUsers, &subject, "User").await?;
        self.permit_role(caller, row.role, &subject).await?;
        if row.disabled {
            return Err(ServiceError::conflict(format!("The user `{}` is disabled", row.name)));
        }

        let now = self.now();
        let secret = new_secret("bsl", &**self.rng());
        let expires_at = now.plus_seconds(self.settings().login_link_seconds);
        let link = LoginLinkRow { user: row.id, created_at: now, expires_at };
        let mut tx = self.begin().await?;
        tx.insert_login_link(&link, &hash_secret(&secret)).await?;
        let mut event = self.event(caller, "login_link.created", subject);
        event.tenant = row.tenant;
        tx.record(event.with(json!({"expires_at": expires_at})));
        tx.commit().await?;
        Ok(LoginLink { secret, expires_at })
    }

    /// Signs in with the secret of a link, which ends the link. `Unauthenticated` when it was used or has ended.
    pub async fn redeem_login_link(&self, secret: &str, remote: &str) -> Result<SignedIn> {
        let now = self.now();
        let mut tx = self.begin().await?;
        if let Some(link) = tx.use_login_link(&hash_secret(secret), now).await?
            && let Some(user) = tx.user(&link.user).await?.filter(|user| !user.disabled)
        {
            return self.begin_session(tx, user, remote, "link").await;
        }
        let event = self.event(&nobody(), "login.failed", Subject::new("login_link", "unknown"));
        tx.record(event.ended(Outcome::Denied).with(json!({"remote": remote})));
        tx.commit().await?;
        Err(ServiceError::new(ErrorKind::Unauthenticated, "The login link was used or has ended")
            .hint("make a new one with `backstay login-link`"))
    }
}
