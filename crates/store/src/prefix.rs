//! The prefix of a listing.

use crate::error::{StoreError, StoreErrorKind};
use crate::name::ObjectName;

/// Refuses a prefix that is neither empty nor an object name, so that it can be used as a path or a key as it is.
pub(crate) fn check(prefix: &str, location: &str) -> Result<(), StoreError> {
    if prefix.is_empty() {
        return Ok(());
    }
    ObjectName::parse(prefix).map(drop).map_err(|error| {
        StoreError::about(StoreErrorKind::Misconfigured, "list", prefix.escape_debug(), location)
            .with_source(error)
    })
}
