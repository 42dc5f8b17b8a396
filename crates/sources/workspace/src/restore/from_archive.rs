//! Restoring from an archive that a server sends, into an empty directory.
//!
//! The archive is the `.tar.zst` that a server makes of a snapshot: ustar headers, GNU long names, and extended headers
//! for times and attributes (`mtime`, `SCHILY.xattr.`). Names are checked as strictly as those of a stored tree, and what
//! comes is bounded: an archive from a hostile server writes nothing outside of the target and takes no more memory.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use backstay_model::{OperationId, SnapshotId};
use backstay_repository::Entry;
use backstay_source::{RestoreContext, RestoreReport};
use rustix::fs::AtFlags;
use tar::{EntryType, Header};

use super::plan::collisions_among;
use super::to_directory::{Filled, folds_case, into_empty_directory};
use crate::change_set::{Metadata, Rights, Stage, Steps};
use crate::error::{Result, WorkspaceError};
use crate::exclude::OWN_DIRECTORY;
use crate::fs::{Dir, Opener, c_name, display};

/// The longest extended header or name.
const LONGEST_EXTENSION: u64 = 16 << 20;

/// The pieces in which content is written; a piece of zeros becomes a hole.
const PIECE: usize = 4096;

/// Restores what the archive holds into the directory `target`, which must be empty or not exist.
///
/// The whole tree is staged in the target and moved into place by renames at the end, after the archive was read to its
/// end and its checksum was found right. A failure leaves the directory empty.
pub fn unpack_to(
    target: &Path,
    snapshot: &SnapshotId,
    archive: impl Read,
    operation: &OperationId,
    context: &RestoreContext,
) -> Result<RestoreReport> {
    into_empty_directory(target, snapshot, operation, context, &Steps::unlimited(), |root, stage, rights| {
        let mut unpacked = Unpacked {
            target: &stage.dir,
            rights,
            context,
            directories: Vec::new(),
            names: folds_case(root).then(Vec::new),
            filled: Filled { report: RestoreReport::default(), root: None },
        };
        unpacked.read(archive)?;
        unpacked.finish(stage)
    })
}

/// An archive being unpacked.
struct Unpacked<'a> {
    target: &'a Dir,
    rights: &'a Rights,
    context: &'a RestoreContext,
    /// Every directory, those above before those in them.
    directories: Vec<(Vec<u8>, Metadata)>,
    /// Every name, where the file system does not tell upper from lower case.
    names: Option<Vec<Vec<u8>>>,
    filled: Filled,
}

/// What stands before an entry and belongs to it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    mtime_ns: Option<i64>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Unpacked<'_> {
    fn read(&mut self, archive: impl Read) -> Result<()> {
        let decoder = zstd::Decoder::new(archive).map_err(broken)?;
        let mut archive = tar::Archive::new(decoder);
        let mut extensions = Extensions::default();
        for entry in archive.entries().map_err(broken)?.raw(true) {
            self.context.cancel.check()?;
            let mut entry = entry.map_err(broken)?;
            match entry.header().entry_type() {
                EntryType::XHeader => extensions.parse(&extension(&mut entry)?)?,
                EntryType::GNULongName => extensions.name = Some(text_of(extension(&mut entry)?)),
                EntryType::GNULongLink => extensions.link = Some(text_of(extension(&mut entry)?)),
                _ => self.entry(&mut entry, std::mem::take(&mut extensions))?,
            }
        }
        // The checksum stands at the end, behind the last entry.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
        Ok(())
    }

    fn entry<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>, extensions: Extensions) -> Result<()> {
        let header = entry.header().clone();
        let named = extensions.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let metadata = metadata_of(&header, extensions.mtime_ns, extensions.xattrs)?;
        let kind = header.entry_type();
        if kind == EntryType::Directory && matches!(named.as_slice(), b"." | b"./") {
            self.filled.root = Some(metadata);
            return Ok(());
        }
        let path = checked_path(&named)?;
        self.context.progress.current(&path);
        if let Some(names) = &mut self.names {
            names.push(path.clone());
        }
        let failed = |errno| WorkspaceError::path("create", &path, errno);
        match kind {
            EntryType::Directory => {
                let (parent, name) = self.target.open_parent(&path).map_err(failed)?;
                parent.make_dir(&c_name(name).map_err(failed)?).map_err(failed)?;
                self.directories.push((path, metadata));
            }
            EntryType::Regular => self.file(entry, &path, &metadata)?,
            EntryType::Symlink => {
                let link =
                    extensions.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
                let link = link.filter(|link| !link.is_empty() && !link.contains(&0));
                let link = link.ok_or_else(|| hostile("a link has no possible target"))?;
                let (parent, name) = self.target.open_parent(&path).map_err(failed)?;
                let name = c_name(name).map_err(failed)?;
                rustix::fs::symlinkat(link.as_slice(), parent.fd(), &*name).map_err(failed)?;
                self.rights.finish_new_link(&parent, &name, &path, &metadata).map_err(failed)?;
            }
            EntryType::Link => {
                let link =
                    extensions.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
                let first = checked_path(&link.unwrap_or_default())?;
                let (from, old) = self.target.open_parent(&first).map_err(failed)?;
                let (to, new) = self.target.open_parent(&path).map_err(failed)?;
                rustix::fs::linkat(from.fd(), old, to.fd(), new, AtFlags::empty()).map_err(failed)?;
            }
            _ => return Err(hostile("an entry is of no kind that a snapshot has")),
        }
        self.filled.report.created += 1;
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        path: &[u8],
        metadata: &Metadata,
    ) -> Result<()> {
        let size = entry.header().size().map_err(broken)?;
        let file = self
            .target
            .create_file(path, self.rights.creation_mode(metadata))
            .map_err(|errno| WorkspaceError::path("create", path, errno))?;
        self.content(entry, &file, size, path)?;
        self.rights
            .finish_new_file(&file, path, metadata)
            .map_err(|errno| WorkspaceError::path("set the metadata of", path, errno))?;
        self.filled.report.written_bytes += size;
        self.context.progress.advance(1, 0);
        Ok(())
    }

    /// Writes the content, leaving out pieces that hold nothing but zeros: holes come as zeros and become holes again.
    fn content(&self, from: &mut impl Read, file: &OwnedFd, size: u64, path: &[u8]) -> Result<()> {
        let failed = |errno| WorkspaceError::path("write", path, errno);
        let mut buffer = vec![0; 32 * PIECE];
        let (mut offset, mut written_to) = (0, 0);
        while offset < size {
            self.context.cancel.check()?;
            let wanted = usize::try_from(size - offset).unwrap_or(usize::MAX).min(buffer.len());
            from.read_exact(&mut buffer[..wanted]).map_err(broken)?;
            for (index, piece) in buffer[..wanted].chunks(PIECE).enumerate() {
                if piece.iter().any(|byte| *byte != 0) {
                    let at = offset + (index * PIECE) as u64;
                    super::extract::write_at(file, piece, at).map_err(failed)?;
                    written_to = at + piece.len() as u64;
                }
            }
            offset += wanted as u64;
            self.context.progress.advance(0, wanted as u64);
        }
        if written_to < size {
            rustix::fs::ftruncate(file, size).map_err(failed)?;
        }
        Ok(())
    }

    /// Sets the metadata of directories from the inside out: what is created in one changes its time.
    fn finish(mut self, stage: &Stage) -> Result<Filled> {
        if let Some(names) = &self.names {
            collisions_among(names.iter())?;
        }
        let mut opener = Opener::new(&stage.dir);
        for (path, metadata) in std::mem::take(&mut self.directories).iter().rev() {
            let failed = |errno| WorkspaceError::path("set the metadata of", path, errno);
            let dir = opener.open(path).map_err(failed)?;
            self.rights.set_on_directory(dir, path, metadata, true).map_err(failed)?;
        }
        Ok(self.filled)
    }
}

impl Extensions {
    /// Reads the records of an extended header: `LENGTH KEYWORD=VALUE\n`, the value being any bytes.
    fn parse(&mut self, mut records: &[u8]) -> Result<()> {
        let bad = || hostile("an extended header cannot be read");
        while !records.is_empty() {
            let space = records.iter().take(20).position(|byte| *byte == b' ').ok_or_else(bad)?;
            let length = std::str::from_utf8(&records[..space]).ok().and_then(|text| text.parse().ok());
            let length: usize = length.ok_or_else(bad)?;
            let record = records.get(space + 1..length).ok_or_else(bad)?;
            let record = record.strip_suffix(b"\n").ok_or_else(bad)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
            let (keyword, value) = (&record[..equals], &record[equals + 1..]);
            match keyword {
                b"mtime" => self.mtime_ns = Some(nanoseconds(value).ok_or_else(bad)?),
                // What would change how the archive is read is not written by a server of ours.
                b"path" | b"linkpath" | b"size" => return Err(bad()),
                _ => {
                    if let Some(name) = keyword.strip_prefix(b"SCHILY.xattr.") {
                        self.xattrs.push((name.to_vec(), value.to_vec()));
                    }
                }
            }
            records = &records[length..];
        }
        Ok(())
    }
}

/// Seconds with up to nine decimals as nanoseconds.
fn nanoseconds(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 9
        || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        || fraction.contains('.')
    {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<9}").parse().ok()?;
    let value = whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction)?;
    Some(if negative { -value } else { value })
}

/// The path of an entry, relative and made of possible names alone.
fn checked_path(named: &[u8]) -> Result<Vec<u8>> {
    let path = named.strip_prefix(b"./").unwrap_or(named);
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let mut parts = path.split(|byte| *byte == b'/');
    let is_own = path.split(|byte| *byte == b'/').next() == Some(OWN_DIRECTORY.as_bytes());
    if !is_own && parts.all(Entry::name_is_possible) {
        return Ok(path.to_vec());
    }
    Err(WorkspaceError::HostileTree {
        reason: format!("the archive holds the impossible path `{}`", display(path)),
    })
}

fn metadata_of(header: &Header, mtime_ns: Option<i64>, xattrs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Metadata> {
    let number =
        |value: io::Result<u64>| value.map(|value| u32::try_from(value).unwrap_or(u32::MAX)).map_err(broken);
    let seconds = header.mtime().map_err(broken)?;
    let whole = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    Ok(Metadata {
        mode: header.mode().map_err(broken)? & 0o7777,
        uid: number(header.uid())?,
        gid: number(header.gid())?,
        mtime_ns: mtime_ns.or(whole).ok_or_else(|| hostile("a time is out of range"))?,
        xattrs,
    })
}

/// The bytes of an extended header or a long name.
fn extension<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>> {
    let size = entry.header().size().map_err(broken)?;
    if size > LONGEST_EXTENSION {
        return Err(hostile("an extended header is too long"));
    }
    let mut bytes = Vec::new();
    entry.take(size).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(broken(io::ErrorKind::UnexpectedEof.into())) }
}

/// A long name without the NUL at its end.
fn text_of(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

fn broken(source: io::Error) -> WorkspaceError {
    WorkspaceError::Path { operation: "read", path: "the archive".to_owned(), source }
}

fn hostile(reason: &str) -> WorkspaceError {
    WorkspaceError::HostileTree { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn unpack(target: &Path, archive: &[u8]) -> Result<RestoreReport> {
        let snapshot = SnapshotId::parse("snapshot-1").unwrap();
        let operation = OperationId::parse("op-1").unwrap();
        let context = RestoreContext {
            progress: std::sync::Arc::new(backstay_repository::NoProgress),
            cancel: backstay_repository::Cancel::new(),
            threads: 1,
        };
        unpack_to(target, &snapshot, archive, &operation, &context)
    }

    fn packed(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        build(&mut builder);
        zstd::encode_all(&*builder.into_inner().unwrap(), 1).unwrap()
    }

    /// A header with any path, also one that the builder would refuse.
    fn header(path: &[u8], kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory { 0o750 } else { 0o640 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(7);
        header.set_size(size);
        header.set_cksum();
        header
    }

    #[test]
    fn a_tree_comes_out_as_it_was_packed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("new");
        let mut holes = vec![0; 3 * PIECE];
        holes[PIECE] = 1;
        let long = format!("d/{}", "x".repeat(250));
        let archive = packed(|builder| {
            builder.append(&header(b"./", EntryType::Directory, 0), io::empty()).unwrap();
            builder.append(&header(b"d/", EntryType::Directory, 0), io::empty()).unwrap();
            builder.append_pax_extensions([("mtime", b"-1.500000000".as_slice())]).unwrap();
            builder.append(&header(b"d/a", EntryType::Regular, holes.len() as u64), &holes[..]).unwrap();
            let mut link = header(b"", EntryType::Link, 0);
            builder.append_link(&mut link, &long, "d/a").unwrap();
            let mut link = header(b"", EntryType::Symlink, 0);
            builder.append_link(&mut link, "s", "../nowhere").unwrap();
        });
        let report = unpack(&target, &archive).unwrap();
        assert_eq!((report.created, report.written_bytes), (4, holes.len() as u64));
        assert_eq!(std::fs::read(target.join("d/a")).unwrap(), holes);
        let found = std::fs::metadata(target.join("d/a")).unwrap();
        assert_eq!(
            (found.mode() & 0o7777, found.nlink(), found.mtime(), found.mtime_nsec()),
            (0o640, 2, -2, 500_000_000)
        );
        assert_eq!(found.ino(), std::fs::metadata(target.join(&long)).unwrap().ino());
        assert_eq!(std::fs::read_link(target.join("s")).unwrap(), Path::new("../nowhere"));
        assert_eq!(std::fs::metadata(target.join("d")).unwrap().mtime(), 7);
        assert_eq!(std::fs::metadata(&target).unwrap().mode() & 0o777, 0o750);
        assert!(!target.join(".backstay").exists());
        assert!(matches!(unpack(&target, &archive), Err(WorkspaceError::TargetNotEmpty { .. })));
    }

    #[test]
    fn nothing_leaves_the_target_and_a_failure_leaves_it_empty() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        std::fs::create_dir(&target).unwrap();
        let refused = |archive: &[u8]| {
            let error = unpack(&target, archive).unwrap_err();
            assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0, "{error}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "{error}");
        };
        for path in [&b"../out"[..], b"/tmp/out", b"a/../../out", b"", b"a//b", b".backstay", b".backstay/x"]
        {
            refused(&packed(|builder| {
                builder.append(&header(path, EntryType::Regular, 1), &b"x"[..]).unwrap();
            }));
        }
        // Through a link that the archive itself brought.
        refused(&packed(|builder| {
            let mut link = header(b"", EntryType::Symlink, 0);
            builder.append_link(&mut link, "l", "..").unwrap();
            builder.append(&header(b"l/out", EntryType::Regular, 1), &b"x"[..]).unwrap();
        }));
        // Twice the same name, and a device.
        refused(&packed(|builder| {
            for _ in 0..2 {
                builder.append(&header(b"a", EntryType::Regular, 1), &b"x"[..]).unwrap();
            }
        }));
        refused(&packed(|builder| {
            builder.append(&header(b"a", EntryType::Char, 0), io::empty()).unwrap();
        }));
        // Cut off anywhere, or altered.
        let whole = packed(|builder| {
            builder.append(&header(b"a", EntryType::Regular, 5), &b"hello"[..]).unwrap();
            builder.append(&header(b"b", EntryType::Regular, 5), &b"hello"[..]).unwrap();
        });
        for end in 0..whole.len() {
            refused(&whole[..end]);
        }
        unpack(&target, &whole).unwrap();
    }

    #[test]
    fn extended_headers_are_read_by_their_lengths() {
        let mut found = Extensions::default();
        let value = b"a\n30 path=../../outside\nb";
        let keyword = "SCHILY.xattr.user.x";
        let length = keyword.len() + value.len() + 3 + 2;
        let record = [format!("{length} {keyword}=").as_bytes(), value, b"\n"].concat();
        assert_eq!(record.len(), length);
        found.parse(&record).unwrap();
        assert_eq!(found.xattrs, [(b"user.x".to_vec(), value.to_vec())]);
        for bad in [
            &b"x"[..],
            b"5 a=b",
            b"99 a=b\n",
            b"0 a=b\n",
            b"3 a=b\n",
            b"7 path=\n",
            b"18446744073709551615 a=\n",
        ] {
            assert!(Extensions::default().parse(bad).is_err(), "{}", display(bad));
        }
        assert_eq!(nanoseconds(b"1.5"), Some(1_500_000_000));
        assert_eq!(nanoseconds(b"-0.000000001"), Some(-1));
        for bad in [&b""[..], b"1.0000000001", b"1.-5", b"99999999999999999999", b"--1"] {
            assert_eq!(nanoseconds(bad), None, "{}", display(bad));
        }
    }
}
