//! What is captured.

mod ensure_workspace;
mod list_sources;
mod register_source;
mod remove_source;
mod show_source;
mod update_source;
