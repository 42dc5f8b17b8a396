//! Upgrades of dependencies by the real binary, with real git repositories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod all;
mod copied;
mod failing;
mod hooks;
mod in_place;
mod keeping;
mod killed;
mod nasty;
mod over_server;
mod scene;
mod succeeding;
mod together;
mod undoing;
