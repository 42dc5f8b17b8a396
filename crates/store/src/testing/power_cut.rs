//! Power cuts: the disk of a local store as it may look after one, at any moment.

use std::sync::Arc;

use backstay_model::{Rng, SeededRng};
use bytes::Bytes;
use parking_lot::Mutex;

use super::simulated::{Defect, DirectoryState, DiskState, FileState, Node, SimulatedDisk};
use crate::local::LocalStore;

/// Records what a local store does to its disk.
///
/// Between any two steps the power may be cut. What was synced is then on the disk; of what was not, anything may be
/// missing: bytes at the end of a file (cut off, or replaced by zeros or garbage), and any of the new, changed and
/// removed names of a directory, each on its own.
#[derive(Debug)]
pub struct PowerCut {
    disk: Arc<SimulatedDisk>,
    recording: Arc<Mutex<Recording>>,
}

#[derive(Debug, Default)]
struct Recording {
    acknowledged: usize,
    moments: Vec<Moment>,
}

#[derive(Debug, Clone)]
struct Moment {
    acknowledged: usize,
    state: DiskState,
}

impl PowerCut {
    /// An empty disk.
    pub fn new() -> Self {
        Self::with_defect(Defect::None)
    }

    pub(super) fn with_defect(defect: Defect) -> Self {
        let recording: Arc<Mutex<Recording>> = Arc::default();
        let observer = Arc::clone(&recording);
        let observe = move |state: &DiskState| {
            let mut recording = observer.lock();
            let acknowledged = recording.acknowledged;
            recording.moments.push(Moment { acknowledged, state: state.clone() });
        };
        let disk = SimulatedDisk::new(DiskState::default(), defect, Arc::new(observe));
        Self { disk: Arc::new(disk), recording }
    }

    /// A store on the disk.
    pub fn store(&self) -> LocalStore {
        LocalStore::on_disk(self.disk.clone(), "simulated disk".to_owned())
    }

    /// Notes that the caller was told of a success: every later image has to keep it.
    pub fn acknowledge(&self) {
        self.recording.lock().acknowledged += 1;
    }

    /// The disk at every moment until now: with everything that was not synced lost, with all of it kept, with the
    /// names kept and the bytes lost, and `random` times with a random choice that depends on `seed`.
    pub fn images(&self, seed: u64, random: usize) -> Images {
        let recording = self.recording.lock();
        let mut moments = recording.moments.clone();
        moments.push(Moment { acknowledged: recording.acknowledged, state: self.disk.snapshot() });
        Images { moments, rng: SeededRng::new(seed), random, next: 0 }
    }
}

impl Default for PowerCut {
    fn default() -> Self {
        Self::new()
    }
}

/// Iterates over crash images.
#[derive(Debug)]
pub struct Images {
    moments: Vec<Moment>,
    rng: SeededRng,
    random: usize,
    next: usize,
}

const FIXED_CHOICES: usize = 3;

impl Iterator for Images {
    type Item = CrashImage;

    fn next(&mut self) -> Option<CrashImage> {
        let per_moment = FIXED_CHOICES + self.random;
        let (step, choice) = (self.next / per_moment, self.next % per_moment);
        let moment = self.moments.get(step)?;
        self.next += 1;
        let mut choose = Choice { kind: choice, rng: &self.rng };
        let state = choose.cut(&moment.state);
        Some(CrashImage { step, choice, acknowledged: moment.acknowledged, state })
    }
}

/// A disk after a power cut.
#[derive(Debug, Clone)]
pub struct CrashImage {
    /// How many steps were done before the power was cut.
    pub step: usize,
    /// Which of the images of this moment it is.
    pub choice: usize,
    /// How often [`PowerCut::acknowledge`] was called before.
    pub acknowledged: usize,
    state: DiskState,
}

impl CrashImage {
    /// The store, reopened. Every call gives one of its own.
    pub fn store(&self) -> LocalStore {
        let disk = SimulatedDisk::new(self.state.clone(), Defect::None, Arc::new(|_| {}));
        LocalStore::on_disk(Arc::new(disk), format!("disk cut after step {}", self.step))
    }
}

/// Decides what of the unsynced changes is on the disk.
struct Choice<'r> {
    kind: usize,
    rng: &'r SeededRng,
}

impl Choice<'_> {
    fn cut(&mut self, state: &DiskState) -> DiskState {
        let files = state.files.iter().map(|file| self.file(file)).collect();
        let directories = state.directories.iter().map(|directory| self.directory(directory)).collect();
        DiskState::settled(files, directories, state.time())
    }

    fn file(&mut self, file: &FileState) -> FileState {
        let mut pieces = file.pieces[..file.durable_pieces].to_vec();
        let lost = file.pieces[file.durable_pieces..].concat();
        let tail = match self.kind {
            0 | 2 => Vec::new(),
            1 => lost,
            _ => {
                let mut tail = lost;
                let keep = self.below(tail.len() + 1);
                match self.below(4) {
                    0 => {}
                    1 => tail.truncate(keep),
                    2 => tail[keep..].fill(0),
                    _ => self.rng.fill(&mut tail[keep..]),
                }
                tail
            }
        };
        if !tail.is_empty() {
            pieces.push(Bytes::from(tail));
        }
        let durable_pieces = pieces.len();
        FileState { pieces, durable_pieces, modified: file.modified }
    }

    fn directory(&mut self, directory: &DirectoryState) -> DirectoryState {
        let mut names = directory.durable.clone();
        for (name, node) in &directory.pending {
            let survives = match self.kind {
                0 => false,
                1 | 2 => true,
                _ => self.below(2) == 0,
            };
            if survives {
                apply(&mut names, name, *node);
            }
        }
        DirectoryState { durable: names.clone(), names, pending: Vec::new() }
    }

    fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.rng.fill(&mut bytes);
        (u64::from_le_bytes(bytes) % bound as u64) as usize
    }
}

fn apply(names: &mut std::collections::BTreeMap<String, Node>, name: &str, node: Option<Node>) {
    match node {
        Some(node) => names.insert(name.to_owned(), node),
        None => names.remove(name),
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{ObjectName, Store};

    type Contents = BTreeMap<ObjectName, Vec<u8>>;

    fn name(text: &str) -> ObjectName {
        ObjectName::parse(text).unwrap()
    }

    /// Does a bit of everything; returns the contents that each acknowledgement promised.
    fn exercise(cut: &PowerCut) -> Vec<Contents> {
        let store = cut.store();
        let mut contents = Contents::new();
        let mut promised = vec![contents.clone()];
        let mut acknowledge = |contents: &Contents| {
            cut.acknowledge();
            promised.push(contents.clone());
        };
        store.put_new(&name("config"), b"first").unwrap();
        contents.insert(name("config"), b"first".to_vec());
        acknowledge(&contents);
        store.put_new(&name("config"), b"other").unwrap();
        acknowledge(&contents);
        for round in 0..3_u8 {
            let pack = name(&format!("packs/{round}"));
            let mut writer = store.create().unwrap();
            for part in 0..3 {
                writer.write(&[round + 10 * part; 50]).unwrap();
            }
            writer.finish(&pack).unwrap();
            contents.insert(pack, (0..3).flat_map(|part| [round + 10 * part; 50]).collect());
            acknowledge(&contents);
            store.put(&name("index/a"), &[round; 30]).unwrap();
            contents.insert(name("index/a"), vec![round; 30]);
            acknowledge(&contents);
        }
        let mut abandoned = store.create().unwrap();
        abandoned.write(b"never finished").unwrap();
        drop(abandoned);
        store.delete_many(&[name("packs/0"), name("index/a")]).unwrap();
        contents.remove(&name("packs/0"));
        contents.remove(&name("index/a"));
        acknowledge(&contents);
        promised
    }

    /// The first image that breaks a promise, with what is wrong.
    fn first_broken(cut: &PowerCut, promised: &[Contents]) -> Option<String> {
        for image in cut.images(7, 12) {
            let store = image.store();
            let before = &promised[image.acknowledged];
            let after = promised.get(image.acknowledged + 1).unwrap_or(before);
            let mut found = Contents::new();
            store
                .list("", &mut |meta| {
                    found.insert(meta.name.clone(), store.get(&meta.name).unwrap().to_vec());
                    true
                })
                .unwrap();
            for name in before.keys().chain(after.keys()).chain(found.keys()) {
                let (old, new, now) = (before.get(name), after.get(name), found.get(name));
                if now != old && now != new {
                    let (step, choice) = (image.step, image.choice);
                    return Some(format!(
                        "step {step}, choice {choice}: {name} is {now:?}, not {old:?} or {new:?}"
                    ));
                }
            }
            store.put(&name("packs/new"), b"goes on").unwrap();
            assert_eq!(store.get(&name("packs/new")).unwrap(), &b"goes on"[..]);
        }
        None
    }

    #[test]
    fn what_was_acknowledged_survives_every_power_cut_whole() {
        let cut = PowerCut::new();
        let promised = exercise(&cut);
        assert_eq!(first_broken(&cut, &promised), None);
        assert!(cut.images(7, 12).count() > 500);
    }

    #[test]
    fn a_store_that_does_not_sync_files_is_found_out() {
        let cut = PowerCut::with_defect(Defect::FilesAreNotSynced);
        let promised = exercise(&cut);
        assert!(first_broken(&cut, &promised).is_some());
    }

    #[test]
    fn a_store_that_does_not_sync_directories_is_found_out() {
        let cut = PowerCut::with_defect(Defect::DirectoriesAreNotSynced);
        let promised = exercise(&cut);
        assert!(first_broken(&cut, &promised).is_some());
    }
}
