//! Groups: symbol tables, in a tree of nodes.

use std::collections::BTreeMap;

use crate::message;
use crate::read::bytes::Bytes;
use crate::read::header::Header;
use crate::read::heap::LocalHeap;
use crate::read::{File, Object, ReadError, Source, Value, attribute};

/// The most members of a group.
const MAX_MEMBERS: usize = 1 << 20;

/// A group and the names in it.
#[derive(Debug)]
pub struct Group<'f, S> {
    file: &'f File<S>,
    header: Header,
    members: BTreeMap<String, Member>,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy)]
enum Member {
    Header(u64),
    /// A soft link.
    Link,
}

impl<'f, S: Source> Group<'f, S> {
    pub(crate) fn new(file: &'f File<S>, path: &str, header: Header) -> Result<Self, ReadError> {
        let mut table = header.need(message::SYMBOL_TABLE, "a group has no symbol table")?;
        let (tree, heap) = (table.u64()?, table.u64()?);
        let heap = LocalHeap::read(file, heap)?;
        let mut members = BTreeMap::new();
        // Nodes still to be read, and the level that each must have.
        let mut open: Vec<(u64, Option<u8>)> = vec![(tree, None)];
        while let Some((address, level)) = open.pop() {
            let text = file.metadata(address, 24)?;
            let mut bytes = Bytes::new(&text, address);
            bytes.expect(b"TREE\0", "a node of a group does not begin as one")?;
            let have = bytes.u8()?;
            if level.is_some_and(|level| level != have) {
                return Err(ReadError::damaged(address, "a node of a group is on another level"));
            }
            let used = usize::from(bytes.u16()?);
            let text = file.metadata(address + 24, used * 16 + 8)?;
            let mut bytes = Bytes::new(&text, address + 24);
            let mut children = Vec::with_capacity(used);
            for _ in 0..used {
                bytes.u64()?;
                children.push(bytes.u64()?);
            }
            for child in children {
                match have.checked_sub(1) {
                    Some(below) => open.push((child, Some(below))),
                    None => leaf(file, path, child, &heap, &mut members)?,
                }
            }
        }
        Ok(Self { file, header, members })
    }

    /// Its path from the root; empty for the root.
    pub fn path(&self) -> &str {
        &self.header.path
    }

    /// The names in it, in order.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Whether there is such a name in it.
    pub fn contains(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The member of a name; `None` when there is none.
    ///
    /// # Errors
    /// When it is damaged, of a kind that is not read, or a link.
    pub fn get(&self, name: &str) -> Result<Option<Object<'f, S>>, ReadError> {
        let path = || format!("{}/{name}", self.header.path);
        match self.members.get(name) {
            None => Ok(None),
            Some(Member::Link) => Err(ReadError::Link { path: path() }),
            Some(Member::Header(address)) => self.file.object(&path(), *address).map(Some),
        }
    }

    /// Its attributes by name.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn attributes(&self) -> Result<BTreeMap<String, Value>, ReadError> {
        attribute::read_all(self.file, &self.header)
    }
}

/// Reads the symbols of a leaf.
fn leaf<S: Source>(
    file: &File<S>,
    path: &str,
    address: u64,
    heap: &LocalHeap,
    members: &mut BTreeMap<String, Member>,
) -> Result<(), ReadError> {
    const SOFT_LINK: u32 = 2;
    let text = file.metadata(address, 8)?;
    let mut bytes = Bytes::new(&text, address);
    bytes.expect(b"SNOD\x01", "a leaf of a group does not begin as one")?;
    bytes.u8()?;
    let count = usize::from(bytes.u16()?);
    let text = file.metadata(address + 8, count * 40)?;
    let mut bytes = Bytes::new(&text, address + 8);
    for _ in 0..count {
        let name = heap.name(bytes.u64()?)?;
        let header = bytes.u64()?;
        let cached = bytes.u32()?;
        bytes.take(20)?;
        let member = if cached == SOFT_LINK { Member::Link } else { Member::Header(header) };
        if members.insert(name.to_owned(), member).is_some() {
            return Err(ReadError::damaged(address, "a name is twice in a group"));
        }
        if members.len() > MAX_MEMBERS {
            return Err(ReadError::TooLarge {
                what: format!("the group `{path}`"),
                bytes: members.len() as u64,
                limit: MAX_MEMBERS as u64,
            });
        }
    }
    Ok(())
}
