//! The journal of an operation: what it is going to do, and whether it is committed.
//!
//! `.backstay/journal/<operation>.intent` lists the operations; a hash at its end tells whether it is whole.
//! `<operation>.commit` is the commit record. `<operation>.done` remains until the caller has noted the outcome.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use backstay_model::{OperationId, SnapshotId};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::metadata::Metadata;
use super::operations::{Hashes, Identity, Operation};
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, c_name};

const MAGIC: &[u8; 8] = b"BKSTJRN2";

/// What a journal is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) operation: OperationId,
    /// What it does, for example `restore`.
    pub(crate) kind: String,
    /// The snapshot that is put back, when one is.
    pub(crate) snapshot: Option<SnapshotId>,
    /// The snapshot of the state before.
    pub(crate) safety_snapshot: Option<SnapshotId>,
    /// What the caller wants to know when it has to end the operation after an interruption.
    pub(crate) detail: serde_json::Value,
}

/// The directory of journals.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: Dir,
}

/// How far an operation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Intent,
    Committed,
    Done,
}

impl Journal {
    /// Opens the journals in `.backstay`, making their directory.
    pub(crate) fn create(own: &Dir) -> Result<Self> {
        match own.make_dir(c"journal") {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(WorkspaceError::path("create", b".backstay/journal", errno)),
        }
        Self::open(own)?.ok_or_else(|| WorkspaceError::path("open", b".backstay/journal", Errno::NOENT))
    }

    /// Opens the journals in `.backstay`; `None` when there never was one.
    pub(crate) fn open(own: &Dir) -> Result<Option<Self>> {
        match own.open_dir(c"journal") {
            Ok(dir) => Ok(Some(Self { dir })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(WorkspaceError::path("open", b".backstay/journal", errno)),
        }
    }

    /// The operations that have a journal, in the order of their ids.
    pub(crate) fn list(&self) -> Result<Vec<(OperationId, State)>> {
        let listing =
            self.dir.list().map_err(|errno| WorkspaceError::path("list", b".backstay/journal", errno))?;
        let mut found: Vec<(OperationId, State)> = Vec::new();
        for (name, _) in listing.iter() {
            let Some((id, end)) = name.to_str().ok().and_then(|name| name.rsplit_once('.')) else { continue };
            let state = match end {
                "intent" => State::Intent,
                "commit" => State::Committed,
                "done" => State::Done,
                _ => continue,
            };
            let Ok(id) = OperationId::parse(id) else { continue };
            match found.iter_mut().find(|(known, _)| *known == id) {
                Some((_, known)) if state != State::Intent => *known = state,
                Some(_) => {}
                None => found.push((id, state)),
            }
        }
        Ok(found)
    }

    /// Writes the intent, durably.
    pub(crate) fn write_intent(
        &self,
        header: &Header,
        operations: &[Operation],
        durable: bool,
    ) -> Result<()> {
        let name = format!("{}.intent", header.operation);
        let write = || -> io::Result<()> {
            let file = File::from(self.dir.create_file(name.as_bytes(), Mode::from_raw_mode(0o600))?);
            let mut out = Hashing { to: BufWriter::new(&file), hasher: blake3::Hasher::new() };
            out.write_all(MAGIC)?;
            put_bytes(&mut out, &serde_json::to_vec(header)?)?;
            put_u64(&mut out, operations.len() as u64)?;
            for operation in operations {
                put_operation(&mut out, operation)?;
            }
            let hash = out.hasher.finalize();
            out.to.write_all(hash.as_bytes())?;
            out.to.flush()?;
            drop(out);
            if durable {
                file.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|source| failed("write", &name, source))?;
        if durable { self.sync() } else { Ok(()) }
    }

    /// Writes the commit record, durably: from here on the operation goes forward.
    pub(crate) fn commit(&self, header: &Header, durable: bool) -> Result<()> {
        let name = format!("{}.commit", header.operation);
        let unfinished = format!("{}.tmp", header.operation);
        let write = || -> io::Result<()> {
            match self.dir.remove_file(&c_name(unfinished.as_bytes())?) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            }
            let mut file =
                File::from(self.dir.create_file(unfinished.as_bytes(), Mode::from_raw_mode(0o600))?);
            file.write_all(&serde_json::to_vec(header)?)?;
            if durable {
                file.sync_all()?;
            }
            self.rename(&unfinished, &name)?;
            Ok(())
        };
        write().map_err(|source| failed("write", &name, source))?;
        if durable { self.sync() } else { Ok(()) }
    }

    /// Notes that a committed operation is finished, and forgets its intent.
    pub(crate) fn finish(&self, operation: &OperationId, durable: bool) -> Result<()> {
        let done = format!("{operation}.done");
        self.rename(&format!("{operation}.commit"), &done)
            .map_err(|errno| failed("write", &done, errno.into()))?;
        self.remove(operation, "intent")?;
        if durable { self.sync() } else { Ok(()) }
    }

    /// Removes one file of an operation; succeeds when there is none.
    pub(crate) fn remove(&self, operation: &OperationId, end: &str) -> Result<()> {
        let name = format!("{operation}.{end}");
        let removed = c_name(name.as_bytes()).and_then(|name| self.dir.remove_file(&name));
        match removed {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed("remove", &name, errno.into())),
        }
    }

    /// Reads the header of a finished or committed operation.
    pub(crate) fn read_header(&self, operation: &OperationId, state: State) -> Result<Header> {
        let end = if state == State::Done { "done" } else { "commit" };
        let text = self.read(&format!("{operation}.{end}"))?;
        serde_json::from_slice(&text).map_err(|error| damaged(operation, &error.to_string()))
    }

    /// Reads an intent back; an error when it is not whole.
    pub(crate) fn read_intent(&self, operation: &OperationId) -> Result<(Header, Vec<Operation>)> {
        let bytes = self.read(&format!("{operation}.intent"))?;
        let body = bytes.len().checked_sub(32).ok_or_else(|| damaged(operation, "it is cut off"))?;
        if blake3::hash(&bytes[..body]).as_bytes() != &bytes[body..] {
            return Err(damaged(operation, "its hash does not match"));
        }
        decode(&bytes[..body]).ok_or_else(|| damaged(operation, "it cannot be decoded"))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let read = || -> io::Result<Vec<u8>> {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(self.dir.fd(), name, flags, Mode::empty())?;
            let mut bytes = Vec::new();
            File::from(file).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| failed("read", name, source))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        rustix::fs::renameat(self.dir.fd(), from, self.dir.fd(), to)
    }

    fn sync(&self) -> Result<()> {
        rustix::fs::fsync(self.dir.fd())
            .map_err(|errno| WorkspaceError::path("sync", b".backstay/journal", errno))
    }
}

fn failed(operation: &'static str, name: &str, source: io::Error) -> WorkspaceError {
    WorkspaceError::Path { operation, path: format!(".backstay/journal/{name}"), source }
}

fn damaged(operation: &OperationId, reason: &str) -> WorkspaceError {
    WorkspaceError::DamagedJournal { operation: operation.to_string(), reason: reason.to_owned() }
}

/// Hashes what passes through.
struct Hashing<W> {
    to: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.to.write_all(data)?;
        self.hasher.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn put_u64(out: &mut impl Write, number: u64) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())
}

fn put_bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    put_u64(out, bytes.len() as u64)?;
    out.write_all(bytes)
}

fn put_identity(out: &mut impl Write, identity: &Identity) -> io::Result<()> {
    out.write_all(&[u8::from(identity.is_directory)])?;
    for number in [identity.device, identity.inode, identity.size] {
        put_u64(out, number)?;
    }
    put_u64(out, identity.mtime_ns as u64)?;
    put_u64(out, identity.ctime_ns as u64)
}

fn put_optional<W: Write, T>(
    out: &mut W,
    value: Option<&T>,
    put: impl Fn(&mut W, &T) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(&[u8::from(value.is_some())])?;
    value.map_or(Ok(()), |value| put(out, value))
}

fn put_operation(out: &mut impl Write, operation: &Operation) -> io::Result<()> {
    match operation {
        Operation::RemoveFile { path, before } => {
            out.write_all(&[1])?;
            put_bytes(out, path)?;
            put_identity(out, before)
        }
        Operation::RemoveDirectory { path, before } => {
            out.write_all(&[2])?;
            put_bytes(out, path)?;
            put_identity(out, before)
        }
        Operation::MakeDirectory { path } => {
            out.write_all(&[3])?;
            put_bytes(out, path)
        }
        Operation::Place { staged, path, before, hashes } => {
            out.write_all(&[4])?;
            put_bytes(out, staged)?;
            put_bytes(out, path)?;
            put_optional(out, before.as_ref(), put_identity)?;
            for hash in [hashes.before, hashes.after] {
                put_optional(out, hash.as_ref(), |out, hash| out.write_all(hash))?;
            }
            Ok(())
        }
        Operation::MoveAway { path, before, to } => {
            out.write_all(&[5])?;
            put_bytes(out, path)?;
            put_identity(out, before)?;
            put_bytes(out, to)
        }
        Operation::Expect { path, before } => {
            out.write_all(&[7])?;
            put_bytes(out, path)?;
            put_optional(out, before.as_ref(), put_identity)
        }
        Operation::Hold { staged, path } => {
            out.write_all(&[8])?;
            put_bytes(out, staged)?;
            put_bytes(out, path)
        }
        Operation::SetMetadata { path, metadata } => {
            out.write_all(&[6])?;
            put_bytes(out, path)?;
            for number in [metadata.mode, metadata.uid, metadata.gid] {
                put_u64(out, u64::from(number))?;
            }
            put_u64(out, metadata.mtime_ns as u64)?;
            put_u64(out, metadata.xattrs.len() as u64)?;
            for (name, value) in &metadata.xattrs {
                put_bytes(out, name)?;
                put_bytes(out, value)?;
            }
            Ok(())
        }
    }
}

struct Decoder<'b>(&'b [u8]);

impl Decoder<'_> {
    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes.to_vec())
    }

    fn hash(&mut self) -> Option<[u8; 32]> {
        let (hash, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(*hash)
    }

    #[expect(clippy::option_option, reason = "whether it can be read, and whether there is one")]
    fn optional<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn identity(&mut self) -> Option<Identity> {
        Some(Identity {
            is_directory: self.u8()? != 0,
            device: self.u64()?,
            inode: self.u64()?,
            size: self.u64()?,
            mtime_ns: self.u64()? as i64,
            ctime_ns: self.u64()? as i64,
        })
    }

    fn operation(&mut self) -> Option<Operation> {
        Some(match self.u8()? {
            1 => Operation::RemoveFile { path: self.bytes()?, before: self.identity()? },
            2 => Operation::RemoveDirectory { path: self.bytes()?, before: self.identity()? },
            3 => Operation::MakeDirectory { path: self.bytes()? },
            4 => Operation::Place {
                staged: self.bytes()?,
                path: self.bytes()?,
                before: self.optional(Self::identity)?,
                hashes: Hashes { before: self.optional(Self::hash)?, after: self.optional(Self::hash)? },
            },
            5 => Operation::MoveAway { path: self.bytes()?, before: self.identity()?, to: self.bytes()? },
            6 => {
                let path = self.bytes()?;
                let mut metadata = Metadata {
                    mode: self.u64()? as u32,
                    uid: self.u64()? as u32,
                    gid: self.u64()? as u32,
                    mtime_ns: self.u64()? as i64,
                    xattrs: Vec::new(),
                };
                for _ in 0..self.u64()? {
                    metadata.xattrs.push((self.bytes()?, self.bytes()?));
                }
                Operation::SetMetadata { path, metadata }
            }
            7 => Operation::Expect { path: self.bytes()?, before: self.optional(Self::identity)? },
            8 => Operation::Hold { staged: self.bytes()?, path: self.bytes()? },
            _ => return None,
        })
    }
}

fn decode(bytes: &[u8]) -> Option<(Header, Vec<Operation>)> {
    let mut from = Decoder(bytes.strip_prefix(MAGIC)?);
    let header = serde_json::from_slice(&from.bytes()?).ok()?;
    let mut operations = Vec::new();
    for _ in 0..from.u64()? {
        operations.push(from.operation()?);
    }
    from.0.is_empty().then_some((header, operations))
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstay_model::{SeededRng, Timestamp};

    fn example() -> (Header, Vec<Operation>) {
        let rng = SeededRng::new(1);
        let now = Timestamp::from_micros(7);
        let header = Header {
            operation: OperationId::generate(now, &rng),
            kind: "restore".to_owned(),
            snapshot: Some(SnapshotId::generate(now, &rng)),
            safety_snapshot: Some(SnapshotId::generate(now, &rng)),
            detail: serde_json::json!({"a": 1}),
        };
        let before =
            Identity { is_directory: false, device: 1, inode: 2, size: 3, mtime_ns: -4, ctime_ns: i64::MAX };
        let metadata = Metadata {
            mode: 0o4755,
            uid: 1,
            gid: 2,
            mtime_ns: -5,
            xattrs: vec![(b"user.a".to_vec(), vec![0, 255])],
        };
        let operations = vec![
            Operation::RemoveFile { path: b"a\xff\n".to_vec(), before },
            Operation::RemoveDirectory { path: b"d".to_vec(), before },
            Operation::MakeDirectory { path: b"e".to_vec() },
            Operation::Place {
                staged: b"n0".to_vec(),
                path: b"e/f".to_vec(),
                before: None,
                hashes: Hashes { before: None, after: Some([9; 32]) },
            },
            Operation::Place {
                staged: b"n1".to_vec(),
                path: b"g".to_vec(),
                before: Some(before),
                hashes: Hashes { before: Some([8; 32]), after: None },
            },
            Operation::MoveAway { path: b"h".to_vec(), before, to: b"away".to_vec() },
            Operation::Expect { path: b"i".to_vec(), before: None },
            Operation::Expect { path: b"j".to_vec(), before: Some(before) },
            Operation::Hold { staged: b"n2".to_vec(), path: b"k.lock".to_vec() },
            Operation::SetMetadata { path: Vec::new(), metadata },
        ];
        (header, operations)
    }

    #[test]
    fn an_intent_reads_back_and_any_damage_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let own = Dir::open_root(place.path()).unwrap();
        let journal = Journal::create(&own).unwrap();
        let (header, operations) = example();
        journal.write_intent(&header, &operations, true).unwrap();
        assert_eq!(journal.read_intent(&header.operation).unwrap(), (header.clone(), operations));
        assert_eq!(journal.list().unwrap(), [(header.operation.clone(), State::Intent)]);
        let path = place.path().join(format!("journal/{}.intent", header.operation));
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            std::fs::write(&path, &bent).unwrap();
            assert!(journal.read_intent(&header.operation).is_err(), "bit of byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(journal.read_intent(&header.operation).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_commit_record_decides() {
        let place = tempfile::tempdir().unwrap();
        let journal = Journal::create(&Dir::open_root(place.path()).unwrap()).unwrap();
        let (header, operations) = example();
        journal.write_intent(&header, &operations, true).unwrap();
        journal.commit(&header, true).unwrap();
        assert_eq!(journal.list().unwrap()[0].1, State::Committed);
        journal.finish(&header.operation, true).unwrap();
        assert_eq!(journal.list().unwrap(), [(header.operation.clone(), State::Done)]);
        assert_eq!(journal.read_header(&header.operation, State::Done).unwrap(), header);
        journal.remove(&header.operation, "done").unwrap();
        assert!(journal.list().unwrap().is_empty());
    }
}
