//! Extended attributes, which include access control lists.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::XattrFlags;
use rustix::io::Errno;

/// The longest value that is kept, which is also the kernel's own limit.
const LARGEST_VALUE: usize = 64 * 1024;

/// Names and values, sorted by name.
pub(crate) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// An attribute that could not be read or set.
#[derive(Debug)]
pub(crate) struct XattrError {
    pub(crate) name: Vec<u8>,
    pub(crate) errno: Errno,
}

/// The attributes of an open file or directory. One system call when there are none.
pub(crate) fn read_xattrs_of_file(file: impl AsFd, buffer: &mut Vec<u8>) -> Result<Xattrs, XattrError> {
    let file = file.as_fd();
    read(
        buffer,
        |list| rustix::fs::flistxattr(file, list),
        |name, value| rustix::fs::fgetxattr(file, name, value),
    )
}

/// The attributes of the link `name` itself. Its directory is addressed through its open descriptor.
pub(crate) fn read_xattrs_of_link(
    dir: BorrowedFd<'_>,
    name: &std::ffi::CStr,
    buffer: &mut Vec<u8>,
) -> Result<Xattrs, XattrError> {
    let path = path_through_descriptor(dir, name);
    read(
        buffer,
        |list| rustix::fs::llistxattr(&path, list),
        |attribute, value| rustix::fs::lgetxattr(&path, attribute, value),
    )
}

fn path_through_descriptor(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> CString {
    let mut path = format!("/proc/self/fd/{}/", dir.as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    CString::new(path).expect("a name from the kernel holds no NUL")
}

fn read(
    buffer: &mut Vec<u8>,
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&std::ffi::CStr, &mut [u8]) -> Result<usize, Errno>,
) -> Result<Xattrs, XattrError> {
    buffer.resize(LARGEST_VALUE, 0);
    let length = match list(buffer) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOENT | Errno::LOOP) => return Ok(Vec::new()),
        Ok(length) => length,
        Err(errno) => return Err(XattrError { name: Vec::new(), errno }),
    };
    let names: Vec<CString> = buffer[..length]
        .split(|b| *b == 0)
        .filter(|name| !name.is_empty() && is_kept(name))
        .filter_map(|name| CString::new(name).ok())
        .collect();
    let mut xattrs = Vec::with_capacity(names.len());
    for name in names {
        match get(&name, buffer) {
            Ok(length) => xattrs.push((name.into_bytes(), buffer[..length].to_vec())),
            Err(Errno::NODATA) => {}
            Err(errno) => return Err(XattrError { name: name.into_bytes(), errno }),
        }
    }
    xattrs.sort_unstable();
    Ok(xattrs)
}

/// Attributes that describe the machine and not the file are left out.
fn is_kept(name: &[u8]) -> bool {
    !(name.starts_with(b"system.nfs4_")
        || name.starts_with(b"btrfs.")
        || name == b"security.ima"
        || name == b"security.evm")
}

/// Makes the attributes of an open file or directory equal to `wanted`; reports what could not be set.
///
/// `known_empty` spares the listing for a file that was just created.
pub(crate) fn write_xattrs(
    file: impl AsFd,
    wanted: &[(Vec<u8>, Vec<u8>)],
    known_empty: bool,
    buffer: &mut Vec<u8>,
) -> Vec<XattrError> {
    let file = file.as_fd();
    let mut failed = Vec::new();
    if wanted.is_empty() && known_empty {
        return failed;
    }
    let present = if known_empty {
        Vec::new()
    } else {
        match read_xattrs_of_file(file, buffer) {
            Ok(present) => present,
            Err(error) => return vec![error],
        }
    };
    for (name, _) in &present {
        if !wanted.iter().any(|(other, _)| other == name)
            && let Err(errno) = rustix::fs::fremovexattr(file, name.as_slice())
        {
            failed.push(XattrError { name: name.clone(), errno });
        }
    }
    for (name, value) in wanted {
        if present.iter().any(|(other, old)| other == name && old == value) {
            continue;
        }
        if let Err(errno) = rustix::fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
            failed.push(XattrError { name: name.clone(), errno });
        }
    }
    failed
}
