//! Users, tokens, tenants, and who the caller is.

use backstay_api::session::Session;
use backstay_api::tenant::{NewTenant, Tenant, TenantPage, TenantQuery};
use backstay_api::token::{CreatedToken, NewToken, TokenPage, TokenQuery};
use backstay_api::user::{LoginLink, NewUser, User, UserChange, UserPage, UserQuery};
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Shows who the caller is.
    pub async fn me(&self) -> Result<Session> {
        self.fetch(self.api(Method::GET, &["sessions", "me"])).await
    }

    /// Creates a user.
    pub async fn create_user(&self, new: &NewUser) -> Result<User> {
        self.fetch(self.api(Method::POST, &["users"]).json(new).key(self.new_key())).await
    }

    /// Lists users by name.
    pub async fn list_users(&self, query: &UserQuery) -> Result<UserPage> {
        self.fetch(self.api(Method::GET, &["users"]).query(query)).await
    }

    /// Shows a user.
    pub async fn get_user(&self, id: &str) -> Result<User> {
        self.fetch(self.api(Method::GET, &["users", id])).await
    }

    /// Changes a user.
    pub async fn update_user(&self, id: &str, change: &UserChange) -> Result<User> {
        self.fetch(self.api(Method::PATCH, &["users", id]).json(change)).await
    }

    /// Makes a link that signs a user in, once.
    pub async fn create_login_link(&self, user_id: &str) -> Result<LoginLink> {
        self.fetch(self.api(Method::POST, &["users", user_id, "login-links"])).await
    }

    /// Creates an API token. The answer is the only one with its secret, so it is not asked for twice by itself.
    pub async fn create_token(&self, new: &NewToken) -> Result<CreatedToken> {
        self.fetch(self.api(Method::POST, &["tokens"]).json(new)).await
    }

    /// Lists API tokens, newest first.
    pub async fn list_tokens(&self, query: &TokenQuery) -> Result<TokenPage> {
        self.fetch(self.api(Method::GET, &["tokens"]).query(query)).await
    }

    /// Revokes an API token.
    pub async fn delete_token(&self, id: &str) -> Result<()> {
        self.delete(&["tokens", id]).await
    }

    /// Creates a tenant.
    pub async fn create_tenant(&self, new: &NewTenant) -> Result<Tenant> {
        self.fetch(self.api(Method::POST, &["tenants"]).json(new).key(self.new_key())).await
    }

    /// Lists tenants by name.
    pub async fn list_tenants(&self, query: &TenantQuery) -> Result<TenantPage> {
        self.fetch(self.api(Method::GET, &["tenants"]).query(query)).await
    }
}
