//! Checkpoints of jobs.
//!
//! Saves go through one queue: what many clients send at the same time is checked, encoded, written and committed
//! together, so that they share one transaction and one fsync; a lone save does not wait. Reads decode a state along
//! its chain, with the contents that were read or written lately at hand. What is too large for the catalog lies in the
//! repository.

mod batch;
mod cache;
mod clean_job;
mod contents;
mod create_checkpoint;
mod delete_checkpoint;
mod diff_checkpoints;
mod fork_checkpoint;
mod get_checkpoint;
mod hold_checkpoint;
mod item;
mod keyring;
mod list_checkpoints;
mod queue;
mod remove;
mod restore_checkpoint;
mod rotate_job_key;
mod stored;
mod time_travel;

pub(crate) use batch::{Batch, source_of};
pub(crate) use cache::Content;
pub(crate) use clean_job::Given;
pub(crate) use contents::Contents;
pub(crate) use get_checkpoint::SmallCheckpoints;
pub(crate) use item::damaged;
pub(crate) use keyring::JobKeys;
pub(crate) use list_checkpoints::{any_job, find_job};
pub(crate) use queue::{Answer, Request, Saving, Work};
pub use restore_checkpoint::Restored;
pub(crate) use stored::{Described, Prepared, PreparedContents, STATE_FILE, StoredContent, is_content};

use backstay_model::TenantId;
use backstay_source_job::slug;

use crate::error::{Result, ServiceError};
use crate::limits::Fields;

/// The project of a request that names none.
pub const DEFAULT_PROJECT: &str = "default";

/// The hash by which a job is found.
pub(crate) fn job_key(tenant: &TenantId, project: &str, name: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_derive_key("backstay v1 job");
    for part in [tenant.as_str(), project, name] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().as_bytes()[..16].to_vec()
}

/// A number that stands for a text in an index.
pub(crate) fn text_hash(parts: &[&str]) -> i64 {
    let mut hasher = blake3::Hasher::new_derive_key("backstay v1 index");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

/// Refuses what cannot be the name of a job: 1 to 512 bytes without control characters.
pub(crate) fn check_job_name(fields: &mut Fields, field: &str, name: &str) {
    let good = (1..=512).contains(&name.len()) && !name.chars().any(char::is_control);
    fields.check(good, field, "it takes 1 to 512 bytes without control characters");
}

/// The name of a project: 1 to 100 of `A-Za-z0-9._-`.
pub(crate) fn check_project(project: &str) -> Result<()> {
    let good = (1..=100).contains(&project.len())
        && project.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if good {
        return Ok(());
    }
    Err(ServiceError::invalid("Backstay-Project", "it takes 1 to 100 letters, digits, `.`, `_` or `-`"))
}

/// Nothing has this public id, or the caller may not see it.
pub(crate) fn no_checkpoint(id: &str) -> ServiceError {
    let shown: String = id.chars().take(140).collect();
    ServiceError::not_found(&format!("Checkpoint {shown}"))
}

/// The public id of the checkpoint with this number and step.
pub(crate) fn public_id(number: i64, step_name: &str) -> String {
    backstay_source_job::CheckpointKey::from_number(number).public(&slug(step_name))
}
