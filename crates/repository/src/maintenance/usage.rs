//! How much of each pack is referenced.

use crate::id::PackId;
use crate::index::Index;
use crate::maintenance::live::Live;

/// How much of a pack is referenced, in bytes before compression.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) pack: PackId,
    /// The length of the pack on the store.
    pub(crate) size: u64,
    pub(crate) used_chunks: u64,
    pub(crate) used_bytes: u64,
    pub(crate) raw_bytes: u64,
}

impl Usage {
    /// About how many bytes of the pack on the store nothing references.
    pub(crate) fn unused_stored_bytes(&self) -> u64 {
        let unused = u128::from(self.raw_bytes - self.used_bytes);
        (unused * u128::from(self.size) / u128::from(self.raw_bytes.max(1))) as u64
    }
}

/// The usage of every pack of `index`.
pub(crate) fn usage<'a>(index: &'a Index, live: &'a Live) -> impl Iterator<Item = Usage> + 'a {
    index.packs().map(move |(pack, _, size, blocks)| {
        let mut usage = Usage { pack, size, used_chunks: 0, used_bytes: 0, raw_bytes: 0 };
        for block in blocks {
            let first = index.block(block).first_chunk;
            for (number, (_, length)) in (first..).zip(index.block_chunks(block)) {
                usage.raw_bytes += u64::from(length);
                if live.chunks.contains(number) {
                    usage.used_chunks += 1;
                    usage.used_bytes += u64::from(length);
                }
            }
        }
        usage
    })
}
