//! The contract of a store.

use std::fmt;
use std::ops::Range;

use backstay_model::Timestamp;
use bytes::Bytes;

use crate::error::StoreError;
use crate::name::ObjectName;

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The name.
    pub name: ObjectName,
    /// The length in bytes.
    pub size: u64,
    /// When it was written, by the store's own clock; some stores know it to the second only.
    pub modified: Timestamp,
}

/// Whether a conditional write took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object was written.
    Created,
    /// An object of that name was there already and is unchanged.
    Exists,
}

/// An object being written piece by piece. Dropping it without `finish` leaves nothing behind under any name.
pub trait ObjectWriter: Send {
    /// Appends `data`.
    fn write(&mut self, data: &[u8]) -> Result<(), StoreError>;

    /// Makes the object durable and visible under `name`, replacing an object of that name.
    fn finish(self: Box<Self>, name: &ObjectName) -> Result<(), StoreError>;
}

/// A place for named immutable objects. All calls block; all are safe from many threads and processes at once.
pub trait Store: Send + Sync + fmt::Debug {
    /// The place as a person would name it, free of secrets, for example `/srv/repo` or `s3://bucket/prefix`.
    fn location(&self) -> &str;

    /// Starts an object whose name is told at the end.
    fn create(&self) -> Result<Box<dyn ObjectWriter>, StoreError>;

    /// Writes an object whole, replacing one of the same name.
    fn put(&self, name: &ObjectName, data: &[u8]) -> Result<(), StoreError> {
        let mut writer = self.create()?;
        writer.write(data)?;
        writer.finish(name)
    }

    /// Writes an object only if none of that name exists; decided atomically.
    fn put_new(&self, name: &ObjectName, data: &[u8]) -> Result<PutOutcome, StoreError>;

    /// Reads an object whole; an error of kind `NotFound` when absent.
    fn get(&self, name: &ObjectName) -> Result<Bytes, StoreError>;

    /// Reads exactly `range`; an error of kind `OutOfRange` when the object is shorter.
    fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Bytes, StoreError>;

    /// What is known of an object; `None` when absent.
    fn head(&self, name: &ObjectName) -> Result<Option<ObjectMeta>, StoreError>;

    /// Every object whose name starts with `prefix` followed by `/`, in no particular order, also when they are many.
    /// An empty prefix means every object of the store.
    ///
    /// `visit` returns `false` to stop early. Objects written or deleted meanwhile may be seen or not.
    fn list(&self, prefix: &str, visit: &mut dyn FnMut(ObjectMeta) -> bool) -> Result<(), StoreError>;

    /// Removes an object; succeeds when it is absent. When it returns, the object stays away, also after a power cut.
    fn delete(&self, name: &ObjectName) -> Result<(), StoreError>;

    /// Removes objects as [`Store::delete`] does, at less cost than one by one. After an error some may be removed.
    fn delete_many(&self, names: &[ObjectName]) -> Result<(), StoreError> {
        names.iter().try_for_each(|name| self.delete(name))
    }

    /// Removes what writers that died more than a day ago left behind, and returns how many such remains there were.
    ///
    /// They are invisible to every other call and only take space. Ages are measured by the store's own clock.
    fn clean_temporary(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
