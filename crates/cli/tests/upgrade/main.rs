//! Upgrades of dependencies by the real binary, with real git repositories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod failing;
mod hooks;
mod killed;
mod nasty;
mod scene;
mod succeeding;
mod together;
mod undoing;
