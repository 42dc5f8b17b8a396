//! Local users.

use backstay_model::{Role, TenantId, Timestamp, UserId};

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Its name, unique in all tenants without regard to case.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The Argon2id hash of its password (PHC string); `None`: it cannot log in with one.
    pub password_hash: Option<String>,
    /// Whether it may not come in.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// When it last logged in.
    pub last_login_at: Option<Timestamp>,
}

/// The password hash is left out.
impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserRow")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("name", &self.name)
            .field("role", &self.role)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "id, tenant_id, name, role, password_hash, disabled, created_at, updated_at, last_login_at";

impl Record for UserRow {
    const TABLE: &'static str = "users";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            tenant: fields.parsed()?,
            name: fields.text()?,
            role: fields.parsed()?,
            password_hash: fields.optional_text()?,
            disabled: fields.flag()?,
            created_at: fields.time()?,
            updated_at: fields.time()?,
            last_login_at: fields.optional_time()?,
        })
    }
}

/// What to change of a user; `None` leaves a field as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// A new role.
    pub role: Option<Role>,
    /// A new password hash.
    pub password_hash: Option<String>,
    /// Whether it may not come in.
    pub disabled: Option<bool>,
}

fn folded(name: &str) -> String {
    name.to_lowercase()
}

impl Session {
    /// The user with this id.
    pub async fn user(&mut self, id: &UserId) -> Result<Option<UserRow>> {
        let text = format!("SELECT {COLUMNS} FROM users WHERE id = $1");
        self.one(sql("read a user", text).bind(id)).await
    }

    /// The user of this name, without regard to case.
    pub async fn user_named(&mut self, name: &str) -> Result<Option<UserRow>> {
        let text = format!("SELECT {COLUMNS} FROM users WHERE folded_name = $1");
        self.one(sql("read a user", text).bind(folded(name))).await
    }

    /// The users of a tenant, or all, by name.
    pub async fn users(&mut self, tenant: Option<&TenantId>) -> Result<Vec<UserRow>> {
        if let Some(tenant) = tenant {
            let text = format!("SELECT {COLUMNS} FROM users WHERE tenant_id = $1 ORDER BY folded_name");
            self.all(sql("list users", text).bind(tenant)).await
        } else {
            let text = format!("SELECT {COLUMNS} FROM users ORDER BY folded_name");
            self.all(sql("list users", text)).await
        }
    }
}

impl Tx {
    /// Adds a user; its name must be free.
    pub async fn insert_user(&mut self, row: &UserRow) -> Result<()> {
        let text = format!(
            "INSERT INTO users ({COLUMNS}, folded_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        );
        let statement = sql("add a user", text)
            .bind(&row.id)
            .bind(&row.tenant)
            .bind(&row.name)
            .bind(row.role)
            .bind(&row.password_hash)
            .bind(row.disabled)
            .bind(row.created_at)
            .bind(row.updated_at)
            .bind(row.last_login_at)
            .bind(folded(&row.name));
        self.execute(statement).await.map(|_| ())
    }

    /// Changes a user; returns the changed row. End its sessions yourself where that is meant.
    pub async fn update_user(&mut self, id: &UserId, change: &UserChange, now: Timestamp) -> Result<UserRow> {
        let text = format!(
            "UPDATE users SET role = coalesce($2, role), password_hash = coalesce($3, password_hash),
                 disabled = coalesce($4, disabled), updated_at = $5
             WHERE id = $1 RETURNING {COLUMNS}"
        );
        let statement = sql("change a user", text)
            .bind(id)
            .bind(change.role)
            .bind(&change.password_hash)
            .bind(change.disabled.map(i64::from))
            .bind(now);
        self.one(statement).await?.ok_or_else(|| CatalogError::not_found("user", id))
    }

    /// Notes that a user logged in.
    pub async fn note_login(&mut self, id: &UserId, now: Timestamp) -> Result<()> {
        let text = "UPDATE users SET last_login_at = $2 WHERE id = $1";
        self.execute(sql("note a login", text).bind(id).bind(now)).await.map(|_| ())
    }

    /// Removes a user and its sessions. What it did stays in the event log.
    pub async fn delete_user(&mut self, id: &UserId) -> Result<()> {
        match self.execute(sql("remove a user", "DELETE FROM users WHERE id = $1").bind(id)).await? {
            0 => Err(CatalogError::not_found("user", id)),
            _ => Ok(()),
        }
    }
}
