//! The repository engine: where the content of snapshots lives.
//!
//! A [`Repository`] keeps content-addressed, compressed, sealed chunks in packs on a [`backstay_store::Store`], and
//! trees of them under root manifests. Everything stored is immutable; there are no lock files; any number of writers,
//! readers and one collector work at once. `docs/FORMAT.md` describes every byte.
//!
//! - A capture opens a [`Writer`], gives every thread a [`Lane`], and ends with [`Writer::finish`], whose last step,
//!   writing the root manifest, is the commit point.
//! - A restore reads through a [`Reader`], which verifies every chunk before it hands out a byte.
//!
//! Nothing here knows of SQL, HTTP or the clock; everything blocks and is safe from many threads.

mod block;
mod chunker;
mod config;
mod content;
mod content_list;
mod credential;
mod crypto;
mod damage_notes;
mod error;
#[cfg(test)]
mod format_vectors;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod garbage;
mod id;
mod index;
mod keys;
mod limits;
mod maintenance;
mod manifest;
mod manifests;
mod object;
mod pack;
mod pages;
mod progress;
mod reader;
mod repository;
mod tree;
mod uptime;
mod wire;
mod writer;

pub use content::{Content, ContentHint, Extent};
pub use content_list::ContentBuilder;
pub use credential::Credential;
pub use error::{RepositoryError, Result};
pub use id::{ChunkId, IndexId, InvalidObjectId, ManifestId, PackId};
pub use limits::{MAX_CHUNK_BYTES, MAX_NAME_BYTES, MAX_TARGET_BYTES, MAX_XATTR_BYTES, MAX_XATTRS};
pub use maintenance::{
    CollectOptions, CollectReport, CopyOptions, CopyReport, DamagedObject, LostPath, RepairOptions,
    RepairReport, SnapshotDamage, SourceStatistics, Statistics, StatisticsOptions, VerifyDepth,
    VerifyOptions, VerifyReport, copy_snapshots,
};
pub use manifest::{CaptureWarning, Counts, Manifest};
pub use progress::{Cancel, NoProgress, Progress};
pub use reader::{ContentReader, DirectoryEntries, Extents, Location, Reader};
pub use repository::{InitOptions, KeyDescription, KeyKind, Repository, Settings};
pub use tree::{DirectoryBuilder, DirectoryRef, Entry, Node, Xattr};
pub use uptime::{BootTime, Uptime};
pub use writer::{Lane, RandomAccess, Receipt, WriteStats, Writer, WriterOptions};
