//! Signing in and out.

use backstay_catalog::{SessionRow, Tx, UserRow};
use backstay_model::{Actor, ActorKind, Caller, ErrorKind, Outcome, Role, Subject, TenantId};
use serde_json::json;

use super::manage_users::view;
use super::password::verify_password;
use super::secret::{csrf_token, hash_secret, new_secret};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service, blocking};
use crate::view::{Session, SignedIn};

/// How often the time of the last use of a session is noted, in seconds.
const NOTE_USE_EVERY_S: i64 = 60;

impl Service {
    /// Signs in with name and password. `remote` is the address of the client, for the rate limit.
    ///
    /// Errors: `Unauthenticated` (the same for an unknown name, a wrong password and a disabled user, after the same work),
    /// `RateLimited` with `retry_after_s`, whatever the password is.
    pub async fn login(&self, name: &str, password: &str, remote: &str) -> Result<SignedIn> {
        let subjects =
            [format!("name:{}", shortened(&name.to_lowercase())), format!("remote:{}", shortened(remote))];
        self.check_login_rate(&subjects).await?;
        let user = self.read().await?.user_named(name).await?;
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let (cost, rng, password) = (self.settings().password_cost, self.rng().clone(), password.to_owned());
        let matches = blocking("check the password", move || {
            Ok(verify_password(&password, hash.as_deref(), cost, &*rng))
        })
        .await?;
        match user.filter(|user| matches && !user.disabled) {
            Some(user) => {
                let mut tx = self.begin().await?;
                tx.clear_login_attempts(&subjects[0]).await?;
                self.begin_session(tx, user, remote, "password").await
            }
            None => Err(self.refuse_login(&subjects, name, remote).await?),
        }
    }

    /// Ends the session with this secret.
    pub async fn logout(&self, caller: &Caller, secret: &str) -> Result<()> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let Some(session) = tx.login_session(&hash_secret(secret), now).await? else { return Ok(()) };
        tx.delete_login_session(&session.id).await?;
        tx.record(self.event(caller, "session.ended", Subject::new("session", &session.id)));
        tx.commit().await?;
        Ok(())
    }

    /// Who the session with this secret belongs to. `Unauthenticated` when it is unknown or has ended.
    pub async fn authenticate_session(&self, secret: &str) -> Result<(Caller, Session)> {
        let now = self.now();
        let mut read = self.read().await?;
        let ended =
            || ServiceError::new(ErrorKind::Unauthenticated, "The session has ended").hint("sign in again");
        let row = read.login_session(&hash_secret(secret), now).await?.ok_or_else(ended)?;
        let user = read.user(&row.user).await?.filter(|user| !user.disabled).ok_or_else(ended)?;
        drop(read);
        if now.seconds_since(row.last_seen_at) >= NOTE_USE_EVERY_S as f64 {
            let mut tx = self.begin().await?;
            tx.touch_login_session(&row.id, now, row.expires_at).await?;
            tx.commit().await?;
        }
        Ok((caller_of(&user), session_view(&row, secret)))
    }

    async fn check_login_rate(&self, subjects: &[String]) -> Result<()> {
        let settings = self.settings();
        let since = self.now().plus_seconds(-settings.login_window_seconds);
        let mut read = self.read().await?;
        for subject in subjects {
            if read.login_attempts(subject, since).await? < u64::from(settings.login_attempts) {
                continue;
            }
            let oldest = read.oldest_login_attempt(subject, since).await?.unwrap_or_else(|| self.now());
            let wait =
                oldest.plus_seconds(settings.login_window_seconds).seconds_since(self.now()).ceil().max(1.0);
            let mut error = ServiceError::new(
                ErrorKind::RateLimited,
                "Too many attempts to sign in; wait before the next one",
            );
            error.retry_after_s = Some(wait as u64);
            return Err(error);
        }
        Ok(())
    }

    async fn refuse_login(&self, subjects: &[String], name: &str, remote: &str) -> Result<ServiceError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        for subject in subjects {
            tx.note_login_attempt(subject, now).await?;
        }
        let event = self.event(&nobody(), "login.failed", Subject::new("user", &shortened(name)));
        tx.record(event.ended(Outcome::Denied).with(json!({"remote": remote})));
        tx.commit().await?;
        Ok(ServiceError::new(ErrorKind::Unauthenticated, "The name or the password is wrong"))
    }

    /// Begins a session in a transaction that may have done more; this commits it.
    pub(super) async fn begin_session(
        &self,
        mut tx: Tx,
        user: UserRow,
        remote: &str,
        by: &str,
    ) -> Result<SignedIn> {
        let now = self.now();
        let secret = new_secret("bss", &**self.rng());
        let row = SessionRow {
            id: format!("session-{}", backstay_model::id::random_suffix(&**self.rng(), 16)),
            user: user.id.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_seconds(self.settings().session_seconds),
            remote: Some(shortened(remote)),
            user_agent: None,
        };
        tx.insert_login_session(&row, &hash_secret(&secret)).await?;
        tx.note_login(&user.id, now).await?;
        let event = self.event(&caller_of(&user), "session.started", Subject::new("session", &row.id));
        tx.record(event.with(json!({"by": by, "remote": remote})));
        tx.commit().await?;
        let session = session_view(&row, &secret);
        let user = UserRow { last_login_at: Some(now), ..user };
        Ok(SignedIn { secret, session, user: view(user) })
    }
}

fn caller_of(user: &UserRow) -> Caller {
    Caller {
        actor: Actor { kind: ActorKind::User, id: user.id.to_string(), name: user.name.clone() },
        tenant: user.tenant.clone(),
        role: user.role,
    }
}

/// Whoever could not be identified.
pub(super) fn nobody() -> Caller {
    Caller {
        actor: Actor { kind: ActorKind::Anonymous, id: "anonymous".to_owned(), name: "anonymous".to_owned() },
        tenant: TenantId::default_tenant(),
        role: Role::Viewer,
    }
}

fn session_view(row: &SessionRow, secret: &str) -> Session {
    Session {
        id: row.id.clone(),
        user: row.user.clone(),
        csrf_token: csrf_token(secret),
        expires_at: row.expires_at,
    }
}

/// Bounds what an attacker can store.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
