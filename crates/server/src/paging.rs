//! Which part of a list is wanted.

use backstay_service::PageRequest;

/// What `limit`, `offset` and `cursor` ask for; their bounds have been checked.
pub(crate) fn page_request(limit: Option<u32>, offset: Option<u32>, cursor: Option<String>) -> PageRequest {
    PageRequest { limit: limit.unwrap_or(100), offset: offset.unwrap_or(0).into(), cursor }
}
