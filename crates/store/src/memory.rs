//! A store in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_model::{Clock, Timestamp};
use bytes::Bytes;
use parking_lot::RwLock;

use crate::error::{StoreError, StoreErrorKind};
use crate::name::ObjectName;
use crate::prefix;
use crate::store::{ObjectMeta, ObjectWriter, PutOutcome, Store};

const LOCATION: &str = "memory:";

/// A store in memory. Clones share the objects, which are gone with the last of them.
///
/// Without a clock of its own, the store counts its writes: every object is a microsecond later than the one before.
#[derive(Clone)]
pub struct MemoryStore {
    objects: Arc<RwLock<BTreeMap<ObjectName, Stored>>>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    modified: Timestamp,
}

impl Stored {
    fn meta(&self, name: &ObjectName) -> ObjectMeta {
        ObjectMeta { name: name.clone(), size: self.bytes.len() as u64, modified: self.modified }
    }
}

/// A clock that is a microsecond later each time it is read.
#[derive(Debug, Default)]
struct CountingClock(AtomicI64);

impl Clock for CountingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

impl MemoryStore {
    /// An empty store that counts its writes.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(CountingClock::default()))
    }

    /// An empty store whose objects are as old as `clock` says.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { objects: Arc::default(), clock }
    }

    fn read(&self, name: &ObjectName) -> Result<Bytes, StoreError> {
        match self.objects.read().get(name) {
            Some(stored) => Ok(stored.bytes.clone()),
            None => Err(StoreError::new(StoreErrorKind::NotFound, "read", name, LOCATION)),
        }
    }

    fn insert(&self, name: &ObjectName, bytes: Bytes) {
        let stored = Stored { bytes, modified: self.clock.now() };
        self.objects.write().insert(name.clone(), stored);
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("objects", &self.objects.read().len()).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn location(&self) -> &str {
        LOCATION
    }

    fn create(&self) -> Result<Box<dyn ObjectWriter>, StoreError> {
        Ok(Box::new(MemoryWriter { store: self.clone(), bytes: Vec::new() }))
    }

    fn put(&self, name: &ObjectName, data: &[u8]) -> Result<(), StoreError> {
        self.insert(name, Bytes::copy_from_slice(data));
        Ok(())
    }

    fn put_new(&self, name: &ObjectName, data: &[u8]) -> Result<PutOutcome, StoreError> {
        let mut objects = self.objects.write();
        if objects.contains_key(name) {
            return Ok(PutOutcome::Exists);
        }
        let stored = Stored { bytes: Bytes::copy_from_slice(data), modified: self.clock.now() };
        objects.insert(name.clone(), stored);
        Ok(PutOutcome::Created)
    }

    fn get(&self, name: &ObjectName) -> Result<Bytes, StoreError> {
        self.read(name)
    }

    fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Bytes, StoreError> {
        let bytes = self.read(name)?;
        if range.start > range.end || range.end > bytes.len() as u64 {
            return Err(StoreError::new(StoreErrorKind::OutOfRange, "read", name, LOCATION));
        }
        Ok(bytes.slice(range.start as usize..range.end as usize))
    }

    fn head(&self, name: &ObjectName) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(self.objects.read().get(name).map(|stored| stored.meta(name)))
    }

    fn list(&self, prefix: &str, visit: &mut dyn FnMut(ObjectMeta) -> bool) -> Result<(), StoreError> {
        prefix::check(prefix, LOCATION)?;
        let start = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        // The visitor may use the store, so the lock is not held while it runs.
        let found: Vec<ObjectMeta> = self
            .objects
            .read()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with(&start))
            .map(|(name, stored)| stored.meta(name))
            .collect();
        for meta in found {
            if !visit(meta) {
                break;
            }
        }
        Ok(())
    }

    fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        self.objects.write().remove(name);
        Ok(())
    }
}

struct MemoryWriter {
    store: MemoryStore,
    bytes: Vec<u8>,
}

impl ObjectWriter for MemoryWriter {
    fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    fn finish(self: Box<Self>, name: &ObjectName) -> Result<(), StoreError> {
        self.store.insert(name, self.bytes.into());
        Ok(())
    }
}
