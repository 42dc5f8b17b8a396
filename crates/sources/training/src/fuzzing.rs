//! What fuzz targets call.

use backstay_trainer::Trainer;

use crate::{Content, Snapshot};

/// Reads a snapshot without looking at its checksums. What is read must be good to go on from and to write again.
///
/// # Panics
/// When it is not.
pub fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::read_with(bytes, false) else { return };
    if let Content::Exact { mut state, data } = snapshot.content {
        let mut out = Vec::new();
        Snapshot::write(&snapshot.header, &state, &data, &mut out).expect("what was read can be written");
        Snapshot::read(out.as_slice()).expect("what was written can be read");
        state.parameters.threads = 1;
        assert!(Trainer::resume(*state, data).is_ok(), "what was read can be gone on from");
    }
}
