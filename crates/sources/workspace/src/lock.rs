//! The lock of a workspace: one operation at a time, and nobody waits for a dead one.

use std::ffi::CStr;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use backstay_model::{Clock, Timestamp};
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, Timespec};
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkspaceError};
use crate::exclude::OWN_DIRECTORY;
use crate::fs::Dir;

/// How long is waited between two tries to get a lock.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Who holds the lock of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The machine.
    pub host: String,
    /// The process on it.
    pub pid: u32,
    /// Since when.
    pub started_at: Timestamp,
    /// What for, for example `save`.
    pub operation: String,
}

impl fmt::Display for LockOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {} on {}, since {})", self.operation, self.pid, self.host, self.started_at)
    }
}

/// The lock of a workspace, held until it is dropped or the process ends, however it ends.
///
/// It is an operating system lock on `.backstay/lock`; the text in that file only tells others who holds it.
#[derive(Debug)]
pub struct WorkspaceLock {
    file: File,
    owner: LockOwner,
}

impl WorkspaceLock {
    /// Takes the lock of the workspace at `root` for `operation`, waiting up to `wait` for another holder to end.
    ///
    /// Makes `.backstay` when it is not there. Errors: [`WorkspaceError::Busy`] with the holder.
    pub fn acquire(root: &Path, operation: &str, clock: &dyn Clock, wait: Duration) -> Result<Self> {
        let own = open_own_directory(root)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(own.fd(), c"lock", flags, Mode::from_raw_mode(0o600))
            .map_err(|errno| WorkspaceError::path("open", b".backstay/lock", errno))?;
        let mut file = File::from(file);
        let mut waited = Duration::ZERO;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if waited < wait => {
                    let pause = TRY_AGAIN_AFTER.min(wait.saturating_sub(waited));
                    pause_for(pause);
                    waited += pause;
                }
                Err(Errno::WOULDBLOCK) => {
                    return Err(WorkspaceError::Busy { owner: read_owner(&mut file, clock) });
                }
                Err(errno) => return Err(WorkspaceError::path("lock", b".backstay/lock", errno)),
            }
        }
        let owner = LockOwner {
            host: host_name(),
            pid: std::process::id(),
            started_at: clock.now(),
            operation: operation.to_owned(),
        };
        let text = serde_json::to_vec(&owner).expect("four plain fields can be written as JSON");
        let written = file.set_len(0).and_then(|()| file.write_all(&text));
        written.map_err(|source| WorkspaceError::Path {
            operation: "write",
            path: ".backstay/lock".to_owned(),
            source,
        })?;
        Ok(Self { file, owner })
    }

    /// Who holds it: this process.
    pub fn owner(&self) -> &LockOwner {
        &self.owner
    }
}

impl Drop for WorkspaceLock {
    fn drop(&mut self) {
        // The text is a courtesy; the lock itself goes with the descriptor.
        let _ = self.file.set_len(0);
    }
}

fn read_owner(file: &mut File, clock: &dyn Clock) -> LockOwner {
    let mut text = String::new();
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(4096).read_to_string(&mut text));
    serde_json::from_str(&text).unwrap_or_else(|_| LockOwner {
        host: host_name(),
        pid: 0,
        started_at: clock.now(),
        operation: "another operation".to_owned(),
    })
}

/// The name of this machine.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn pause_for(pause: Duration) {
    let request = Timespec { tv_sec: pause.as_secs() as i64, tv_nsec: i64::from(pause.subsec_nanos()) };
    let _ = rustix::thread::clock_nanosleep_relative(ClockId::Monotonic, &request);
}

/// Opens `.backstay` below `root`, making it, with a `.gitignore` that hides it from git, when it is not there.
pub(crate) fn open_own_directory(root: &Path) -> Result<Dir> {
    let name = c".backstay";
    let at_root = |errno| WorkspaceError::Path {
        operation: "open",
        path: root.display().to_string(),
        source: std::io::Error::from(errno),
    };
    let root = Dir::open_root(root).map_err(at_root)?;
    let fail = |errno| WorkspaceError::path("create", OWN_DIRECTORY.as_bytes(), errno);
    let own = match root.open_dir(name) {
        Err(Errno::NOENT) => {
            match root.make_dir(name) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(fail(errno)),
            }
            root.open_dir(name).map_err(fail)?
        }
        opened => opened.map_err(|errno| WorkspaceError::path("open", OWN_DIRECTORY.as_bytes(), errno))?,
    };
    hide(&own)?;
    Ok(own)
}

/// Writes the `.gitignore` that hides `directory` and itself from git, when it is not there or was left empty by a process that
/// was killed between making and filling it.
pub fn hide_from_git(directory: &Path) -> Result<()> {
    let opened = Dir::open_root(directory).map_err(|errno| WorkspaceError::Path {
        operation: "open",
        path: directory.display().to_string(),
        source: std::io::Error::from(errno),
    })?;
    hide(&opened)
}

fn hide(own: &Dir) -> Result<()> {
    let fail = |error: std::io::Error| WorkspaceError::Path {
        operation: "write",
        path: ".backstay/.gitignore".to_owned(),
        source: error,
    };
    match rustix::fs::statat(own.fd(), IGNORE, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) if found.st_size > 0 || !FileType::from_raw_mode(found.st_mode).is_file() => return Ok(()),
        Err(Errno::NOENT) if link_whole_ignore(own).is_ok() => return Ok(()),
        Ok(_) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(fail(errno.into())),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(own.fd(), IGNORE, flags, Mode::from_raw_mode(0o644))
        .map_err(|errno| fail(errno.into()))?;
    // Two that do this at once write the same.
    File::from(file).write_all(IGNORE_ALL).map_err(fail)
}

const IGNORE: &CStr = c".gitignore";
const IGNORE_ALL: &[u8] = b"*\n";

/// Makes the file without a name and names it once it is filled, so that git never sees one that hides nothing.
///
/// Fails on a file system without such files, and when another process was faster.
fn link_whole_ignore(own: &Dir) -> std::io::Result<()> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(own.fd(), c".", flags, Mode::from_raw_mode(0o644))?);
    file.write_all(IGNORE_ALL)?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(rustix::fs::CWD, unnamed, own.fd(), IGNORE, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstay_model::FakeClock;

    #[test]
    fn a_held_lock_names_its_owner_and_a_dropped_one_is_free() {
        let root = tempfile::tempdir().unwrap();
        let clock = FakeClock::new(Timestamp::from_micros(5_000_000));
        let held = WorkspaceLock::acquire(root.path(), "save", &clock, Duration::ZERO).unwrap();
        let refused = WorkspaceLock::acquire(root.path(), "restore", &clock, Duration::from_millis(30));
        let Err(WorkspaceError::Busy { owner }) = refused else { panic!("{refused:?}") };
        assert_eq!(&owner, held.owner());
        assert_eq!((owner.pid, owner.operation.as_str()), (std::process::id(), "save"));
        drop(held);
        WorkspaceLock::acquire(root.path(), "restore", &clock, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read(root.path().join(".backstay/.gitignore")).unwrap(), b"*\n");
    }

    #[test]
    fn a_directory_that_was_left_visible_is_hidden() {
        let root = tempfile::tempdir().unwrap();
        let ignore = root.path().join(".backstay/.gitignore");
        std::fs::create_dir(root.path().join(".backstay")).unwrap();
        std::fs::write(&ignore, "").unwrap();
        open_own_directory(root.path()).unwrap();
        assert_eq!(std::fs::read(&ignore).unwrap(), b"*\n");
        std::fs::write(&ignore, "*\n!mine\n").unwrap();
        hide_from_git(&root.path().join(".backstay")).unwrap();
        assert_eq!(std::fs::read(&ignore).unwrap(), b"*\n!mine\n", "what a person wrote stays");
    }

    #[test]
    fn a_link_in_its_place_is_not_written_through() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(".backstay")).unwrap();
        std::os::unix::fs::symlink("../outside", root.path().join(".backstay/.gitignore")).unwrap();
        open_own_directory(root.path()).unwrap();
        assert!(!root.path().join("outside").exists());
    }

    #[test]
    fn a_waiting_operation_gets_the_lock_when_it_is_released() {
        let root = tempfile::tempdir().unwrap();
        let clock = FakeClock::new(Timestamp::EPOCH);
        let held = WorkspaceLock::acquire(root.path(), "save", &clock, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| WorkspaceLock::acquire(root.path(), "undo", &clock, Duration::from_secs(30)));
            drop(held);
            assert_eq!(waiting.join().unwrap().unwrap().owner().operation, "undo");
        });
    }
}
