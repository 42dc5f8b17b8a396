//! Datasets: their type, their shape and their data.

use std::collections::BTreeMap;

use crate::read::attribute::{float, integer};
use crate::read::bytes::Bytes;
use crate::read::chunks::{Chunked, read_chunked};
use crate::read::filters::Filter;
use crate::read::header::Header;
use crate::read::{File, ReadError, Source, Value, attribute};
use crate::{Datatype, UNDEFINED, message};

/// A dataset.
#[derive(Debug)]
pub struct Dataset<'f, S> {
    file: &'f File<S>,
    header: Header,
    datatype: Datatype,
    shape: Vec<u64>,
    layout: Layout,
    /// Bytes of all its elements.
    bytes: u64,
}

/// Where the data are.
#[derive(Debug)]
enum Layout {
    /// In the object header.
    Compact(Vec<u8>),
    /// In one piece.
    Contiguous(u64),
    /// In pieces.
    Chunked(Chunked),
    /// There are none.
    Empty,
}

/// Reads the dimensions of a dataspace, version 1 or 2. A null space has one dimension of zero.
pub(crate) fn shape(bytes: &mut Bytes<'_>) -> Result<Vec<u64>, ReadError> {
    const NULL_SPACE: u8 = 2;
    let start = bytes.offset();
    let (version, rank) = (bytes.u8()?, bytes.u8()?);
    bytes.u8()?;
    let null = match version {
        1 => {
            bytes.take(5)?;
            false
        }
        2 => bytes.u8()? == NULL_SPACE,
        _ => return Err(ReadError::damaged(start, "a dataspace has a version that does not exist")),
    };
    if rank > 32 {
        return Err(ReadError::damaged(start, "a dataspace has more than 32 dimensions"));
    }
    if null {
        return Ok(vec![0]);
    }
    (0..rank).map(|_| bytes.u64()).collect()
}

impl<'f, S: Source> Dataset<'f, S> {
    pub(crate) fn new(file: &'f File<S>, path: &str, header: Header) -> Result<Self, ReadError> {
        let mut space = header.need(message::DATASPACE, "a dataset has no dataspace")?;
        let shape = shape(&mut space)?;
        let description = header.need(message::DATATYPE, "a dataset has no type")?;
        let datatype = Datatype::decode(description.rest())
            .ok_or(ReadError::damaged(description.offset(), "the type of a dataset is none"))?;
        let bytes = shape
            .iter()
            .try_fold(datatype.bytes(), |bytes, dimension| bytes.checked_mul(*dimension))
            .ok_or(ReadError::damaged(space.offset(), "a dataset is larger than can be"))?;
        if header.find(message::EXTERNAL_FILES).is_some() {
            return Err(ReadError::Unsupported { path: path.to_owned(), what: "data in another file" });
        }
        let filters = match header.find(message::FILTERS) {
            Some(pipeline) => Filter::read_all(path, pipeline.bytes())?,
            None => Vec::new(),
        };
        let place = header.need(message::LAYOUT, "a dataset has no layout")?;
        let layout = layout(file, path, place, bytes, &shape, datatype, filters)?;
        Ok(Self { file, header, datatype, shape, layout, bytes })
    }

    /// Its path from the root.
    pub fn path(&self) -> &str {
        &self.header.path
    }

    /// The type of its elements.
    pub const fn datatype(&self) -> Datatype {
        self.datatype
    }

    /// Its dimensions; none for a single element.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// How many bytes its elements have.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its attributes by name.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn attributes(&self) -> Result<BTreeMap<String, Value>, ReadError> {
        attribute::read_all(self.file, &self.header)
    }

    /// All its data as they are, row by row.
    ///
    /// # Errors
    /// When they are larger than the limit, damaged, or cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, ReadError> {
        let limit = self.file.limits().dataset_bytes;
        if self.bytes > limit {
            return Err(ReadError::TooLarge { what: format!("`{}`", self.path()), bytes: self.bytes, limit });
        }
        match &self.layout {
            Layout::Empty => Ok(Vec::new()),
            Layout::Compact(data) => Ok(data.clone()),
            Layout::Contiguous(address) => {
                let mut data = vec![0; self.bytes as usize];
                self.file.data(*address, &mut data)?;
                Ok(data)
            }
            Layout::Chunked(chunked) => {
                read_chunked(self.file, self.path(), chunked, &self.shape, self.datatype)
            }
        }
    }

    /// Gives all its data to `sink`, row by row and piece by piece. Contiguous data are never in memory as a whole.
    ///
    /// # Errors
    /// When they are damaged, cannot be read, or are chunked and larger than the limit.
    pub fn stream(&self, mut sink: impl FnMut(&[u8])) -> Result<(), ReadError> {
        const PIECE: u64 = 1 << 20;
        let Layout::Contiguous(address) = &self.layout else {
            sink(&self.read()?);
            return Ok(());
        };
        let mut piece = vec![0; self.bytes.min(PIECE) as usize];
        let mut done = 0;
        while done < self.bytes {
            let length = (self.bytes - done).min(PIECE) as usize;
            self.file.data(address + done, &mut piece[..length])?;
            sink(&piece[..length]);
            done += length as u64;
        }
        Ok(())
    }

    /// All its numbers as 64-bit floats.
    ///
    /// # Errors
    /// When it holds no numbers, or as for [`Dataset::read`].
    pub fn f64s(&self) -> Result<Vec<f64>, ReadError> {
        let each: fn(&[u8], crate::Order) -> f64 = match self.datatype {
            Datatype::Float { .. } => float,
            Datatype::Integer { signed: true, .. } => |element, order| integer(element, true, order) as f64,
            Datatype::Integer { signed: false, .. } => |element, order| integer(element, false, order) as f64,
            Datatype::Boolean => |element, order| integer(element, false, order) as f64,
            _ => return Err(ReadError::Type { path: self.path().to_owned(), wanted: "numbers" }),
        };
        let order = match self.datatype {
            Datatype::Float { order, .. } | Datatype::Integer { order, .. } => order,
            _ => crate::Order::Little,
        };
        let data = self.read()?;
        Ok(data.chunks_exact(self.datatype.bytes() as usize).map(|element| each(element, order)).collect())
    }

    /// All its whole numbers, none of them negative.
    ///
    /// # Errors
    /// When it holds anything else, or as for [`Dataset::read`].
    pub fn u64s(&self) -> Result<Vec<u64>, ReadError> {
        let other =
            || ReadError::Type { path: self.path().to_owned(), wanted: "whole numbers, none negative" };
        let Datatype::Integer { bytes, signed, order } = self.datatype else { return Err(other()) };
        self.read()?
            .chunks_exact(bytes.into())
            .map(|element| u64::try_from(integer(element, signed, order)).map_err(|_| other()))
            .collect()
    }

    /// All its 32-bit floats, bit for bit.
    ///
    /// # Errors
    /// When it holds anything else, or as for [`Dataset::read`].
    pub fn f32s(&self) -> Result<Vec<f32>, ReadError> {
        let Datatype::Float { bytes: 4, order } = self.datatype else {
            return Err(ReadError::Type { path: self.path().to_owned(), wanted: "32-bit floats" });
        };
        let data = self.read()?;
        let (elements, _) = data.as_chunks::<4>();
        Ok(elements
            .iter()
            .map(|element| match order {
                crate::Order::Little => f32::from_le_bytes(*element),
                crate::Order::Big => f32::from_be_bytes(*element),
            })
            .collect())
    }

    /// The text of a single element.
    ///
    /// # Errors
    /// When it holds anything else, or the text is damaged.
    pub fn text(&self) -> Result<String, ReadError> {
        let data = if self.bytes <= 1 << 20 { self.read()? } else { Vec::new() };
        if self.shape.is_empty()
            && data.len() as u64 == self.datatype.bytes()
            && let Value::Text(text) = attribute::value(self.file, self.datatype, &data, 0)?
        {
            return Ok(text);
        }
        Err(ReadError::Type { path: self.path().to_owned(), wanted: "a text" })
    }
}

fn layout<S: Source>(
    file: &File<S>,
    path: &str,
    mut place: Bytes<'_>,
    bytes: u64,
    shape: &[u64],
    datatype: Datatype,
    filters: Vec<Filter>,
) -> Result<Layout, ReadError> {
    const VERSION: u8 = 3;
    let start = place.offset();
    let unsupported = |what| ReadError::Unsupported { path: path.to_owned(), what };
    if place.u8()? != VERSION {
        return Err(unsupported("a layout of another version of the format"));
    }
    let class = place.u8()?;
    if class != 2 && !filters.is_empty() {
        return Err(ReadError::damaged(start, "data that are not in chunks have filters"));
    }
    match class {
        0 => {
            let length = usize::from(place.u16()?);
            if length as u64 != bytes {
                return Err(ReadError::damaged(start, "a dataset has another length than its shape"));
            }
            Ok(Layout::Compact(place.take(length)?.to_vec()))
        }
        1 => {
            let (address, length) = (place.u64()?, place.u64()?);
            if bytes == 0 {
                return Ok(Layout::Empty);
            }
            if address == UNDEFINED {
                return Err(unsupported("data that were never written"));
            }
            if length != bytes {
                return Err(ReadError::damaged(start, "a dataset has another length than its shape"));
            }
            file.check(address, bytes)?;
            Ok(Layout::Contiguous(address))
        }
        2 => {
            let rank = usize::from(place.u8()?);
            let tree = place.u64()?;
            let dimensions = (1..rank).map(|_| place.u32()).collect::<Result<Vec<_>, _>>()?;
            if rank != shape.len() + 1 || shape.is_empty() || dimensions.contains(&0) {
                return Err(ReadError::damaged(start, "chunks have another rank than their dataset"));
            }
            if u64::from(place.u32()?) != datatype.bytes() {
                return Err(ReadError::damaged(start, "chunks have another type than their dataset"));
            }
            if bytes == 0 {
                return Ok(Layout::Empty);
            }
            if tree == UNDEFINED {
                return Err(unsupported("data that were never written"));
            }
            Ok(Layout::Chunked(Chunked { tree, dimensions, filters }))
        }
        _ => Err(unsupported("virtual data")),
    }
}
