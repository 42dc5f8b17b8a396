//! The users of a tenant.

use backstay_catalog::{CatalogError, UserChange as RowChange, UserRow};
use backstay_model::{Action, Caller, Role, Subject, TenantId, UserId};
use serde_json::json;

use super::password::{check_password, hash_password};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service, blocking};
use crate::view::{NewUser, User, UserChange};

/// The name of the first user.
const ADMINISTRATOR: &str = "admin";

impl Service {
    /// Creates a user. Nobody gives a role above the own.
    ///
    /// Errors: `Invalid` for a bad name or password, `Forbidden` for a role above the caller's, `Conflict` when the name is
    /// taken, `NotFound` for a tenant that the caller does not see.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User> {
        let subject = Subject::new("user", &new.name);
        self.permit(caller, None, Action::ManageUsers, &subject).await?;
        self.permit_role(caller, new.role, &subject).await?;
        let tenant = self.user_tenant(caller, new.tenant, &subject).await?;
        let mut fields = Fields::default();
        let name = &new.name;
        let good = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@-".contains(&b));
        fields.check(good, "name", "it takes 1 to 100 letters, digits, `.`, `_`, `@` or `-`");
        fields.finish()?;
        let password_hash = match new.password {
            Some(password) => Some(self.hash_new_password(password).await?),
            None => None,
        };

        let now = self.now();
        let row = UserRow {
            id: UserId::generate(now, &**self.rng()),
            tenant,
            name: new.name,
            role: new.role,
            password_hash,
            disabled: false,
            created_at: now,
            updated_at: now,
            last_login_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_user(&row).await.map_err(|error| taken(error, &row.name))?;
        let mut event = self.event(caller, "user.created", Subject::new("user", &row.id));
        event.tenant = row.tenant.clone();
        tx.record(event.with(json!({"name": row.name, "role": row.role})));
        tx.commit().await?;
        Ok(view(row))
    }

    /// Lists users by name.
    pub async fn list_users(&self, caller: &Caller, page: &PageRequest) -> Result<Page<User>> {
        self.permit(caller, None, Action::ManageUsers, &Subject::new("users", &caller.tenant)).await?;
        let rows = self.read().await?.users(Self::visible_tenant(caller).as_ref()).await?;
        Ok(page.cut(rows)?.map(view))
    }

    /// Shows a user.
    pub async fn show_user(&self, caller: &Caller, id: &UserId) -> Result<User> {
        Ok(view(self.permitted_user(caller, id).await?))
    }

    /// Finds a user by name.
    pub async fn find_user(&self, caller: &Caller, name: &str) -> Result<User> {
        let row =
            self.read().await?.user_named(name).await?.ok_or_else(|| ServiceError::not_found("User"))?;
        Ok(view(self.permitted_user(caller, &row.id).await?))
    }

    /// Changes a user. A new password, a new role and disabling end every session of the user.
    ///
    /// Errors: `Forbidden` for a role above the caller's, `Conflict` when it would leave no superadmin who can sign in.
    pub async fn update_user(&self, caller: &Caller, id: &UserId, change: UserChange) -> Result<User> {
        let row = self.permitted_user(caller, id).await?;
        let subject = Subject::new("user", id);
        self.permit_role(caller, row.role.max(change.role.unwrap_or(row.role)), &subject).await?;
        let demoted =
            change.role.is_some_and(|role| role < Role::Superadmin) || change.disabled == Some(true);
        if row.role == Role::Superadmin && !row.disabled && demoted {
            let users = self.read().await?.users(None).await?;
            let others =
                users.iter().any(|user| user.role == Role::Superadmin && !user.disabled && user.id != row.id);
            if !others {
                return Err(ServiceError::conflict(format!(
                    "`{}` is the last superadmin who can sign in",
                    row.name
                ))
                .hint("make another user superadmin first"));
            }
        }
        let data = json!({
            "role": change.role, "disabled": change.disabled, "password": change.password.is_some(),
        });
        let ends_sessions =
            change.password.is_some() || change.disabled == Some(true) || change.role.is_some();
        let password_hash = match change.password {
            Some(password) => Some(self.hash_new_password(password).await?),
            None => None,
        };

        let now = self.now();
        let mut tx = self.begin().await?;
        let change = RowChange { role: change.role, password_hash, disabled: change.disabled };
        let row = tx.update_user(id, &change, now).await?;
        if ends_sessions {
            tx.delete_login_sessions_of(id).await?;
        }
        let mut event = self.event(caller, "user.updated", subject);
        event.tenant = row.tenant.clone();
        tx.record(event.with(data));
        tx.commit().await?;
        Ok(view(row))
    }

    /// Creates the superadmin `admin` without a password when there is no user at all; returns it then.
    pub async fn ensure_administrator(&self) -> Result<Option<User>> {
        if !self.read().await?.users(None).await?.is_empty() {
            return Ok(None);
        }
        let new =
            NewUser { name: ADMINISTRATOR.to_owned(), password: None, role: Role::Superadmin, tenant: None };
        match self.create_user(&Caller::system("first start"), new).await {
            Ok(user) => Ok(Some(user)),
            // Another server on the same catalog was faster.
            Err(error) if error.kind == backstay_model::ErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn permitted_user(&self, caller: &Caller, id: &UserId) -> Result<UserRow> {
        let row = self.read().await?.user(id).await?.ok_or_else(|| ServiceError::not_found("User"))?;
        self.permit_in_tenant(caller, &row.tenant, Action::ManageUsers, &Subject::new("user", id), "User")
            .await?;
        Ok(row)
    }

    /// Refuses a role above the caller's.
    pub(super) async fn permit_role(&self, caller: &Caller, role: Role, subject: &Subject) -> Result<()> {
        if role <= caller.role {
            return Ok(());
        }
        self.note_denied(caller, subject, json!({"wanted": "give a role", "role": role})).await?;
        let message = format!("Your role `{}` cannot give or change the role `{role}`", caller.role);
        Err(ServiceError::new(backstay_model::ErrorKind::Forbidden, message))
    }

    async fn user_tenant(
        &self,
        caller: &Caller,
        wanted: Option<TenantId>,
        subject: &Subject,
    ) -> Result<TenantId> {
        let Some(wanted) = wanted else { return Ok(caller.tenant.clone()) };
        self.permit_in_tenant(caller, &wanted, Action::ManageUsers, subject, "Tenant").await?;
        if self.read().await?.tenant(&wanted).await?.is_none() {
            return Err(ServiceError::not_found("Tenant"));
        }
        Ok(wanted)
    }

    async fn hash_new_password(&self, password: String) -> Result<String> {
        check_password(&password)?;
        let (cost, rng) = (self.settings().password_cost, self.rng().clone());
        blocking("hash the password", move || hash_password(&password, cost, &*rng)).await
    }
}

pub(super) fn view(row: UserRow) -> User {
    User {
        id: row.id,
        name: row.name,
        tenant: row.tenant,
        role: row.role,
        disabled: row.disabled,
        created_at: row.created_at,
        last_login_at: row.last_login_at,
    }
}

fn taken(error: CatalogError, name: &str) -> ServiceError {
    match error {
        CatalogError::Duplicate { .. } => {
            ServiceError::conflict(format!("A user called `{name}` exists already"))
        }
        error => error.into(),
    }
}
