//! Entries of a tree.

use backstay_api::entry::{Entry, EntryKind};
use backstay_model::Timestamp;
use backstay_service::view;

use super::path_text;

/// An entry.
pub fn entry(from: view::Entry) -> Entry {
    let (path, path_b64) = path_text(&from.path);
    Entry {
        path,
        path_b64,
        kind: entry_kind(from.kind),
        size_bytes: (from.kind == view::EntryKind::File).then_some(from.size),
        mode: format!("{:04o}", from.mode & 0o7777),
        uid: from.uid,
        gid: from.gid,
        modified_at: i64::try_from(from.mtime_ns.div_euclid(1000)).ok().map(Timestamp::from_micros),
        mtime_ns: from.mtime_ns.to_string(),
        target: from.target.map(|target| String::from_utf8_lossy(&target).into_owned()),
        hard_link_group: from.hard_link_group,
        xattrs: from.xattrs.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
    }
}

/// The kind of an entry.
pub fn entry_kind(from: view::EntryKind) -> EntryKind {
    match from {
        view::EntryKind::File => EntryKind::File,
        view::EntryKind::Directory => EntryKind::Directory,
        view::EntryKind::Symlink => EntryKind::Symlink,
        view::EntryKind::Fifo => EntryKind::Fifo,
        view::EntryKind::Socket => EntryKind::Socket,
        view::EntryKind::Device => EntryKind::Device,
        view::EntryKind::Unreadable => EntryKind::Unreadable,
    }
}
