//! API tokens.

use std::collections::HashMap;

use backstay_catalog::{TokenFilter, TokenRow};
use backstay_model::{Action, Actor, ActorKind, Caller, ErrorKind, Subject, TokenId, UserId};
use serde_json::json;

use super::secret::{hash_secret, new_secret};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service};
use crate::together::Lookup;
use crate::view::{CreatedToken, NewToken, Token};

/// How often the time of the last use of a token is noted, in seconds.
const NOTE_USE_EVERY_S: i64 = 60;

impl Service {
    /// Creates a token in the caller's tenant, with a role not above the caller's.
    pub async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken> {
        let subject = Subject::new("token", &new.name);
        self.permit(caller, None, Action::ManageUsers, &subject).await?;
        self.permit_role(caller, new.role, &subject).await?;
        let now = self.now();
        let mut fields = Fields::default();
        let name = &new.name;
        let good = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b" ._@-".contains(&b));
        fields.check(good, "name", "it takes 1 to 100 letters, digits, blanks, `.`, `_`, `@` or `-`");
        fields.check(new.expires_at.is_none_or(|end| end > now), "expires_at", "it lies in the past");
        fields.finish()?;

        let secret = new_secret("bst", &**self.rng());
        let row = TokenRow {
            id: TokenId::generate(now, &**self.rng()),
            tenant: caller.tenant.clone(),
            user: (caller.actor.kind == ActorKind::User)
                .then(|| UserId::parse(&caller.actor.id).ok())
                .flatten(),
            name: new.name,
            role: new.role,
            source: None,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_token(&row, &hash_secret(&secret)).await?;
        let event = self.event(caller, "token.created", Subject::new("token", &row.id));
        tx.record(event.with(json!({"name": row.name, "role": row.role, "expires_at": row.expires_at})));
        tx.commit().await?;
        Ok(CreatedToken { token: view(row), secret })
    }

    /// Lists tokens that are not revoked, newest first.
    pub async fn list_tokens(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Token>> {
        self.permit(caller, None, Action::ManageUsers, &Subject::new("tokens", &caller.tenant)).await?;
        let filter = TokenFilter { tenant: Self::visible_tenant(caller), ..TokenFilter::default() };
        let mut rows = self.read().await?.tokens(&filter).await?;
        rows.reverse();
        Ok(page.cut(rows)?.map(view))
    }

    /// Revokes a token, at once. Revoking a revoked one changes nothing.
    pub async fn revoke_token(&self, caller: &Caller, id: &TokenId) -> Result<()> {
        let subject = Subject::new("token", id);
        let row = self.read().await?.token(id).await?.ok_or_else(|| ServiceError::not_found("Token"))?;
        self.permit_in_tenant(caller, &row.tenant, Action::ManageUsers, &subject, "Token").await?;
        self.permit_role(caller, row.role, &subject).await?;
        if row.revoked_at.is_some() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        tx.revoke_token(id, self.now()).await?;
        let mut event = self.event(caller, "token.revoked", subject);
        event.tenant = row.tenant;
        tx.record(event.with(json!({"name": row.name})));
        tx.commit().await?;
        Ok(())
    }

    /// Who the token with this secret is. `Unauthenticated` when it is unknown, revoked or expired.
    pub async fn authenticate_token(&self, secret: &str) -> Result<Caller> {
        let now = self.now();
        let row = self.tokens().find(self, hash_secret(secret)).await?.ok_or_else(|| {
            ServiceError::new(ErrorKind::Unauthenticated, "The token is unknown, revoked or expired")
        })?;
        if row.last_used_at.is_none_or(|used| now.seconds_since(used) >= NOTE_USE_EVERY_S as f64) {
            let noted = async {
                let mut tx = self.begin().await?;
                tx.touch_token(&row.id, now).await?;
                tx.commit().await?;
                Ok::<_, ServiceError>(())
            };
            // A full disk must not keep anybody from reading.
            if let Err(error) = noted.await {
                tracing::warn!(token.id = %row.id, %error, "the use of a token could not be noted");
            }
        }
        let actor = Actor { kind: ActorKind::Token, id: row.id.to_string(), name: row.name };
        Ok(Caller { actor, tenant: row.tenant, role: row.role })
    }
}

/// Valid tokens by the hash of their secret.
pub(crate) struct Tokens;

impl Lookup for Tokens {
    type Key = Vec<u8>;
    type Found = TokenRow;

    async fn look_up(service: &Service, hashes: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, TokenRow>> {
        let found = service.read().await?.valid_tokens(hashes, service.now()).await?;
        Ok(found.into_iter().collect())
    }
}

fn view(row: TokenRow) -> Token {
    Token {
        id: row.id,
        name: row.name,
        tenant: row.tenant,
        role: row.role,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    }
}
