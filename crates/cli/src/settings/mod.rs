//! The server's configuration: from flags, environment, file and defaults, in this order of precedence.

mod file;
mod job_retention;
mod origin;
mod resolve;
mod upgrades;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

pub(crate) use job_retention::JobRetention;
pub(crate) use resolve::{ServerSettings, trust_directory};
pub(crate) use upgrades::UpgradeSettings;

/// The flags of the server's configuration.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server options")]
pub(crate) struct ServerFlags {
    /// Read the configuration from FILE [default: backstay/config.toml below ~/.config, else below /etc]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where the catalog, the repository and the key are [default: backstay below ~/.local/share]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_directory: Option<PathBuf>,

    /// Where to listen [default: 127.0.0.1:8470]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,

    /// Speak TLS with the certificate chain in FILE (PEM); SIGHUP reads it again
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Allow an address that is not loopback although the server itself speaks no TLS
    #[arg(long)]
    pub(crate) allow_insecure_listen: bool,

    /// The address that users see, when a proxy stands in front
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// The catalog: sqlite:PATH or postgres://HOST/NAME; a password only in the file or BACKSTAY_DATABASE
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,

    /// Allow workspaces below DIR; repeatable
    #[arg(long, value_name = "DIR")]
    pub(crate) allowed_root: Vec<PathBuf>,

    /// Run what workspaces declare: hooks that the server's user has trusted, migrations and checks of upgrades
    #[arg(long)]
    pub(crate) allow_commands: bool,

    /// Let webhooks and messages to executors go to loopback and private addresses, too
    #[arg(long)]
    pub(crate) allow_private_webhooks: bool,

    /// What is kept of jobs that have no policy, as JSON such as {"keep_last":100} [default: everything]
    #[arg(long, value_name = "JSON")]
    pub(crate) jobs_default_retention: Option<JobRetention>,

    /// Take the client's address from X-Forwarded-For, which a proxy in front sets
    #[arg(long)]
    pub(crate) trust_forwarded_for: bool,

    /// How many tasks run at once [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<u16>,

    /// Leave webhooks, tidying up and the work of the day to other servers of the same database
    #[arg(long)]
    pub(crate) no_schedules: bool,

    /// How to log [default: text]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) log_format: Option<LogFormat>,

    /// What to log, for example info or backstay_server=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for a person.
    Text,
    /// One JSON object per line.
    Json,
}

impl std::fmt::Display for LogFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| format!("`{text}` is neither text nor json"))
    }
}
