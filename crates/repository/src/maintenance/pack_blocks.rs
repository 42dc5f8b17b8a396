//! Reading many blocks of a pack with few requests.

use bytes::Bytes;

use crate::error::{RepositoryError, Result};
use crate::id::PackId;
use crate::index::Index;
use crate::progress::Cancel;
use crate::reader::blocks::FoundBlock;
use crate::repository::Shared;

/// Receives blocks: the number of each, what the index knows of it, and its raw bytes or the error about it.
pub(crate) type Visit<'v> = dyn FnMut(u32, &FoundBlock, Result<Vec<u8>>) -> Result<()> + 'v;

/// Neighbouring blocks are read together up to this length.
const SPAN_BYTES: u64 = 4 << 20;

/// Reads `blocks`, numbers of blocks of one pack in rising order, and hands each over: opened and decoded, or the
/// error about it. A block that cannot be read does not keep the others from being read.
pub(crate) fn read_blocks(
    shared: &Shared,
    index: &Index,
    pack: PackId,
    blocks: &[u32],
    cancel: &Cancel,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut rest = blocks;
    while !rest.is_empty() {
        cancel.check()?;
        let (span, range) = take_span(index, &mut rest);
        let sealed = shared.store.get_range(&pack.object_name(), range.clone());
        match sealed {
            Ok(sealed) => {
                for found in span {
                    let start = (found.1.range().start - range.start) as usize;
                    let bytes = sealed.slice(start..start + found.1.place.stored_bytes as usize);
                    let opened = found.1.open(shared, &bytes);
                    visit(found.0, &found.1, opened)?;
                }
            }
            Err(_) => one_by_one(shared, pack, span, visit)?,
        }
    }
    Ok(())
}

/// Takes blocks that follow each other without a gap from the front of `rest`.
fn take_span(index: &Index, rest: &mut &[u32]) -> (Vec<(u32, FoundBlock)>, std::ops::Range<u64>) {
    let mut span: Vec<(u32, FoundBlock)> = Vec::new();
    let mut range = 0..0;
    while let Some((block, others)) = rest.split_first() {
        let found = FoundBlock::of(index, *block);
        let own = found.range();
        let fits = own.start == range.end && own.end - range.start <= SPAN_BYTES;
        if !span.is_empty() && !fits {
            break;
        }
        range = if span.is_empty() { own } else { range.start..own.end };
        span.push((*block, found));
        *rest = others;
    }
    (span, range)
}

/// The way when a span cannot be read, to find out which of its blocks are concerned.
fn one_by_one(
    shared: &Shared,
    pack: PackId,
    span: Vec<(u32, FoundBlock)>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    for (block, found) in span {
        let sealed: Result<Bytes> =
            shared.store.get_range(&pack.object_name(), found.range()).map_err(RepositoryError::from);
        let opened = sealed.and_then(|sealed| found.open(shared, &sealed));
        visit(block, &found, opened)?;
    }
    Ok(())
}
