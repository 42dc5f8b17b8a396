//! A subtree as `.tar.zst`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use axum::body::Body;
use backstay_service::view::{Entry, EntryKind};
use backstay_service::{ServiceError, SubtreeItem};

use super::channel::body_channel;

/// Fast enough to keep up with reading; the content was compressed better in the repository.
const LEVEL: i32 = 3;

/// Packs `items` on a blocking thread while the body is sent. An error on the way breaks the transfer off.
pub(crate) fn tar_zst(
    items: impl Iterator<Item = Result<SubtreeItem, ServiceError>> + Send + 'static,
) -> Body {
    let (mut writer, body) = body_channel();
    tokio::task::spawn_blocking(move || {
        let items = items.map(|item| match item {
            Ok(item) => Ok((item.entry, item.xattrs, item.reader)),
            Err(error) => Err(io::Error::other(error.to_string())),
        });
        match pack(items, &mut writer) {
            Ok(()) => drop(writer.finish()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                tracing::error!(error.message = %error, "an archive was broken off");
                writer.fail(error);
            }
        }
    });
    body
}

/// Names and values of extended attributes.
type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

fn pack<R: Read>(
    items: impl Iterator<Item = io::Result<(Entry, Xattrs, Option<R>)>>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(out, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut archive = tar::Builder::new(encoder);
    let mut first_names = HashMap::new();
    for item in items {
        let (entry, xattrs, reader) = item?;
        append(&mut archive, &mut first_names, &entry, &xattrs, reader)?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}

fn append<W: Write, R: Read>(
    archive: &mut tar::Builder<W>,
    first_names: &mut HashMap<u64, Vec<u8>>,
    entry: &Entry,
    xattrs: &Xattrs,
    reader: Option<R>,
) -> io::Result<()> {
    let path = if entry.path.is_empty() { b"./" } else { entry.path.as_slice() };
    let path = Path::new(OsStr::from_bytes(path));
    let mut header = header_of(entry);
    let earlier = entry.hard_link_group.and_then(|group| first_names.get(&group).cloned());
    append_extended_header(archive, entry, xattrs)?;
    match (entry.kind, earlier, reader) {
        (EntryKind::Directory, ..) => {
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, path, io::empty())
        }
        (EntryKind::Symlink, ..) => {
            header.set_entry_type(tar::EntryType::Symlink);
            let target = entry.target.as_deref().unwrap_or_default();
            archive.append_link(&mut header, path, Path::new(OsStr::from_bytes(target)))
        }
        (EntryKind::File, Some(earlier), _) => {
            header.set_entry_type(tar::EntryType::Link);
            archive.append_link(&mut header, path, Path::new(OsStr::from_bytes(&earlier)))
        }
        (EntryKind::File, None, Some(reader)) => {
            if let Some(group) = entry.hard_link_group {
                first_names.insert(group, entry.path.clone());
            }
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(entry.size);
            let mut exact = Exact { inner: reader, left: entry.size };
            archive.append_data(&mut header, path, &mut exact)
        }
        // What is only noted in the snapshot has no content to pack.
        _ => Ok(()),
    }
}

fn header_of(entry: &Entry) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(entry.mode & 0o7777);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(u64::try_from(entry.mtime_ns.div_euclid(1_000_000_000)).unwrap_or(0));
    header.set_size(0);
    header
}

/// What only an extended header can hold: the nanoseconds of the modification time, times before 1970, and attributes
/// under the keywords that GNU tar and bsdtar read.
fn append_extended_header<W: Write>(
    archive: &mut tar::Builder<W>,
    entry: &Entry,
    xattrs: &Xattrs,
) -> io::Result<()> {
    if !matches!(entry.kind, EntryKind::Directory | EntryKind::File | EntryKind::Symlink) {
        return Ok(());
    }
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    let (whole, part) = (entry.mtime_ns.abs() / 1_000_000_000, entry.mtime_ns.abs() % 1_000_000_000);
    if part != 0 || entry.mtime_ns < 0 {
        let sign = if entry.mtime_ns < 0 { "-" } else { "" };
        records.push(("mtime".to_owned(), format!("{sign}{whole}.{part:09}").into_bytes()));
    }
    for (name, value) in xattrs {
        // A keyword ends at the first `=`, so such a name cannot be told.
        if let Ok(name) = std::str::from_utf8(name)
            && !name.contains(['=', '\n'])
        {
            records.push((format!("SCHILY.xattr.{name}"), value.clone()));
        }
    }
    if records.is_empty() {
        return Ok(());
    }
    archive.append_pax_extensions(records.iter().map(|(name, value)| (name.as_str(), value.as_slice())))
}

/// Reads exactly as many bytes as the entry says: a header that lies would shift all that follows.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let got = self.inner.read(&mut buffer[..wanted])?;
        if got == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the content is shorter than its entry says",
            ));
        }
        self.left -= got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind, size: u64) -> Entry {
        Entry {
            path: path.as_bytes().to_vec(),
            kind,
            size,
            mode: 0o100_640,
            uid: 1,
            gid: 2,
            mtime_ns: 1_767_435_330_123_456_789,
            target: (kind == EntryKind::Symlink).then(|| b"../elsewhere".to_vec()),
            hard_link_group: (kind == EntryKind::File).then_some(7),
            xattrs: vec![],
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let long = format!("d/{}", "x".repeat(250));
        let items = [
            (entry("", EntryKind::Directory, 0), None),
            (entry("d", EntryKind::Directory, 0), None),
            (entry("d/a", EntryKind::File, 5), Some(&b"hello"[..])),
            (entry(&long, EntryKind::File, 5), Some(&b"hello"[..])),
            (entry("d/link", EntryKind::Symlink, 0), None),
            (entry("d/fifo", EntryKind::Fifo, 0), None),
        ];
        let mut out = Vec::new();
        let xattrs = vec![(b"user.x".to_vec(), b"v".to_vec())];
        let items = items.into_iter().map(|(entry, reader)| Ok((entry, xattrs.clone(), reader)));
        pack(items, &mut out).unwrap();
        let mut archive = tar::Archive::new(zstd::Decoder::new(&out[..]).unwrap());
        let mut names = Vec::new();
        for found in archive.entries().unwrap() {
            let mut found = found.unwrap();
            let name = found.path().unwrap().to_string_lossy().into_owned();
            let times: Vec<_> = found
                .pax_extensions()
                .unwrap()
                .into_iter()
                .flatten()
                .filter_map(|pair| pair.ok().map(|pair| pair.value().unwrap().to_owned()))
                .collect();
            assert_eq!(times, ["1767435330.123456789", "v"], "{name}");
            let kind = found.header().entry_type();
            let link = found.link_name().unwrap().map(|link| link.to_string_lossy().into_owned());
            let mut text = String::new();
            found.read_to_string(&mut text).unwrap();
            names.push((name, kind, link, text));
        }
        let none = String::new();
        assert_eq!(
            names,
            [
                ("./".into(), tar::EntryType::Directory, None, none.clone()),
                ("d".into(), tar::EntryType::Directory, None, none.clone()),
                ("d/a".into(), tar::EntryType::Regular, None, "hello".into()),
                (long, tar::EntryType::Link, Some("d/a".into()), none.clone()),
                ("d/link".into(), tar::EntryType::Symlink, Some("../elsewhere".into()), none),
            ]
        );
    }

    #[test]
    fn content_that_is_shorter_than_its_entry_is_an_error() {
        let items = [(entry("a", EntryKind::File, 6), Some(&b"hello"[..]))];
        let items = items.into_iter().map(|(entry, reader)| Ok((entry, vec![], reader)));
        let error = pack(items, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
