//! Writes content into a file, with several threads when it is large.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use parking_lot::Mutex;

use crate::content::{Content, Extent};
use crate::error::{RepositoryError, Result};
use crate::progress::{Cancel, Progress};
use crate::reader::Reader;
use crate::reader::content::{Extents, damaged_page};

/// A thread is started for every so many bytes, up to the wanted number.
const BYTES_PER_THREAD: u64 = 3 << 20;

/// Extents that a thread takes at once: about a block, so that threads seldom want the same.
const BATCH_BYTES: u64 = 1 << 20;

/// In a file with holes, pieces of this length that are zero are not written either.
const PIECE_BYTES: usize = 4096;

/// Where the next thread goes on.
struct Remaining {
    offset: u64,
    extents: Extents,
    /// Whether there was a hole so far.
    sparse: bool,
}

impl Reader {
    /// Writes `content` into `file`, which must be empty, with up to `threads` threads, and sets its length. Holes
    /// stay holes. Every byte is verified before it is written.
    ///
    /// After an error the file holds some of the content.
    pub fn write_to_file(
        &self,
        content: &Content,
        file: &File,
        threads: usize,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<()> {
        if let Some([Extent::Data { id, length }]) = content.inline_extents() {
            cancel.check()?;
            self.write_chunk(*id, *length, file, 0, false)?;
            progress.advance(0, u64::from(*length));
            return Ok(());
        }
        let remaining = Mutex::new(Remaining { offset: 0, extents: self.extents(content), sparse: false });
        let helpers = (content.length() / BYTES_PER_THREAD).min(threads.saturating_sub(1) as u64);
        let work = || self.write_batches(&remaining, file, progress, cancel);
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mut result = work();
            for other in others {
                let other = other.join().unwrap_or(Err(RepositoryError::SessionFailed));
                result = result.and(other);
            }
            result
        })?;
        file.set_len(content.length()).map_err(RepositoryError::writing)
    }

    fn write_batches(
        &self,
        remaining: &Mutex<Remaining>,
        file: &File,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<()> {
        let mut batch = Vec::new();
        loop {
            cancel.check()?;
            let (mut offset, sparse) = {
                let mut remaining = remaining.lock();
                let start = remaining.offset;
                while remaining.offset - start < BATCH_BYTES {
                    let Some(extent) = remaining.extents.next().transpose()? else { break };
                    remaining.offset = remaining.offset.saturating_add(extent.length());
                    remaining.sparse |= matches!(extent, Extent::Hole { .. });
                    batch.push(extent);
                }
                (start, remaining.sparse)
            };
            if batch.is_empty() {
                return Ok(());
            }
            for extent in batch.drain(..) {
                if let Extent::Data { id, length } = extent {
                    self.write_chunk(id, length, file, offset, sparse)?;
                }
                progress.advance(0, extent.length());
                offset += extent.length();
            }
        }
    }

    fn write_chunk(
        &self,
        id: crate::ChunkId,
        length: u32,
        file: &File,
        offset: u64,
        sparse: bool,
    ) -> Result<()> {
        let bytes = self.chunk(&id)?;
        if bytes.len() != length as usize {
            return Err(damaged_page(id, "a chunk has another length than the list tells"));
        }
        let result =
            if sparse { write_sparse(file, &bytes, offset) } else { file.write_all_at(&bytes, offset) };
        result.map_err(RepositoryError::writing)
    }
}

/// Writes the runs of pieces that are not zero.
fn write_sparse(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut start = None;
    for place in (0..bytes.len()).step_by(PIECE_BYTES) {
        let piece = &bytes[place..bytes.len().min(place + PIECE_BYTES)];
        match (crate::chunker::is_zero(piece), start) {
            (false, None) => start = Some(place),
            (true, Some(from)) => {
                file.write_all_at(&bytes[from..place], offset + from as u64)?;
                start = None;
            }
            _ => {}
        }
    }
    start.map_or(Ok(()), |from| file.write_all_at(&bytes[from..], offset + from as u64))
}
