//! The dependencies of a workspace with real git repositories on disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod mutations;
mod plans;
mod support;
