//! The configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::upgrades::{FileUndo, FileUpgrade};
use super::{JobRetention, LogFormat};
use crate::failure::Failure;

/// What the configuration file may say; every key may be missing, an unknown one is an error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSettings {
    pub(super) data_directory: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) tls_certificate: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) allow_insecure_listen: Option<bool>,
    pub(super) public_url: Option<String>,
    pub(super) database: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) allowed_roots: Option<Vec<PathBuf>>,
    pub(super) allow_commands: Option<bool>,
    pub(super) allow_private_webhooks: Option<bool>,
    pub(super) jobs: Option<JobsFile>,
    pub(super) trust_forwarded_for: Option<bool>,
    pub(super) workers: Option<u16>,
    pub(super) schedules: Option<bool>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) log: Option<String>,
    #[serde(default)]
    pub(super) upgrade: FileUpgrade,
    #[serde(default)]
    pub(super) undo: FileUndo,
}

/// What the table `jobs` may say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobsFile {
    pub(super) default_retention: Option<JobRetention>,
}

/// What is wrong, in one line that names its line of the file.
fn described(text: &str, error: &toml::de::Error) -> String {
    let line =
        error.span().map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

impl FileSettings {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::io(format!("cannot read the configuration file {}", path.display()), &error)
        })?;
        toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("the configuration file {} is not valid", path.display()))
                .because(described(&text, &error))
                .hint(
                    "`backstay config show --help` names the keys; they are the long flags with `_` for `-`",
                )
        })
    }
}
