//! What can be set about the use cases.

use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::retention::job::JobRules;
use backstay_process::Supervisor;
use jiff::tz::TimeZone;

use crate::auth::PasswordCost;

/// What can be set about the use cases. The default is that of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this host; a workspace belongs to one.
    pub host: String,
    /// Below which directories a workspace may be registered; `None` for any, as on the command line.
    pub allowed_roots: Option<Vec<PathBuf>>,
    /// Where days begin, for retention.
    pub time_zone: TimeZone,
    /// How long a session lasts, in seconds.
    pub session_seconds: i64,
    /// How long a login link can be used, in seconds.
    pub login_link_seconds: i64,
    /// How many failed logins of one name or one address are allowed within [`Settings::login_window_seconds`].
    pub login_attempts: u32,
    /// The window of the login limit, in seconds.
    pub login_window_seconds: i64,
    /// How expensive guessing a password is made.
    pub password_cost: PasswordCost,
    /// How long a restore plan can be executed, in seconds.
    pub plan_seconds: i64,
    /// How long a capture or a task is believed to be alive without a sign of life, in seconds.
    pub lease_seconds: i64,
    /// Whether webhooks may go to loopback, private and link-local addresses.
    pub webhooks_to_private_addresses: bool,
    /// What supervises commands; without it none can be run.
    pub supervisor: Option<Arc<Supervisor>>,
    /// Whether commands that a workspace declares may be run at all.
    pub allow_commands: bool,
    /// Where the texts that this user trusts are noted, outside of every workspace; `None`: none is trusted.
    pub trust_directory: Option<PathBuf>,
    /// Whether the snapshot that an upgrade takes first is only an undo point once the upgrade has succeeded.
    pub upgrade_auto_cleanup: bool,
    /// Of how many failed upgrades of a workspace the snapshots are kept.
    pub upgrade_keep: u32,
    /// How many operations of a workspace stay undoable whatever their age, when upgrades forget undo points of their own.
    pub undo_keep: u32,
    /// The retention policy of jobs that have none, and whose project has none.
    pub job_retention: Option<JobRules>,
    /// How long the receiver of a webhook may take to answer, in seconds.
    pub webhook_timeout_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            allowed_roots: Some(Vec::new()),
            time_zone: TimeZone::UTC,
            session_seconds: 12 * 3600,
            login_link_seconds: 15 * 60,
            login_attempts: 10,
            login_window_seconds: 15 * 60,
            password_cost: PasswordCost::default(),
            plan_seconds: 24 * 3600,
            lease_seconds: 60,
            webhooks_to_private_addresses: false,
            supervisor: None,
            allow_commands: false,
            trust_directory: None,
            upgrade_auto_cleanup: true,
            upgrade_keep: 5,
            undo_keep: 10,
            job_retention: None,
            webhook_timeout_seconds: 15,
        }
    }
}
