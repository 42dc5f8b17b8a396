//! Writing: a tree of groups and datasets, planned in memory and streamed out.
//!
//! [`Group::plan`] places everything: first all metadata, then all data in the order of their paths. [`Plan::bytes`] is
//! then known before the first byte is written, and data that come from elsewhere are read once, in order, while they go
//! out.

mod metadata;
mod placing;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

pub use placing::Plan;

use crate::Datatype;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output failed.
    #[error("cannot write the file")]
    Output(#[source] io::Error),
    /// Data that come from elsewhere could not be read.
    #[error("cannot read the data of `{path}`")]
    Input {
        /// The dataset.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Data are longer or shorter than said.
    #[error("`{path}` has {have} bytes of data where its shape asks for {wanted}")]
    Length {
        /// The dataset.
        path: String,
        /// What there is.
        have: u64,
        /// What there must be.
        wanted: u64,
    },
    /// A name that no member can have.
    #[error("`{name}` is no name: it must not be empty, `.`, nor contain `/` or a zero byte")]
    Name {
        /// The name.
        name: String,
    },
    /// An attribute that does not fit an object header, or a type that is only read.
    #[error("`{path}` cannot be written: {problem}")]
    Unwritable {
        /// The object or the attribute.
        path: String,
        /// Why.
        problem: &'static str,
    },
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A signed 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// A text of fixed length, filled with zeros, as `numpy.bytes_` becomes.
    Text(String),
    /// A row of signed 64-bit integers.
    Integers(Vec<i64>),
}

/// Where the data of a dataset come from.
pub enum Content {
    /// From memory, little-endian, row by row.
    Bytes(Vec<u8>),
    /// From elsewhere; read once, when the file is written.
    Stream {
        /// How many bytes it gives.
        bytes: u64,
        /// What gives them.
        reader: Box<dyn Read + Send>,
    },
    /// One text of any length. It is kept in a heap beside the metadata.
    Text(String),
}

/// A dataset to be written.
pub struct Dataset {
    datatype: Datatype,
    shape: Vec<u64>,
    content: Content,
    attributes: Vec<(String, Attribute)>,
}

impl Dataset {
    /// A dataset of `shape`; an empty shape is a single element.
    pub fn new(datatype: Datatype, shape: &[u64], content: Content) -> Self {
        Self { datatype, shape: shape.to_vec(), content, attributes: Vec::new() }
    }

    /// 32-bit floats.
    pub fn f32s<'a>(shape: &[u64], values: impl IntoIterator<Item = &'a f32>) -> Self {
        let bytes = values.into_iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(Datatype::F32, shape, Content::Bytes(bytes))
    }

    /// 64-bit floats.
    pub fn f64s<'a>(shape: &[u64], values: impl IntoIterator<Item = &'a f64>) -> Self {
        let bytes = values.into_iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(Datatype::F64, shape, Content::Bytes(bytes))
    }

    /// Unsigned 64-bit integers.
    pub fn u64s<'a>(shape: &[u64], values: impl IntoIterator<Item = &'a u64>) -> Self {
        let bytes = values.into_iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(Datatype::U64, shape, Content::Bytes(bytes))
    }

    /// A single UTF-8 text of any length.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Datatype::Text { utf8: true }, &[], Content::Text(text.into()))
    }

    /// The same with an attribute more.
    pub fn with(mut self, name: &str, value: Attribute) -> Self {
        self.attributes.push((name.to_owned(), value));
        self
    }

    /// The type of its elements.
    pub const fn datatype(&self) -> Datatype {
        self.datatype
    }

    /// Its dimensions.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Where its data come from.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Its attributes in the order in which they were given.
    pub fn attributes(&self) -> &[(String, Attribute)] {
        &self.attributes
    }
}

/// A member of a group.
pub enum Member {
    /// A group.
    Group(Group),
    /// A dataset.
    Dataset(Dataset),
}

/// A group to be written. Members are written in the order of their names, attributes as given.
#[derive(Default)]
pub struct Group {
    members: BTreeMap<String, Member>,
    attributes: Vec<(String, Attribute)>,
}

impl Group {
    /// An empty group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, name: &str, value: Attribute) -> &mut Self {
        self.attributes.push((name.to_owned(), value));
        self
    }

    /// Adds a dataset; one of the same name is replaced.
    pub fn dataset(&mut self, name: &str, dataset: Dataset) -> &mut Self {
        self.members.insert(name.to_owned(), Member::Dataset(dataset));
        self
    }

    /// Adds a group; one of the same name is replaced.
    pub fn group(&mut self, name: &str, group: Group) -> &mut Self {
        self.members.insert(name.to_owned(), Member::Group(group));
        self
    }

    /// Its attributes in the order in which they were given.
    pub fn attributes(&self) -> &[(String, Attribute)] {
        &self.attributes
    }

    /// Its members by name.
    pub const fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// Places this group as the root of a file.
    ///
    /// # Errors
    /// When a name, an attribute or a length is none that can be written.
    pub fn plan(self) -> Result<Plan, WriteError> {
        placing::place(self)
    }

    /// Writes a file with this group as its root. Returns its length in bytes.
    ///
    /// # Errors
    /// When the tree cannot be written, or reading or writing data fails; `out` has a part of the file then.
    pub fn write(self, out: &mut impl Write) -> Result<u64, WriteError> {
        let plan = self.plan()?;
        let bytes = plan.bytes();
        plan.write(out)?;
        Ok(bytes)
    }
}
