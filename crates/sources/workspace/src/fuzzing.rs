//! What fuzz targets call.

use std::sync::Arc;

use backstay_model::{OperationId, SnapshotId};
use backstay_repository::{Cancel, NoProgress};
use backstay_source::RestoreContext;

use crate::unpack_to;

/// Unpacks the tar stream `bytes`, packed as a server would, into a fresh directory among the temporary files.
///
/// # Panics
/// When something is left behind after a refusal, or the scratch directory cannot be made.
pub fn archive(bytes: &[u8]) {
    let packed = zstd::encode_all(bytes, 1).expect("memory can be written");
    let scratch = std::env::temp_dir().join(format!("backstay-fuzz-archive-{}", std::process::id()));
    // What an earlier run of the same process id left.
    drop(std::fs::remove_dir_all(&scratch));
    let context = RestoreContext { progress: Arc::new(NoProgress), cancel: Cancel::new(), threads: 1 };
    let (snapshot, operation) = (SnapshotId::parse("snapshot-1"), OperationId::parse("op-1"));
    let (Ok(snapshot), Ok(operation)) = (snapshot, operation) else { return };
    let unpacked = unpack_to(&scratch, &snapshot, &*packed, &operation, &context);
    if unpacked.is_err() {
        assert!(!scratch.exists(), "a refused archive left something behind");
    }
    drop(std::fs::remove_dir_all(&scratch));
}
