//! A disk in memory that knows what a power cut may do to it.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use backstay_model::Timestamp;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::local::{DirectoryEntry, Disk, DiskFile, FileStat};

/// What a name in a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(usize),
    Directory(usize),
}

/// A file: what is there now, and how much of it a power cut leaves for sure.
#[derive(Debug, Clone, Default)]
pub(super) struct FileState {
    /// The content in the pieces in which it was written; shared between copies of the state.
    pub(super) pieces: Vec<Bytes>,
    pub(super) durable_pieces: usize,
    pub(super) modified: i64,
}

impl FileState {
    fn content(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }
}

/// A directory: its names now, those that are durable, and the changes since in the order they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct DirectoryState {
    pub(super) names: BTreeMap<String, Node>,
    pub(super) durable: BTreeMap<String, Node>,
    pub(super) pending: Vec<(String, Option<Node>)>,
}

impl DirectoryState {
    fn set(&mut self, name: &str, node: Option<Node>) {
        match node {
            Some(node) => self.names.insert(name.to_owned(), node),
            None => self.names.remove(name),
        };
        self.pending.push((name.to_owned(), node));
    }
}

/// The whole disk. The directory 0 is the root.
#[derive(Debug, Clone)]
pub(super) struct DiskState {
    pub(super) files: Vec<FileState>,
    pub(super) directories: Vec<DirectoryState>,
    time: i64,
}

impl Default for DiskState {
    fn default() -> Self {
        Self { files: Vec::new(), directories: vec![DirectoryState::default()], time: 0 }
    }
}

impl DiskState {
    /// A disk on which everything is durable.
    pub(super) fn settled(files: Vec<FileState>, directories: Vec<DirectoryState>, time: i64) -> Self {
        Self { files, directories, time }
    }

    pub(super) fn time(&self) -> i64 {
        self.time
    }

    fn tick(&mut self) -> i64 {
        self.time += 1;
        self.time
    }

    fn directory(&self, path: &str) -> io::Result<usize> {
        let mut current = 0;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            match self.directories[current].names.get(part) {
                Some(Node::Directory(next)) => current = *next,
                Some(Node::File(_)) => return Err(ErrorKind::NotADirectory.into()),
                None => return Err(ErrorKind::NotFound.into()),
            }
        }
        Ok(current)
    }

    fn place<'p>(&self, path: &'p str) -> io::Result<(usize, &'p str)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.directory(parent)?, name))
    }

    fn node(&self, path: &str) -> io::Result<Node> {
        let (directory, name) = self.place(path)?;
        self.directories[directory].names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn file(&self, path: &str) -> io::Result<&FileState> {
        match self.node(path)? {
            Node::File(file) => Ok(&self.files[file]),
            Node::Directory(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn rename(&mut self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        let node = self.node(from)?;
        let (source, old_name) = self.place(from)?;
        let (target, new_name) = self.place(to)?;
        match self.directories[target].names.get(new_name) {
            Some(_) if !replace => return Err(ErrorKind::AlreadyExists.into()),
            Some(Node::Directory(_)) => return Err(ErrorKind::IsADirectory.into()),
            _ => {}
        }
        self.directories[target].set(new_name, Some(node));
        self.directories[source].set(old_name, None);
        Ok(())
    }
}

/// Which safeguard a disk leaves out, to prove that the tests notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Defect {
    #[default]
    None,
    /// `DiskFile::sync` does nothing.
    FilesAreNotSynced,
    /// `Disk::sync_directory` does nothing.
    DirectoriesAreNotSynced,
}

/// A disk in memory. `observe` is called before every step that changes it or makes something durable, with the state
/// as it is until then.
#[derive(Clone)]
pub(super) struct SimulatedDisk {
    state: Arc<Mutex<DiskState>>,
    defect: Defect,
    observe: Observer,
}

/// What is called before each step.
pub(super) type Observer = Arc<dyn Fn(&DiskState) + Send + Sync>;

impl SimulatedDisk {
    pub(super) fn new(state: DiskState, defect: Defect, observe: Observer) -> Self {
        Self { state: Arc::new(Mutex::new(state)), defect, observe }
    }

    pub(super) fn snapshot(&self) -> DiskState {
        self.state.lock().clone()
    }

    fn change<T>(&self, step: impl FnOnce(&mut DiskState) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        (self.observe)(&state);
        step(&mut state)
    }
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedDisk").field("files", &self.state.lock().files.len()).finish_non_exhaustive()
    }
}

impl Disk for SimulatedDisk {
    fn create_file(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.change(|state| {
            let (directory, name) = state.place(path)?;
            if state.directories[directory].names.contains_key(name) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let modified = state.tick();
            state.files.push(FileState { modified, ..FileState::default() });
            let file = state.files.len() - 1;
            state.directories[directory].set(name, Some(Node::File(file)));
            Ok(file)
        })?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn create_directory(&self, path: &str) -> io::Result<()> {
        if path.is_empty() {
            return Ok(());
        }
        self.change(|state| {
            let (parent, name) = state.place(path)?;
            if state.directories[parent].names.contains_key(name) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.directories.push(DirectoryState::default());
            let directory = state.directories.len() - 1;
            state.directories[parent].set(name, Some(Node::Directory(directory)));
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|state| state.rename(from, to, true))
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|state| state.rename(from, to, false))
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.change(|state| {
            if let Node::Directory(_) = state.node(path)? {
                return Err(ErrorKind::IsADirectory.into());
            }
            let (directory, name) = state.place(path)?;
            state.directories[directory].set(name, None);
            Ok(())
        })
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        self.change(|state| {
            let directory = state.directory(path)?;
            if self.defect != Defect::DirectoriesAreNotSynced {
                let directory = &mut state.directories[directory];
                directory.durable = directory.names.clone();
                directory.pending.clear();
            }
            Ok(())
        })
    }

    fn read(&self, path: &str) -> io::Result<Bytes> {
        Ok(self.state.lock().file(path)?.content().into())
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> io::Result<Bytes> {
        let state = self.state.lock();
        let content = state.file(path)?.content();
        match content.get(range.start as usize..range.end as usize) {
            Some(part) => Ok(Bytes::copy_from_slice(part)),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    fn stat(&self, path: &str) -> io::Result<FileStat> {
        let state = self.state.lock();
        match state.file(path) {
            Ok(file) => Ok(FileStat { size: file.size(), modified: Timestamp::from_micros(file.modified) }),
            Err(_) => Err(ErrorKind::NotFound.into()),
        }
    }

    fn entries(&self, path: &str, visit: &mut dyn FnMut(DirectoryEntry<'_>) -> bool) -> io::Result<()> {
        let names = {
            let state = self.state.lock();
            state.directories[state.directory(path)?].names.clone()
        };
        for (name, node) in &names {
            let is_directory = matches!(node, Node::Directory(_));
            if !visit(DirectoryEntry { name, is_directory }) {
                break;
            }
        }
        Ok(())
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
}

impl DiskFile for SimulatedFile {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let file = self.file;
        self.disk.change(|state| {
            state.files[file].pieces.push(Bytes::copy_from_slice(data));
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let (file, defect) = (self.file, self.disk.defect);
        self.disk.change(|state| {
            let modified = state.tick();
            let file = &mut state.files[file];
            file.modified = modified;
            if defect != Defect::FilesAreNotSynced {
                file.durable_pieces = file.pieces.len();
            }
            Ok(())
        })
    }
}
