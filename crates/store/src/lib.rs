//! Named immutable objects: a local directory, memory, S3.
//!
//! A [`Store`] keeps byte strings under names that Backstay chooses itself. Every implementation gives the same
//! guarantees, and one conformance suite (feature `testing`) checks them:
//!
//! - **Atomic**: an object exists either entirely or not at all, also after a crash in the middle of a write.
//! - **Durable**: when a write returns, the object survives a power cut.
//! - **Visible**: a read or listing that starts after a write returned sees it.
//! - **Idempotent**: writing the same bytes under the same name twice is harmless; deleting what is absent succeeds.

mod error;
mod local;
mod location;
mod memory;
mod name;
mod prefix;
mod s3;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{StoreError, StoreErrorKind};
pub use local::LocalStore;
pub use location::{OpenOptions, open_location};
pub use memory::MemoryStore;
pub use name::{InvalidName, ObjectName};
pub use s3::{S3Credentials, S3Retry, S3Secret, S3Settings, S3Store};
pub use store::{ObjectMeta, ObjectWriter, PutOutcome, Store};
