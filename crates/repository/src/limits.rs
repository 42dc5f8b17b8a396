//! The bounds of what is stored. A reader refuses what is larger before it allocates.

/// The largest chunk, in bytes.
pub const MAX_CHUNK_BYTES: usize = 4 << 20;

/// The largest block before encoding, in bytes.
pub(crate) const MAX_BLOCK_BYTES: usize = 8 << 20;

/// The most chunks in a block.
pub(crate) const MAX_BLOCK_CHUNKS: usize = 8192;

/// The largest pack, in bytes.
pub(crate) const MAX_PACK_BYTES: u64 = 1 << 30;

/// The largest pack footer or index object before compression, in bytes.
pub(crate) const MAX_OBJECT_BYTES: usize = 64 << 20;

/// The longest name of a directory entry, in bytes.
pub const MAX_NAME_BYTES: usize = 1024;

/// The longest target of a symlink, in bytes.
pub const MAX_TARGET_BYTES: usize = 65_536;

/// The longest value of an extended attribute, in bytes.
pub const MAX_XATTR_BYTES: usize = 65_536;

/// The most extended attributes of an entry.
pub const MAX_XATTRS: usize = 256;

/// The most bytes of an encoded entry: what is larger cannot be stored.
pub(crate) const MAX_ENTRY_BYTES: usize = 2 << 20;

/// The deepest list of pages: enough for 2^64 items at the smallest page.
pub(crate) const MAX_LEVELS: u8 = 24;

/// The largest `config`, key or other small plain object, in bytes.
pub(crate) const MAX_PLAIN_BYTES: usize = 64 << 10;
