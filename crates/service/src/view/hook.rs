//! Hooks as callers see them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a workspace declares, and whether it is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookTrust {
    /// The workspace.
    pub root: PathBuf,
    /// The BLAKE3 hash of the text, in hexadecimal.
    pub digest: String,
    /// Whether exactly this text is trusted on this machine.
    pub trusted: bool,
    /// The hooks.
    pub hooks: Vec<DeclaredHook>,
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredHook {
    /// When it is run, for example `before_save`.
    pub hook: String,
    /// Its shell text.
    pub run: String,
}
