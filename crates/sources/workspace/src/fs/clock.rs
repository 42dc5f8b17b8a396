//! The file system's own clock.

use rustix::fs::{Mode, OFlags};

use super::dir::Dir;
use super::meta::Stat;

/// The present time in nanoseconds as the file system under `dir` stamps it, taken from an unnamed file.
///
/// `None` when the file system cannot make one, for example because it is mounted read-only. Comparing file times with
/// this clock, and not with the machine's, stays right on a network file system whose server's clock differs.
pub(crate) fn file_system_now(dir: &Dir) -> Option<i64> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir.fd(), c".", flags, Mode::from_raw_mode(0o600)).ok()?;
    Stat::of_file(&file).ok().map(|stat| stat.mtime_ns)
}

/// The present time in nanoseconds as the file system of the directory `root` stamps it; `None` when it cannot be known.
pub fn file_system_time(root: &std::path::Path) -> Option<i64> {
    Dir::open_root(root).ok().as_ref().and_then(file_system_now)
}
