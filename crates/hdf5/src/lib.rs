//! HDF5 files, as far as snapshots of training and data sets need them, after the "HDF5 File Format Specification
//! Version 3.0" of the HDF Group.
//!
//! - [`write`]: a tree of groups and datasets becomes a file in one pass, without seeking. Equal trees give equal
//!   bytes: superblock 0, contiguous little-endian data, members in the order of their names, no times.
//! - [`read`]: what libhdf5 and h5py write by default: superblock 0 and 1, groups with symbol tables, contiguous,
//!   compact and chunked data, deflate and shuffle, numbers, texts and booleans.
//!
//! The reader takes bytes from anywhere and believes none of them: every address and length is checked, work and memory
//! are bounded by [`read::Limits`], nothing panics, and links that lead out of the file are refused.
//! It does not read superblock 2 and 3 (`libver="latest"`), virtual and external data, and other filters; it says so.

mod datatype;
pub mod read;
pub mod write;

pub use datatype::{Datatype, Order, Padding};

/// The eight bytes with which every file begins.
pub(crate) const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
/// The address that means nowhere.
pub(crate) const UNDEFINED: u64 = u64::MAX;

/// Numbers of the messages in an object header.
pub(crate) mod message {
    pub(crate) const DATASPACE: u16 = 0x01;
    pub(crate) const LINK_INFO: u16 = 0x02;
    pub(crate) const DATATYPE: u16 = 0x03;
    pub(crate) const FILL_VALUE: u16 = 0x05;
    pub(crate) const EXTERNAL_FILES: u16 = 0x07;
    pub(crate) const LAYOUT: u16 = 0x08;
    pub(crate) const FILTERS: u16 = 0x0b;
    pub(crate) const ATTRIBUTE: u16 = 0x0c;
    pub(crate) const CONTINUATION: u16 = 0x10;
    pub(crate) const SYMBOL_TABLE: u16 = 0x11;
}
