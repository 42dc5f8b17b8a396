//! A store that counts, fails on demand, and calls back.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::error::{StoreError, StoreErrorKind};
use crate::name::ObjectName;
use crate::store::{ObjectMeta, ObjectWriter, PutOutcome, Store};

/// An operation on a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `create`; the name is not known yet.
    Create,
    /// `write` on an object writer; the name is not known yet.
    Write,
    /// `finish` of an object writer.
    Finish,
    /// `put`.
    Put,
    /// `put_new`.
    PutNew,
    /// `get`.
    Get,
    /// `get_range`.
    GetRange,
    /// `head`.
    Head,
    /// `list`; the name is the prefix.
    List,
    /// `delete`, once for every object of a `delete_many`.
    Delete,
}

impl Operation {
    /// Whether the operation changes what is stored.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Create | Self::Write | Self::Finish | Self::Put | Self::PutNew | Self::Delete)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Create | Self::Write | Self::Finish | Self::Put | Self::PutNew => "write",
            Self::Get | Self::GetRange | Self::Head => "read",
            Self::List => "list",
            Self::Delete => "delete",
        }
    }
}

/// How often each operation was called, and how many bytes went through. Failed calls count, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OperationCounts {
    /// Objects finished, by `finish`, `put` or `put_new`.
    pub written_objects: u64,
    /// Calls of `get`.
    pub get: u64,
    /// Calls of `get_range`.
    pub get_range: u64,
    /// Calls of `head`.
    pub head: u64,
    /// Calls of `list`.
    pub list: u64,
    /// Objects deleted.
    pub delete: u64,
    /// Bytes handed to the store.
    pub written_bytes: u64,
    /// Bytes that the store returned.
    pub read_bytes: u64,
}

type NameRule = Box<dyn Fn(&str) -> bool + Send + Sync>;
type Hook = Arc<dyn Fn(Operation, &str) + Send + Sync>;

/// A rule that makes operations fail.
pub struct Fault {
    operations: Option<Vec<Operation>>,
    names: Option<NameRule>,
    skip: u64,
    times: u64,
    kind: StoreErrorKind,
}

impl Fault {
    /// Makes every operation fail with `kind`, once.
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { operations: None, names: None, skip: 0, times: 1, kind }
    }

    /// Only these operations.
    #[must_use]
    pub fn on(mut self, operations: &[Operation]) -> Self {
        self.operations = Some(operations.to_vec());
        self
    }

    /// Only operations that change what is stored.
    #[must_use]
    pub fn on_changes(self) -> Self {
        use Operation::{Create, Delete, Finish, Put, PutNew, Write};
        self.on(&[Create, Write, Finish, Put, PutNew, Delete])
    }

    /// Only on names (for a listing: prefixes) for which `rule` holds. Operations without a name are not affected.
    #[must_use]
    pub fn named(mut self, rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.names = Some(Box::new(rule));
        self
    }

    /// Lets the first `count` matching operations pass.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Fails `count` times instead of once.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = count;
        self
    }

    /// Fails from then on.
    #[must_use]
    pub fn forever(self) -> Self {
        self.times(u64::MAX)
    }

    fn strikes(&mut self, operation: Operation, name: &str) -> bool {
        let operation_matches = self.operations.as_ref().is_none_or(|list| list.contains(&operation));
        if !operation_matches || !self.names.as_ref().is_none_or(|rule| rule(name)) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let strikes = self.times > 0;
        self.times = self.times.saturating_sub(1);
        strikes
    }
}

/// A store around another that counts operations, makes chosen ones fail, and calls back before each.
///
/// An operation that fails by a [`Fault`] does not reach the store inside.
#[derive(Clone)]
pub struct FaultStore {
    inner: Arc<dyn Store>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    counts: OperationCounts,
    faults: Vec<Fault>,
    free_bytes: Option<u64>,
    hook: Option<Hook>,
    log: Option<Vec<(Operation, String)>>,
}

impl FaultStore {
    /// A store around `inner` that fails nothing yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, state: Arc::default() }
    }

    /// Adds a rule.
    pub fn fail(&self, fault: Fault) {
        self.state.lock().faults.push(fault);
    }

    /// Removes every rule, the limit of space and the callback.
    pub fn heal(&self) {
        let mut state = self.state.lock();
        state.faults.clear();
        state.free_bytes = None;
        state.hook = None;
    }

    /// Lets `bytes` more be written; then the disk is full until [`FaultStore::heal`].
    pub fn full_after(&self, bytes: u64) {
        self.state.lock().free_bytes = Some(bytes);
    }

    /// Calls `hook` before each operation, outside of any lock: it may use the store itself, and block.
    pub fn before_each(&self, hook: impl Fn(Operation, &str) + Send + Sync + 'static) {
        self.state.lock().hook = Some(Arc::new(hook));
    }

    /// What was counted since the start or the last [`FaultStore::reset_counts`].
    pub fn counts(&self) -> OperationCounts {
        self.state.lock().counts
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.state.lock().counts = OperationCounts::default();
    }

    /// Starts to keep a log of operations and names.
    pub fn record(&self) {
        self.state.lock().log = Some(Vec::new());
    }

    /// The log since [`FaultStore::record`]; goes on with an empty one.
    pub fn recorded(&self) -> Vec<(Operation, String)> {
        self.state.lock().log.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn begin(&self, operation: Operation, name: &str, written_bytes: u64) -> Result<(), StoreError> {
        let hook = self.state.lock().hook.clone();
        if let Some(hook) = hook {
            hook(operation, name);
        }
        let mut state = self.state.lock();
        let state = &mut *state;
        if let Some(log) = &mut state.log {
            log.push((operation, name.to_owned()));
        }
        let counts = &mut state.counts;
        counts.written_bytes += written_bytes;
        match operation {
            Operation::Create | Operation::Write => {}
            Operation::Finish | Operation::Put | Operation::PutNew => counts.written_objects += 1,
            Operation::Get => counts.get += 1,
            Operation::GetRange => counts.get_range += 1,
            Operation::Head => counts.head += 1,
            Operation::List => counts.list += 1,
            Operation::Delete => counts.delete += 1,
        }
        let failed = |kind| {
            let subject = if name.is_empty() { "an object" } else { name };
            Err(StoreError::about(kind, operation.word(), subject, self.inner.location())
                .with_source("this failure was injected by a test"))
        };
        for fault in &mut state.faults {
            if fault.strikes(operation, name) {
                return failed(fault.kind);
            }
        }
        if let Some(free) = &mut state.free_bytes {
            let writes = operation.is_change() && operation != Operation::Delete;
            if writes && (written_bytes > *free || *free == 0) {
                *free = 0;
                return failed(StoreErrorKind::Full);
            }
            *free -= written_bytes;
        }
        Ok(())
    }

    fn count_read(&self, bytes: Result<Bytes, StoreError>) -> Result<Bytes, StoreError> {
        if let Ok(bytes) = &bytes {
            self.state.lock().counts.read_bytes += bytes.len() as u64;
        }
        bytes
    }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Store for FaultStore {
    fn location(&self) -> &str {
        self.inner.location()
    }

    fn create(&self) -> Result<Box<dyn ObjectWriter>, StoreError> {
        self.begin(Operation::Create, "", 0)?;
        Ok(Box::new(FaultWriter { store: self.clone(), inner: self.inner.create()? }))
    }

    fn put(&self, name: &ObjectName, data: &[u8]) -> Result<(), StoreError> {
        self.begin(Operation::Put, name.as_str(), data.len() as u64)?;
        self.inner.put(name, data)
    }

    fn put_new(&self, name: &ObjectName, data: &[u8]) -> Result<PutOutcome, StoreError> {
        self.begin(Operation::PutNew, name.as_str(), data.len() as u64)?;
        self.inner.put_new(name, data)
    }

    fn get(&self, name: &ObjectName) -> Result<Bytes, StoreError> {
        self.begin(Operation::Get, name.as_str(), 0)?;
        self.count_read(self.inner.get(name))
    }

    fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.begin(Operation::GetRange, name.as_str(), 0)?;
        self.count_read(self.inner.get_range(name, range))
    }

    fn head(&self, name: &ObjectName) -> Result<Option<ObjectMeta>, StoreError> {
        self.begin(Operation::Head, name.as_str(), 0)?;
        self.inner.head(name)
    }

    fn list(&self, prefix: &str, visit: &mut dyn FnMut(ObjectMeta) -> bool) -> Result<(), StoreError> {
        self.begin(Operation::List, prefix, 0)?;
        self.inner.list(prefix, visit)
    }

    fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        self.begin(Operation::Delete, name.as_str(), 0)?;
        self.inner.delete(name)
    }

    fn clean_temporary(&self) -> Result<u64, StoreError> {
        self.inner.clean_temporary()
    }
}

struct FaultWriter {
    store: FaultStore,
    inner: Box<dyn ObjectWriter>,
}

impl ObjectWriter for FaultWriter {
    fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        self.store.begin(Operation::Write, "", data.len() as u64)?;
        self.inner.write(data)
    }

    fn finish(self: Box<Self>, name: &ObjectName) -> Result<(), StoreError> {
        self.store.begin(Operation::Finish, name.as_str(), 0)?;
        self.inner.finish(name)
    }
}
