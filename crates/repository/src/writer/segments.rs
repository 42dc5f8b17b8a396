//! Cuts a file or a stream into segments that threads take one by one.

use std::io::{self, Read};
use std::ops::Range;

use crate::chunker::LOOKBACK_BYTES;
use crate::error::{RepositoryError, Result};
use crate::writer::random_access::RandomAccess;

/// The length of a segment, in bytes.
pub(crate) const SEGMENT_BYTES: usize = 1 << 20;

/// Room before the data of a segment, for the end of the chunk that was open before it.
pub(crate) const HEADROOM_BYTES: usize = 1 << 20;

/// What a thread got to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Bytes that were read into the buffer, from [`HEADROOM_BYTES`] on; the look-back lies just before them.
    Data {
        /// Where they are in the file.
        offset: u64,
        /// How many there are.
        length: usize,
        /// How many of the bytes before them lie in the buffer, too.
        lookback: usize,
        /// Whether a run of data begins here.
        begins_run: bool,
        /// Whether the run of data ends with them.
        ends_run: bool,
    },
    /// A hole of this length.
    Hole(u64),
}

/// Where segments come from. Threads take turns.
pub(crate) trait Segments: Send {
    /// The next segment, its bytes in `buffer`; `None` at the end.
    fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Segment>>;
}

/// Segments of a file: runs of data, holes between them.
pub(crate) struct FileSegments<'f> {
    file: &'f (dyn RandomAccess + Sync),
    length: u64,
    /// Runs of data are extended to multiples of this.
    grid: u64,
    position: u64,
    run: Option<Range<u64>>,
}

impl<'f> FileSegments<'f> {
    pub(crate) fn new(file: &'f (dyn RandomAccess + Sync), length: u64, grid: u64) -> Self {
        Self { file, length, grid, position: 0, run: None }
    }

    /// Makes `run` the next run of data at or after the position.
    fn find_run(&mut self) -> Result<()> {
        let found = self.file.next_data(self.position, self.length).map_err(RepositoryError::reading)?;
        let Some(mut range) = found.filter(|range| range.start < self.length) else {
            self.run = Some(self.length..self.length);
            return Ok(());
        };
        range.start = (range.start / self.grid * self.grid).max(self.position);
        range.end = range.end.div_ceil(self.grid).saturating_mul(self.grid).min(self.length);
        self.run = Some(range);
        Ok(())
    }
}

impl Segments for FileSegments<'_> {
    fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Segment>> {
        if self.position >= self.length {
            return Ok(None);
        }
        if self.run.is_none() {
            self.find_run()?;
        }
        let run = self.run.clone().expect("a run was just found");
        if self.position < run.start {
            let hole = run.start - self.position;
            self.position = run.start;
            return Ok(Some(Segment::Hole(hole)));
        }
        let offset = self.position;
        // Segments end at multiples of their length, so that the blocks of an image do not straddle them.
        let end = (offset / SEGMENT_BYTES as u64 + 1) * SEGMENT_BYTES as u64;
        let wanted = (end.min(run.end) - offset) as usize;
        let lookback = LOOKBACK_BYTES.min((offset - run.start) as usize);
        buffer.resize(HEADROOM_BYTES + SEGMENT_BYTES, 0);
        let target = &mut buffer[HEADROOM_BYTES - lookback..HEADROOM_BYTES + wanted];
        let filled =
            fill_at(self.file, target, offset - lookback as u64).map_err(RepositoryError::reading)?;
        let length = filled.saturating_sub(lookback);
        self.position += length as u64;
        let ended_early = length < wanted;
        if ended_early {
            self.length = self.position;
        }
        let ends_run = ended_early || self.position == run.end;
        if ends_run {
            self.run = None;
        }
        Ok(Some(Segment::Data { offset, length, lookback, begins_run: offset == run.start, ends_run }))
    }
}

fn fill_at(file: &(dyn RandomAccess + Sync), mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let wanted = buffer.len();
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => break,
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(wanted - buffer.len())
}

/// Segments of a stream: one run of data.
pub(crate) struct StreamSegments<'s> {
    stream: &'s mut (dyn Read + Send),
    /// What was read already, to look at it.
    first: Option<Vec<u8>>,
    carried: Vec<u8>,
    position: u64,
    ended: bool,
}

impl<'s> StreamSegments<'s> {
    /// Reads the first segment, so that [`StreamSegments::head`] can show it.
    pub(crate) fn new(stream: &'s mut (dyn Read + Send)) -> Result<Self> {
        let mut first = Vec::new();
        stream.take(SEGMENT_BYTES as u64).read_to_end(&mut first).map_err(RepositoryError::reading)?;
        let ended = first.len() < SEGMENT_BYTES;
        Ok(Self { stream, first: Some(first), carried: Vec::new(), position: 0, ended })
    }

    /// The beginning of the stream, and whether that is all of it.
    pub(crate) fn head(&self) -> (&[u8], bool) {
        (self.first.as_deref().unwrap_or_default(), self.ended)
    }
}

impl Segments for StreamSegments<'_> {
    fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Segment>> {
        let offset = self.position;
        buffer.resize(HEADROOM_BYTES + SEGMENT_BYTES, 0);
        let lookback = self.carried.len();
        buffer[HEADROOM_BYTES - lookback..HEADROOM_BYTES].copy_from_slice(&self.carried);
        let length = match self.first.take() {
            Some(first) => {
                buffer[HEADROOM_BYTES..][..first.len()].copy_from_slice(&first);
                first.len()
            }
            None if self.ended => return Ok(None),
            None => fill(self.stream, &mut buffer[HEADROOM_BYTES..]).map_err(RepositoryError::reading)?,
        };
        self.ended = length < SEGMENT_BYTES;
        self.position += length as u64;
        let seen = &buffer[HEADROOM_BYTES - lookback..HEADROOM_BYTES + length];
        self.carried = seen[seen.len().saturating_sub(LOOKBACK_BYTES)..].to_vec();
        Ok(Some(Segment::Data { offset, length, lookback, begins_run: offset == 0, ends_run: self.ended }))
    }
}

fn fill(stream: &mut (dyn Read + Send), mut buffer: &mut [u8]) -> io::Result<usize> {
    let wanted = buffer.len();
    while !buffer.is_empty() {
        match stream.read(buffer) {
            Ok(0) => break,
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(wanted - buffer.len())
}
