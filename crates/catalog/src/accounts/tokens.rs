//! API tokens. Only the hash of a token's secret is stored.

use backstay_model::{Role, SourceId, TenantId, Timestamp, TokenId, UserId};

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, Value, any_of, batches, sql};
use crate::transaction::Tx;

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id, which is no secret.
    pub id: TokenId,
    /// In which tenant it acts.
    pub tenant: TenantId,
    /// Who created it.
    pub user: Option<UserId>,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The only source that it may touch; `None`: all of the tenant.
    pub source: Option<SourceId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, roughly.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, tenant_id, user_id, name, role, source_id, created_at, expires_at, last_used_at, revoked_at";

impl Record for TokenRow {
    const TABLE: &'static str = "tokens";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            tenant: fields.parsed()?,
            user: fields.optional_parsed()?,
            name: fields.text()?,
            role: fields.parsed()?,
            source: fields.optional_parsed()?,
            created_at: fields.time()?,
            expires_at: fields.optional_time()?,
            last_used_at: fields.optional_time()?,
            revoked_at: fields.optional_time()?,
        })
    }
}

/// A token after the hash of its secret.
struct Hashed(Vec<u8>, TokenRow);

impl Record for Hashed {
    const TABLE: &'static str = "tokens";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self(fields.bytes()?, TokenRow::read(fields)?))
    }
}

/// Which tokens to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those that this user created.
    pub user: Option<UserId>,
    /// Revoked ones too.
    pub revoked: bool,
}

impl Session {
    /// The tokens with secrets of these hashes that are neither expired nor revoked, each with its hash, in any order.
    pub async fn valid_tokens(
        &mut self,
        secret_hashes: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, TokenRow)>> {
        let mut found = Vec::with_capacity(secret_hashes.len());
        for batch in batches(secret_hashes) {
            let text = format!(
                "SELECT secret_hash, {COLUMNS} FROM tokens
                 WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) AND secret_hash"
            );
            let statement = any_of(sql("read tokens", text).bind(now), batch);
            found.extend(self.all::<Hashed>(statement).await?.into_iter().map(|hashed| (hashed.0, hashed.1)));
        }
        Ok(found)
    }

    /// The token with this id, whatever its state.
    pub async fn token(&mut self, id: &TokenId) -> Result<Option<TokenRow>> {
        let text = format!("SELECT {COLUMNS} FROM tokens WHERE id = $1");
        self.one(sql("read a token", text).bind(id)).await
    }

    /// Tokens, oldest first.
    pub async fn tokens(&mut self, filter: &TokenFilter) -> Result<Vec<TokenRow>> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        if let Some(tenant) = &filter.tenant {
            values.push(tenant.into());
            conditions.push(format!("tenant_id = ${}", values.len()));
        }
        if let Some(user) = &filter.user {
            values.push(user.into());
            conditions.push(format!("user_id = ${}", values.len()));
        }
        if !filter.revoked {
            conditions.push("revoked_at IS NULL".to_owned());
        }
        let text = format!(
            "SELECT {COLUMNS} FROM tokens WHERE {} ORDER BY created_at, id LIMIT 10000",
            conditions.join(" AND ")
        );
        self.all(sql("list tokens", text).bind_all(values)).await
    }
}

impl Tx {
    /// Adds a token.
    pub async fn insert_token(&mut self, row: &TokenRow, secret_hash: &[u8]) -> Result<()> {
        let text = format!(
            "INSERT INTO tokens ({COLUMNS}, secret_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let statement = sql("add a token", text)
            .bind(&row.id)
            .bind(&row.tenant)
            .bind(&row.user)
            .bind(&row.name)
            .bind(row.role)
            .bind(&row.source)
            .bind(row.created_at)
            .bind(row.expires_at)
            .bind(row.last_used_at)
            .bind(row.revoked_at)
            .bind(secret_hash);
        self.execute(statement).await.map(|_| ())
    }

    /// Notes that a token was used.
    pub async fn touch_token(&mut self, id: &TokenId, now: Timestamp) -> Result<()> {
        let text = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";
        self.execute(sql("note a token", text).bind(id).bind(now)).await.map(|_| ())
    }

    /// Revokes a token; one that is revoked already stays as it is.
    pub async fn revoke_token(&mut self, id: &TokenId, now: Timestamp) -> Result<TokenRow> {
        let text = format!(
            "UPDATE tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING {COLUMNS}"
        );
        let row = self.one(sql("revoke a token", text).bind(id).bind(now)).await?;
        row.ok_or_else(|| CatalogError::not_found("token", id))
    }
}
