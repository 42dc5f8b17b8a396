//! The wire types of the REST API, shared by server and client.
//!
//! Every type is the JSON of one thing, with its bounds in its OpenAPI schema: the server checks a request body
//! against that schema, so the document and the behaviour cannot differ. Request bodies refuse unknown fields;
//! answers may gain fields, and a client ignores those it does not know.

pub mod audit;
pub mod change;
pub mod checkpoint;
pub mod content;
pub mod declared;
pub mod dependency;
pub mod entry;
pub mod event;
pub mod execution;
pub mod executor;
pub mod group;
pub mod health;
pub mod history;
pub mod hold;
pub mod job;
pub mod layout;
pub mod operation;
mod page;
pub mod probe;
pub mod problem;
pub mod prune;
pub mod restore;
pub mod session;
pub mod snapshot;
pub mod statistics;
pub mod task;
pub mod telemetry;
pub mod tenant;
pub mod thread;
pub mod token;
pub mod training_run;
pub mod training_snapshot;
pub mod upgrade;
pub mod user;
pub mod verify;
pub mod webhook;
pub mod words;
pub mod workspace;

pub use problem::{FieldError, Problem};
