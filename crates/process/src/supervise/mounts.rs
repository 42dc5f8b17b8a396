//! Mounts in the command's own mount namespace.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

use super::isolate::Refused;
use crate::channel::{Bytes, Mounted};

/// `linux/magic.h`.
const OVERLAYFS_SUPER_MAGIC: u64 = 0x794c_7630;

/// Lets the machine's mounts in and none of ours out.
pub(super) fn part_from_the_machine() -> Result<(), Refused> {
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
        .map_err(|errno| ("part from the machine's mounts", errno.into()))
}

/// A `/proc` that shows the processes of the namespace.
pub(super) fn mount_proc() -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("proc", "/proc", "proc", flags, None)?)
}

/// Mounts an overlay and empties what is to be hidden in it.
pub(super) fn mount_overlay(overlay: &Mounted) -> Result<(), Refused> {
    let step = "mount an overlay";
    let path = |bytes: &Bytes| bytes.clone().into_path();
    let at = path(&overlay.at);
    let [lower, upper, work] =
        [&overlay.lower, &overlay.upper, &overlay.work].map(|bytes| File::open(path(bytes)));
    let (lower, upper, work) =
        (lower.map_err(|e| (step, e))?, upper.map_err(|e| (step, e))?, work.map_err(|e| (step, e))?);
    // Descriptors instead of paths: commas, colons and backslashes mean something in these options.
    // - userxattr: the attributes that make `upper` readable are ones that any user may read and write;
    // - redirect_dir=nofollow, metacopy=off, index=off: whatever the kernel's defaults are, `upper` holds complete files
    //   and directories, and nothing refers to another place;
    // - volatile: nobody needs `upper` after a crash, so nothing is written out for its sake.
    let options = format!(
        "lowerdir=/proc/self/fd/{},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{},\
         userxattr,redirect_dir=nofollow,metacopy=off,index=off,volatile",
        lower.as_raw_fd(),
        upper.as_raw_fd(),
        work.as_raw_fd(),
    );
    let options = CString::new(options).map_err(|_| (step, io::ErrorKind::InvalidInput.into()))?;
    let flags = flags_of(&upper).map_err(|error| (step, error))?;
    mount("overlay", at.as_path(), "overlay", flags, Some(options.as_c_str()))
        .map_err(|errno| (step, errno.into()))?;
    let found = rustix::fs::statfs(&at).map_err(|errno| (step, errno.into()))?;
    if found.f_type as u64 != OVERLAYFS_SUPER_MAGIC {
        return Err((step, io::ErrorKind::Unsupported.into()));
    }
    for hidden in &overlay.hidden {
        hide(&at.join(path(hidden)))?;
    }
    Ok(())
}

/// What the file system below forbids stays forbidden.
fn flags_of(below: &File) -> io::Result<MountFlags> {
    let below = fstatvfs(below)?.f_flag;
    let kept = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
    ];
    let kept = kept.into_iter().filter(|(flag, _)| below.contains(*flag));
    Ok(kept.fold(MountFlags::empty(), |flags, (_, flag)| flags | flag))
}

fn hide(directory: &Path) -> Result<(), Refused> {
    if !std::fs::symlink_metadata(directory).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", directory, "tmpfs", flags, Some(c"mode=0755"))
        .map_err(|errno| ("hide a directory in an overlay", errno.into()))
}
