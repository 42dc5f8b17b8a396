//! Where everything goes, and the pass that writes it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use crate::write::metadata::{
    LEAF_K, NODE_K, Symbol, align, attribute, contiguous, dataspace, global_heap, has_room, leaf, local_heap,
    node, object_bytes, object_header, symbol, symbol_table,
};
use crate::write::{Attribute, Content, Dataset, Group, Member, WriteError};
use crate::{Datatype, SIGNATURE, UNDEFINED, message};

/// Bytes of the superblock.
const SUPERBLOCK: usize = 96;

/// A file whose every byte has its place.
pub struct Plan {
    metadata: Vec<u8>,
    data: Vec<Data>,
    bytes: u64,
}

/// The data of a dataset, which begin at a multiple of eight.
struct Data {
    path: String,
    bytes: u64,
    content: Content,
}

impl Plan {
    /// The length of the file.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes `length` bytes of the file from `first` on, or as many as there are. Data before them are not read as far as whole
    /// datasets are concerned, and none after them.
    ///
    /// # Errors
    /// As for [`Plan::write`].
    pub fn write_part(self, first: u64, length: u64, out: &mut impl Write) -> Result<(), WriteError> {
        let end = first.saturating_add(length).min(self.bytes);
        let mut window = Window { out, at: 0, first, end };
        window.write_all(&self.metadata).map_err(WriteError::Output)?;
        for Data { path, bytes, content } in self.data {
            let padded = bytes.next_multiple_of(8);
            if window.at >= end {
                break;
            }
            if window.at + padded <= first {
                window.at += padded;
                continue;
            }
            match content {
                Content::Bytes(data) => window.write_all(&data).map_err(WriteError::Output)?,
                Content::Stream { reader, .. } => {
                    let wanted = bytes.min(end - window.at);
                    copy(&path, wanted, reader.take(wanted), &mut window)?;
                }
                Content::Text(_) => {}
            }
            window.write_all(&[0; 8][..(padded - bytes) as usize]).map_err(WriteError::Output)?;
        }
        window.flush().map_err(WriteError::Output)
    }

    /// Writes the file from its first byte to its last.
    ///
    /// # Errors
    /// When the output fails, or data that come from elsewhere cannot be read or have another length.
    pub fn write(self, out: &mut impl Write) -> Result<(), WriteError> {
        out.write_all(&self.metadata).map_err(WriteError::Output)?;
        for Data { path, bytes, content } in self.data {
            match content {
                Content::Bytes(data) => out.write_all(&data).map_err(WriteError::Output)?,
                Content::Stream { reader, .. } => copy(&path, bytes, reader, out)?,
                Content::Text(_) => {}
            }
            let padding = bytes.next_multiple_of(8) - bytes;
            out.write_all(&[0; 8][..padding as usize]).map_err(WriteError::Output)?;
        }
        out.flush().map_err(WriteError::Output)
    }
}

/// Lets only a part of what is written through.
struct Window<'o, W> {
    out: &'o mut W,
    /// Where the next byte stands in the file.
    at: u64,
    /// The first byte that goes through.
    first: u64,
    /// The first one after those that do.
    end: u64,
}

impl<W: Write> Write for Window<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        let from = self.first.saturating_sub(self.at).min(length) as usize;
        let to = self.end.saturating_sub(self.at).min(length) as usize;
        if from < to {
            self.out.write_all(&bytes[from..to])?;
        }
        self.at += length;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Copies exactly `bytes` bytes.
fn copy(path: &str, bytes: u64, mut reader: impl Read, out: &mut impl Write) -> Result<(), WriteError> {
    let mut buffer = vec![0; (bytes.clamp(1, 1 << 20)) as usize];
    let mut left = bytes;
    loop {
        let want = buffer.len().min(left as usize).max(1);
        let have = match reader.read(&mut buffer[..want]) {
            Ok(have) => have,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(WriteError::Input { path: path.to_owned(), source }),
        };
        if (have == 0) != (left == 0) {
            let have = bytes - left + have as u64;
            return Err(WriteError::Length { path: path.to_owned(), have, wanted: bytes });
        }
        if have == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..have]).map_err(WriteError::Output)?;
        left -= have as u64;
    }
}

/// Places `root` and everything below it.
pub(super) fn place(root: Group) -> Result<Plan, WriteError> {
    let mut placing = Placing {
        metadata: vec![0; SUPERBLOCK],
        data: Vec::new(),
        addresses: Vec::new(),
        texts: VecDeque::new(),
    };
    placing.place_texts(&root);
    let root = placing.group("", root)?;
    let Placing { mut metadata, data, addresses, .. } = placing;
    align(&mut metadata);
    let mut end = metadata.len() as u64;
    for (data, at) in data.iter().zip(addresses) {
        let address = if data.bytes == 0 { UNDEFINED } else { end };
        metadata[at..at + 8].copy_from_slice(&address.to_le_bytes());
        end =
            data.bytes.checked_next_multiple_of(8).and_then(|bytes| end.checked_add(bytes)).ok_or_else(
                || WriteError::Unwritable { path: data.path.clone(), problem: "it is too large" },
            )?;
    }
    let mut superblock = SIGNATURE.to_vec();
    superblock.extend([0, 0, 0, 0, 0, 8, 8, 0]);
    superblock.extend(LEAF_K.to_le_bytes());
    superblock.extend(NODE_K.to_le_bytes());
    superblock.extend([0; 4]);
    for address in [0, UNDEFINED, end, UNDEFINED] {
        superblock.extend(address.to_le_bytes());
    }
    superblock.extend(symbol(&root));
    metadata[..SUPERBLOCK].copy_from_slice(&superblock);
    Ok(Plan { metadata, data, bytes: end })
}

struct Placing {
    metadata: Vec<u8>,
    data: Vec<Data>,
    /// Where in the metadata the address of each of `data` goes.
    addresses: Vec<usize>,
    /// Where the texts are that are still to be referred to: the address of their collection, and their number in it.
    texts: VecDeque<(u64, u32)>,
}

impl Placing {
    /// Appends `text` at a multiple of eight and returns its address.
    fn put(&mut self, text: &[u8]) -> u64 {
        align(&mut self.metadata);
        let address = self.metadata.len() as u64;
        self.metadata.extend(text);
        address
    }

    /// Places all texts below `root`, small ones together, in the order in which [`Placing::group`] comes to them.
    fn place_texts(&mut self, root: &Group) {
        let mut all = Vec::new();
        collect(root, &mut all);
        let mut rest = all.as_slice();
        while let Some((first, others)) = rest.split_first() {
            let mut used = object_bytes(first.len());
            let more = others.iter().take_while(|text| {
                let fits = has_room(used, text.len());
                used += object_bytes(text.len());
                fits
            });
            let (together, left) = rest.split_at(1 + more.count());
            let address = self.put(&global_heap(together));
            self.texts.extend((1..).take(together.len()).map(|number| (address, number)));
            rest = left;
        }
    }

    /// Places a group after everything below it.
    fn group(&mut self, path: &str, group: Group) -> Result<Symbol, WriteError> {
        let mut placed = Vec::with_capacity(group.members.len());
        let mut names = Vec::with_capacity(group.members.len());
        for (name, member) in group.members {
            if name.is_empty() || name == "." || name.contains(['/', '\0']) {
                return Err(WriteError::Name { name });
            }
            let below = format!("{path}/{name}");
            placed.push(match member {
                Member::Group(group) => self.group(&below, group)?,
                Member::Dataset(dataset) => self.dataset(&below, dataset)?,
            });
            names.push(name);
        }
        align(&mut self.metadata);
        let here = self.metadata.len() as u64;
        let (heap, offsets) = local_heap(here, names.iter().map(String::as_str));
        let heap = self.put(&heap);
        for (symbol, offset) in placed.iter_mut().zip(&offsets) {
            symbol.name = *offset;
        }
        let tree = self.tree(&placed);
        let mut messages = vec![symbol_table(tree, heap)];
        attributes(path, &group.attributes, &mut messages)?;
        let header = self.put(&object_header(&messages));
        Ok(Symbol { name: 0, header, group: Some((tree, heap)) })
    }

    /// Places the leaves and nodes of a group's tree and returns the address of its top.
    fn tree(&mut self, symbols: &[Symbol]) -> u64 {
        let mut below: Vec<(u64, u64)> = symbols
            .chunks(2 * LEAF_K as usize)
            .map(|symbols| (self.put(&leaf(symbols)), symbols.last().map_or(0, |symbol| symbol.name)))
            .collect();
        let mut level = 0;
        loop {
            if below.len() <= 2 * NODE_K as usize {
                return self.put(&node(level, &below));
            }
            below = below
                .chunks(2 * NODE_K as usize)
                .map(|children| {
                    (self.put(&node(level, children)), children.last().map_or(0, |(_, largest)| *largest))
                })
                .collect();
            level += 1;
        }
    }

    fn dataset(&mut self, path: &str, dataset: Dataset) -> Result<Symbol, WriteError> {
        let Dataset { datatype, shape, content, attributes: described } = dataset;
        let unwritable = |problem| WriteError::Unwritable { path: path.to_owned(), problem };
        if shape.len() > 32 {
            return Err(unwritable("it has more than 32 dimensions"));
        }
        let wanted = shape
            .iter()
            .try_fold(datatype.bytes(), |bytes, dimension| bytes.checked_mul(*dimension))
            .ok_or_else(|| unwritable("it is too large"))?;
        let have = match &content {
            Content::Bytes(data) => data.len() as u64,
            Content::Stream { bytes, .. } => *bytes,
            Content::Text(_) => 16,
        };
        if matches!(content, Content::Text(_)) != matches!(datatype, Datatype::Text { .. }) {
            return Err(unwritable(
                "a text of any length is the content of such a text, and of nothing else",
            ));
        }
        if have != wanted {
            return Err(WriteError::Length { path: path.to_owned(), have, wanted });
        }
        // A text lies in a heap, and the reference to it here.
        let place = match &content {
            Content::Text(text) if text.is_empty() => self.put(&[0; 16]),
            Content::Text(text) => {
                let (heap, number) = self.texts.pop_front().unwrap_or_default();
                let mut reference = (text.len() as u32).to_le_bytes().to_vec();
                reference.extend(heap.to_le_bytes());
                reference.extend(number.to_le_bytes());
                self.put(&reference)
            }
            Content::Bytes(_) | Content::Stream { .. } => UNDEFINED,
        };
        let datatype = datatype.encode().ok_or_else(|| unwritable("its type is only read"))?;
        let layout = contiguous(place, wanted);
        let mut messages = vec![
            (message::DATASPACE, false, dataspace(&shape)),
            (message::DATATYPE, true, datatype),
            // Version 2, space taken late, written if set, the default value.
            (message::FILL_VALUE, true, vec![2, 2, 2, 1, 0, 0, 0, 0]),
        ];
        let before: usize = messages.iter().map(|(_, _, text)| 8 + text.len().next_multiple_of(8)).sum();
        messages.push((message::LAYOUT, false, layout));
        attributes(path, &described, &mut messages)?;
        let header = self.put(&object_header(&messages));
        if !matches!(content, Content::Text(_)) {
            // Behind the head of the header, of the message, and the two bytes that tell the layout.
            self.addresses.push(header as usize + 16 + before + 8 + 2);
            self.data.push(Data { path: path.to_owned(), bytes: wanted, content });
        }
        Ok(Symbol { name: 0, header, group: None })
    }
}

/// The texts below `group` that are not empty, in the order in which they are placed.
fn collect<'a>(group: &'a Group, texts: &mut Vec<&'a [u8]>) {
    for member in group.members.values() {
        match member {
            Member::Group(group) => collect(group, texts),
            Member::Dataset(Dataset { content: Content::Text(text), .. }) if !text.is_empty() => {
                texts.push(text.as_bytes());
            }
            Member::Dataset(_) => {}
        }
    }
}

fn attributes(
    path: &str,
    attributes: &[(String, Attribute)],
    messages: &mut Vec<(u16, bool, Vec<u8>)>,
) -> Result<(), WriteError> {
    for (name, value) in attributes {
        if name.is_empty() || name.contains('\0') {
            return Err(WriteError::Name { name: name.clone() });
        }
        let text = attribute(name, value).ok_or_else(|| WriteError::Unwritable {
            path: format!("{path}@{name}"),
            problem: "it is larger than an object header takes",
        })?;
        messages.push((message::ATTRIBUTE, false, text));
    }
    Ok(())
}
