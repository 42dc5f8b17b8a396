//! Requests that may be sent twice.

mod remember_request;
mod sealed_answer;

pub use remember_request::{Remembered, RepeatableRequest};
pub use sealed_answer::StoredAnswer;
