//! What is kept of upgrades: for the server, and for a workspace that somebody works in without one.

use std::path::PathBuf;

use serde::Deserialize;

use super::file::FileSettings;
use super::origin::Sourced;
use super::resolve::{Environment, Pick, personal_file};
use crate::failure::Failure;

/// `[upgrade]` of the configuration file.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileUpgrade {
    auto_cleanup: Option<bool>,
    keep: Option<u32>,
}

/// `[undo]` of the configuration file.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileUndo {
    keep: Option<u32>,
}

/// What is kept of upgrades.
#[derive(Debug, Clone)]
pub(crate) struct UpgradeSettings {
    /// Whether the snapshot of the state before is only an undo point after a success.
    pub(crate) auto_cleanup: Sourced<bool>,
    /// Of how many failed upgrades the snapshots are kept.
    pub(crate) keep: Sourced<u32>,
    /// How many operations stay undoable.
    pub(crate) undo_keep: Sourced<u32>,
}

impl UpgradeSettings {
    pub(super) fn resolve(pick: &Pick<'_>, upgrade: FileUpgrade, undo: FileUndo) -> Result<Self, Failure> {
        let auto_cleanup =
            pick.value(None, "BACKSTAY_UPGRADE_AUTO_CLEANUP", upgrade.auto_cleanup, || true)?;
        let keep = pick.value(None, "BACKSTAY_UPGRADE_KEEP", upgrade.keep, || 5)?;
        let undo_keep = pick.value(None, "BACKSTAY_UNDO_KEEP", undo.keep, || 10)?;
        Ok(Self { auto_cleanup, keep, undo_keep })
    }

    /// What the environment and the person's own configuration file say. The file of the machine is the server's.
    pub(crate) fn of_person(env: Environment<'_>) -> Result<Self, Failure> {
        let file = env("BACKSTAY_CONFIG").map(PathBuf::from).or_else(|| personal_file(env));
        let file = file.filter(|path| path.is_file());
        let found = file.as_deref().map(FileSettings::read).transpose()?.unwrap_or_default();
        Self::resolve(&Pick::new(env, file.as_deref()), found.upgrade, found.undo)
    }

    /// The settings of the use cases with these.
    pub(crate) fn apply(&self, settings: backstay_service::Settings) -> backstay_service::Settings {
        backstay_service::Settings {
            upgrade_auto_cleanup: self.auto_cleanup.value,
            upgrade_keep: self.keep.value,
            undo_keep: self.undo_keep.value,
            ..settings
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_what_is_usual() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("config.toml");
        std::fs::write(&file, "[upgrade]\nauto_cleanup = false\nkeep = 2\n[undo]\nkeep = 3\n").unwrap();
        let text = file.display().to_string();
        let env = |name: &str| match name {
            "BACKSTAY_CONFIG" => Some(text.clone()),
            "BACKSTAY_UNDO_KEEP" => Some("7".to_owned()),
            _ => None,
        };
        let found = UpgradeSettings::of_person(&env).unwrap();
        assert_eq!((found.auto_cleanup.value, found.keep.value, found.undo_keep.value), (false, 2, 7));
        let usual = UpgradeSettings::of_person(&|_| None).unwrap();
        assert_eq!((usual.auto_cleanup.value, usual.keep.value, usual.undo_keep.value), (true, 5, 10));
        std::fs::write(&file, "[upgrade]\nkep = 2\n").unwrap();
        assert_eq!(UpgradeSettings::of_person(&env).unwrap_err().exit_code(), 2);
    }
}
