//! The bytes of messages, object headers, heaps and symbol tables.

use crate::write::Attribute;
use crate::{Datatype, Padding, UNDEFINED, message};

/// Symbols per leaf node are at most twice this.
pub(super) const LEAF_K: u16 = 4;
/// Children per inner node are at most twice this.
pub(super) const NODE_K: u16 = 16;

/// A symbol of a group.
pub(super) struct Symbol {
    /// The offset of its name in the heap.
    pub(super) name: u64,
    /// The address of its object header.
    pub(super) header: u64,
    /// For a group, the addresses of its tree and of its heap.
    pub(super) group: Option<(u64, u64)>,
}

/// Appends zeros up to a multiple of eight.
pub(super) fn align(text: &mut Vec<u8>) {
    text.resize(text.len().next_multiple_of(8), 0);
}

/// An object header, version 1, with `messages`: numbers, whether they never change, and bodies.
pub(super) fn object_header(messages: &[(u16, bool, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, constant, text) in messages {
        let bytes = text.len().next_multiple_of(8);
        body.extend(kind.to_le_bytes());
        body.extend((bytes as u16).to_le_bytes());
        body.extend([u8::from(*constant), 0, 0, 0]);
        body.extend(text);
        align(&mut body);
    }
    let mut header = vec![1, 0];
    header.extend((messages.len() as u16).to_le_bytes());
    header.extend(1_u32.to_le_bytes());
    header.extend((body.len() as u32).to_le_bytes());
    header.extend([0; 4]);
    header.extend(body);
    header
}

/// The message of a dataspace, version 1.
pub(super) fn dataspace(shape: &[u64]) -> Vec<u8> {
    let mut text = vec![1, shape.len() as u8, 0, 0, 0, 0, 0, 0];
    for dimension in shape {
        text.extend(dimension.to_le_bytes());
    }
    text
}

/// The message of a contiguous layout, version 3.
pub(super) fn contiguous(address: u64, bytes: u64) -> Vec<u8> {
    let mut text = vec![3, 1];
    text.extend(address.to_le_bytes());
    text.extend(bytes.to_le_bytes());
    text
}

/// The message of an attribute, version 1; `None` when it is too large for an object header.
pub(super) fn attribute(name: &str, value: &Attribute) -> Option<Vec<u8>> {
    const MOST: usize = 65_000;
    let (datatype, shape, data): (_, Vec<u64>, Vec<u8>) = match value {
        Attribute::Integer(number) => (Datatype::I64, vec![], number.to_le_bytes().to_vec()),
        Attribute::Float(number) => (Datatype::F64, vec![], number.to_le_bytes().to_vec()),
        Attribute::Text(text) => {
            let mut bytes = text.clone().into_bytes();
            bytes.resize(bytes.len().max(1), 0);
            let utf8 = !text.is_ascii();
            let datatype = Datatype::FixedText { bytes: bytes.len() as u32, padding: Padding::Zeros, utf8 };
            (datatype, vec![], bytes)
        }
        Attribute::Integers(numbers) => {
            let data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            (Datatype::I64, vec![numbers.len() as u64], data)
        }
    };
    let (datatype, space) = (datatype.encode()?, dataspace(&shape));
    if name.len() + data.len() > MOST {
        return None;
    }
    let mut text = vec![1, 0];
    for length in [name.len() + 1, datatype.len(), space.len()] {
        text.extend((length as u16).to_le_bytes());
    }
    for part in [format!("{name}\0").as_bytes(), &datatype, &space] {
        text.extend(part);
        align(&mut text);
    }
    text.extend(data);
    Some(text)
}

/// The message that makes an object a group.
pub(super) fn symbol_table(tree: u64, heap: u64) -> (u16, bool, Vec<u8>) {
    (message::SYMBOL_TABLE, false, [tree.to_le_bytes(), heap.to_le_bytes()].concat())
}

/// A local heap with `names`, for a place at `address`, and the offset of each name.
pub(super) fn local_heap<'a>(address: u64, names: impl Iterator<Item = &'a str>) -> (Vec<u8>, Vec<u64>) {
    const HEADER: u64 = 32;
    // The empty name, below every other.
    let mut segment = vec![0; 8];
    let mut offsets = Vec::new();
    for name in names {
        offsets.push(segment.len() as u64);
        segment.extend(name.as_bytes());
        segment.push(0);
        align(&mut segment);
    }
    let mut text = b"HEAP\0\0\0\0".to_vec();
    text.extend((segment.len() as u64).to_le_bytes());
    // No free block.
    text.extend(1_u64.to_le_bytes());
    text.extend((address + HEADER).to_le_bytes());
    text.extend(segment);
    (text, offsets)
}

/// A symbol, as it stands in a leaf node and in the superblock.
pub(super) fn symbol(symbol: &Symbol) -> Vec<u8> {
    let mut text = Vec::with_capacity(40);
    text.extend(symbol.name.to_le_bytes());
    text.extend(symbol.header.to_le_bytes());
    text.extend(u32::from(symbol.group.is_some()).to_le_bytes());
    text.extend([0; 4]);
    let (tree, heap) = symbol.group.unwrap_or((0, 0));
    text.extend(tree.to_le_bytes());
    text.extend(heap.to_le_bytes());
    text
}

/// A leaf node of symbols.
pub(super) fn leaf(symbols: &[Symbol]) -> Vec<u8> {
    let mut text = b"SNOD\x01\0".to_vec();
    text.extend((symbols.len() as u16).to_le_bytes());
    for one in symbols {
        text.extend(symbol(one));
    }
    text.resize(8 + 40 * 2 * LEAF_K as usize, 0);
    text
}

/// A node of a group's tree: its children and the largest name in each.
pub(super) fn node(level: u8, children: &[(u64, u64)]) -> Vec<u8> {
    let mut text = b"TREE\0".to_vec();
    text.push(level);
    text.extend((children.len() as u16).to_le_bytes());
    text.extend(UNDEFINED.to_le_bytes());
    text.extend(UNDEFINED.to_le_bytes());
    text.extend(0_u64.to_le_bytes());
    for (address, largest) in children {
        text.extend(address.to_le_bytes());
        text.extend(largest.to_le_bytes());
    }
    text.resize(24 + 8 + 16 * 2 * NODE_K as usize, 0);
    text
}

/// The bytes of a collection of the global heap, unless its objects need more.
const COLLECTION: usize = 4096;
/// Bytes of a collection before its objects, and of an object before its data.
const HEAD: usize = 16;

/// Whether objects that take `used` bytes of a collection leave room for one of `bytes` bytes.
pub(super) fn has_room(used: usize, bytes: usize) -> bool {
    used + object_bytes(bytes) <= COLLECTION - HEAD
}

/// What an object of `bytes` bytes takes of a collection.
pub(super) fn object_bytes(bytes: usize) -> usize {
    HEAD + bytes.next_multiple_of(8)
}

/// A collection of the global heap with `objects`, which are numbered from 1.
pub(super) fn global_heap(objects: &[&[u8]]) -> Vec<u8> {
    let used = HEAD + objects.iter().map(|object| object_bytes(object.len())).sum::<usize>();
    let total = used.max(COLLECTION);
    let mut text = b"GCOL\x01\0\0\0".to_vec();
    text.extend((total as u64).to_le_bytes());
    for (object, number) in objects.iter().zip(1_u16..) {
        text.extend(number.to_le_bytes());
        text.extend([0; 6]);
        text.extend((object.len() as u64).to_le_bytes());
        text.extend(*object);
        align(&mut text);
    }
    // What is left is object 0, whose length includes its own head.
    if total - used >= HEAD {
        text.extend([0; 8]);
        text.extend(((total - used) as u64).to_le_bytes());
    }
    text.resize(total, 0);
    text
}
