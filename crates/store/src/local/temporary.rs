//! Temporary files: their names, and removing those of dead writers.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::DiskFile;
use super::{Shared, TEMPORARY};

/// How old a temporary file is, in seconds, when its writer is taken for dead.
const STALE_SECONDS: f64 = 24.0 * 60.0 * 60.0;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Creates a temporary file under a name of its own; returns its path.
pub(super) fn create(shared: &Shared) -> io::Result<(String, Box<dyn DiskFile>)> {
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = format!("{TEMPORARY}/{}-{number}", std::process::id());
        match shared.disk.create_file(&path) {
            Ok(file) => return Ok((path, file)),
            // Left by an earlier process of this number, or in use by one on another machine.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                shared.forget_directories();
                shared.ensure_directory(TEMPORARY)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Removes the temporary files of dead writers. The present time is that of a file made now, so that the clock of this
/// machine does not matter when the disk is another's.
pub(super) fn clean(shared: &Shared) -> io::Result<u64> {
    let mut found = Vec::new();
    let listed = shared.disk.entries(TEMPORARY, &mut |entry| {
        if !entry.is_directory {
            found.push(format!("{TEMPORARY}/{}", entry.name));
        }
        true
    });
    match listed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        listed => listed?,
    }
    if found.is_empty() {
        return Ok(0);
    }
    let (probe, _) = create(shared)?;
    let now = shared.disk.stat(&probe).map(|stat| stat.modified);
    shared.disk.remove_file(&probe)?;
    let now = now?;
    let mut removed = 0;
    for path in found {
        // A file that is gone by now was finished or removed by its writer.
        let Ok(stat) = shared.disk.stat(&path) else { continue };
        if now.seconds_since(stat.modified) > STALE_SECONDS && shared.disk.remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}
